"""The process of a Prefect server of ours: run by its path, so that it imports nothing of prefectx.

It ends with the process that started it, however that ends: its standard input is a pipe that the
other end never writes to but for the word that it is done, and that is closed when it is gone. What
the server has to say goes to files in a folder: `outcome.json` tells its address or why there is
none, `recorded.json` what it has still to write to its database once it was told to stop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import shutil
import sqlite3
import sys
import threading
import time
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from socket import socket

ORPHAN_SECONDS: Final = 30.0
"""How long a server whose parent is gone may go on to record what it was told."""

_QUIET_SECONDS: Final = 0.5
"""How long no report may have come in before all are taken for received."""

_TICK: Final = 0.1

_NAMES: Final = 3
"""How many of the task runs that are missing are named."""


class Options(NamedTuple):
    """How to serve.

    Attributes:
        folder: Where outcomes are written; removed with all that is in it when nobody reads them.
        database: The file of a database to be made as a copy of `template`; None for the one that
            Prefect's settings name.
        template: A migrated, empty database; made here if it is not there.
        port: The port to serve at; 0 for any.
        records: Whether what was reported is to be in the database before this process ends.
    """

    folder: Path
    database: Path | None
    template: Path | None
    port: int
    records: bool

    @classmethod
    def parsed(cls, text: str) -> Options:
        """Return the options that a parent has passed on."""
        given: dict[str, Any] = json.loads(text)
        database, template = given["database"], given["template"]
        return cls(
            Path(given["folder"]),
            None if database is None else Path(database),
            None if template is None else Path(template),
            given["port"],
            given["records"],
        )


class Recording:
    """Reports of task runs that were received and are not in the database yet.

    Prefect's server takes reports in at once and writes them later. It leans on names of Prefect's
    server that are not promised: where they are not there, nothing is known.
    """

    def __init__(self) -> None:
        self._waiting: Final[dict[Any, str]] = {}
        # A client that connects anew sends what it is not sure of again, which Prefect leaves out.
        self._recorded: Final[deque[Any]] = deque(maxlen=20_000)
        self._received = time.monotonic()
        self.is_known = False

    def watch(self) -> None:
        """Follow what the server receives and writes; let none of it be dropped."""
        try:
            self._watch()
        except (ImportError, AttributeError) as error:
            sys.stderr.write(f"prefectx cannot follow what this Prefect records: {error}\n")
        else:
            self.is_known = True

    def _watch(self) -> None:
        from prefect.server.events.messaging import EventPublisher
        from prefect.server.services import task_run_recorder
        from prefect.server.utilities.messaging.memory import Subscription

        publish = EventPublisher.publish_event
        record = task_run_recorder.record_bulk_task_run_events
        subscribe = Subscription.__init__

        async def publish_event(publisher: Any, event: Any) -> None:
            self._receive(event)
            await publish(publisher, event)

        async def record_bulk_task_run_events(events: Any) -> None:
            await record(events)
            self._forget(events)

        def subscribe_without_limit(subscription: Any, *args: Any, **kwargs: Any) -> None:
            subscribe(subscription, *args, **kwargs)
            # Prefect drops what comes in while 10,000 others wait.
            subscription._queue = asyncio.Queue()

        untyped: Any = (EventPublisher, task_run_recorder, Subscription)
        untyped[0].publish_event = publish_event
        untyped[1].record_bulk_task_run_events = record_bulk_task_run_events
        untyped[2].__init__ = subscribe_without_limit

    def _receive(self, event: Any) -> None:
        # As Prefect's recorder chooses.
        is_recorded = event.event.startswith("prefect.task-run") and (
            event.resource.get("prefect.orchestration") == "client"
        )
        if is_recorded and event.id not in self._recorded:
            self._received = time.monotonic()
            self._waiting[event.id] = event.resource.get("prefect.resource.name") or "?"

    def _forget(self, events: Iterable[Any]) -> None:
        for event in events:
            self._waiting.pop(event.id, None)
            self._recorded.append(event.id)

    @property
    def is_over(self) -> bool:
        """Whether all that was reported is recorded, as far as that is known."""
        is_quiet = time.monotonic() - self._received > _QUIET_SECONDS
        return not self.is_known or (is_quiet and not self._waiting)

    def told(self) -> dict[str, Any]:
        """Return what is missing, for the parent."""
        names = sorted(set(self._waiting.copy().values()))
        return {
            "known": self.is_known,
            "reports": len(self._waiting),
            "runs": len(names),
            "names": names[:_NAMES],
        }


def main(options: Options) -> None:
    """Serve Prefect's API until the parent is done or gone."""
    recording = Recording()
    end = threading.Thread(target=_end_with_parent, args=(options, recording), daemon=True)
    end.start()
    # Looking through Prefect's modules again and again while they are imported takes half a second.
    gc.disable()
    try:
        if options.database is not None and options.template is not None:
            _make_database(options.database, options.template)
        recording.watch()
        _serve(options.folder, options.port)
    except BaseException as error:
        _write(options.folder / "outcome.json", {"error": f"{type(error).__name__}: {error}"})
        raise


def _end_with_parent(options: Options, recording: Recording) -> None:
    parent = os.getppid()
    # A fork of the parent may hold its end of the pipe open after it is gone: so its id is looked
    # at as well.
    while os.getppid() == parent and not select.select([sys.stdin], [], [], 0.5)[0]:
        pass
    if options.records:
        _record(options.folder, recording, parent)
    is_asked = options.records and os.getppid() == parent
    # The server is still writing: what it adds while the folder is being removed takes another go.
    for _ in () if is_asked else range(100):
        shutil.rmtree(options.folder, ignore_errors=True)
        if not options.folder.exists():
            break
    os._exit(0)


def _record(folder: Path, recording: Recording, parent: int) -> None:
    """Wait until all is recorded; say how much is missing as long as somebody listens.

    Who asks decides how long to wait, and kills this process when that is over.
    """
    orphaned: float | None = None
    while not recording.is_over:
        if os.getppid() != parent:
            orphaned = orphaned or time.monotonic()
            if time.monotonic() - orphaned > ORPHAN_SECONDS:
                return
        else:
            _write(folder / "recorded.json", recording.told())
        time.sleep(_TICK)
    _write(folder / "recorded.json", recording.told())


def _make_database(database: Path, template: Path) -> None:
    if template.exists():
        shutil.copyfile(template, database)
    else:
        _migrate(database, template)


def _migrate(database: Path, template: Path) -> None:
    from prefect.server.database import provide_database_interface

    async def migrate() -> None:
        interface = provide_database_interface()
        await interface.create_db()
        await (await interface.engine()).dispose()

    asyncio.run(migrate())
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # Others may be doing the same: each writes a file of its own, and the last rename wins.
    template.parent.mkdir(parents=True, exist_ok=True)
    unfinished = template.with_name(f"{template.name}.{os.getpid()}.tmp")
    shutil.copyfile(database, unfinished)
    unfinished.replace(template)


def _serve(folder: Path, port: int) -> None:
    import uvicorn
    from prefect.server.api.server import create_app

    class Server(uvicorn.Server):
        """Tells its port once it accepts requests."""

        async def startup(self, sockets: list[socket] | None = None) -> None:
            await super().startup(sockets)
            gc.freeze()
            gc.enable()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            _write(folder / "outcome.json", {"url": f"http://{host}:{port}"})

    # Binding port 0 here, not handing over a socket: `--fd` loses TCP_NODELAY, 40 ms a request.
    # Prefect's clients keep idle connections for 25 s, uvicorn for 5: a request that is sent while
    # the server closes its connection fails.
    config = uvicorn.Config(
        create_app(),
        host="127.0.0.1",
        port=port,
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=60,
    )
    Server(config).run()


def _write(path: Path, content: dict[str, Any]) -> None:
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        unfinished.replace(path)
    except FileNotFoundError:
        # The folder is gone, and so is whoever would read this.
        return


if __name__ == "__main__":
    main(Options.parsed(sys.argv[1]))
