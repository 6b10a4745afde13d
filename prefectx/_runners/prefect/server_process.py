"""The process of a temporary Prefect server, run by its path so that it does not import prefectx.

It ends with its parent, even if that is killed: its standard input is a pipe, to which the parent
writes only when it is done, and which is closed when the parent ends. The server writes files to a
folder: `outcome.json` has its address or an error; `recorded.json` has the number of reports that
are still to be written to the database after it was told to stop.
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
"""The time, in seconds, in which a server whose parent has ended may record pending reports."""

_QUIET_SECONDS: Final = 0.5
"""The time, in seconds, without new reports after which all are assumed to be received."""

_TICK: Final = 0.1

_NAMES: Final = 3
"""The number of missing task runs that are listed by name."""


class Options(NamedTuple):
    """The options of the server.

    Attributes:
        folder: The folder for the files; removed when nobody reads them any more.
        database: The file of a new database, a copy of `template`; None for the database in
            Prefect's settings.
        template: A migrated, empty database; created if it does not exist.
        port: The port; 0 for any.
        records: Whether to wait at the end until all reports are in the database.
    """

    folder: Path
    database: Path | None
    template: Path | None
    port: int
    records: bool

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Return the options from the parent's JSON text."""
        options: dict[str, Any] = json.loads(text)
        database, template = options["database"], options["template"]
        return cls(
            Path(options["folder"]),
            None if database is None else Path(database),
            None if template is None else Path(template),
            options["port"],
            options["records"],
        )


class RecordingMonitor:
    """Tracks reports of task runs that were received and are not in the database yet.

    Prefect's server receives reports at once and writes them later. This uses private names of
    Prefect's server; if one is missing, `is_known` is False.
    """

    def __init__(self) -> None:
        self._waiting: Final[dict[Any, str]] = {}
        # After a reconnection, a client sends some reports twice; Prefect ignores the second.
        self._recorded: Final[deque[Any]] = deque(maxlen=20_000)
        self._received = time.monotonic()
        self.is_known = False

    def watch(self) -> None:
        """Track the reports that the server receives and writes; let it drop none."""
        try:
            self._watch()
        except (ImportError, AttributeError) as error:
            sys.stderr.write(
                f"prefectx cannot track what this version of Prefect records: {error}\n"
            )
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
            # Prefect's own queue drops reports while 10,000 others wait.
            subscription._queue = asyncio.Queue()

        untyped: Any = (EventPublisher, task_run_recorder, Subscription)
        untyped[0].publish_event = publish_event
        untyped[1].record_bulk_task_run_events = record_bulk_task_run_events
        untyped[2].__init__ = subscribe_without_limit

    def _receive(self, event: Any) -> None:
        # The same condition as in Prefect's recorder.
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
    def is_complete(self) -> bool:
        """True if all reports are recorded, or if that is not known."""
        is_quiet = time.monotonic() - self._received > _QUIET_SECONDS
        return not self.is_known or (is_quiet and not self._waiting)

    def summary(self) -> dict[str, Any]:
        """Return the numbers of missing reports and runs, for the parent."""
        names = sorted(set(self._waiting.copy().values()))
        return {
            "known": self.is_known,
            "reports": len(self._waiting),
            "runs": len(names),
            "names": names[:_NAMES],
        }


def main(options: Options) -> None:
    """Serve Prefect's API until the parent is done or has ended."""
    recording = RecordingMonitor()
    end = threading.Thread(target=_end_with_parent, args=(options, recording), daemon=True)
    end.start()
    # Garbage collection during Prefect's import would take half a second.
    gc.disable()
    try:
        if options.database is not None and options.template is not None:
            _make_database(options.database, options.template)
        recording.watch()
        _serve(options.folder, options.port)
    except BaseException as error:
        _write(options.folder / "outcome.json", {"error": f"{type(error).__name__}: {error}"})
        raise


def _end_with_parent(options: Options, recording: RecordingMonitor) -> None:
    parent = os.getppid()
    # The parent's id is checked too, because a fork of the parent may hold the pipe open.
    while os.getppid() == parent and not select.select([sys.stdin], [], [], 0.5)[0]:
        pass
    if options.records:
        _record(options.folder, recording, parent)
    is_asked = options.records and os.getppid() == parent
    # The server may still write to the folder while it is removed, so try again.
    for _ in () if is_asked else range(100):
        shutil.rmtree(options.folder, ignore_errors=True)
        if not options.folder.exists():
            break
    os._exit(0)


def _record(folder: Path, recording: RecordingMonitor, parent: int) -> None:
    """Wait until everything is recorded; report how much is missing while the parent lives.

    The parent decides how long to wait, and kills this process after that.
    """
    orphaned: float | None = None
    while not recording.is_complete:
        if os.getppid() != parent:
            orphaned = orphaned or time.monotonic()
            if time.monotonic() - orphaned > ORPHAN_SECONDS:
                return
        else:
            _write(folder / "recorded.json", recording.summary())
        time.sleep(_TICK)
    _write(folder / "recorded.json", recording.summary())


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
    # Other processes may do the same: each writes its own file, and the last rename wins.
    template.parent.mkdir(parents=True, exist_ok=True)
    unfinished = template.with_name(f"{template.name}.{os.getpid()}.tmp")
    shutil.copyfile(database, unfinished)
    unfinished.replace(template)


def _serve(folder: Path, port: int) -> None:
    import uvicorn
    from prefect.server.api.server import create_app

    class Server(uvicorn.Server):
        """A server that writes its address once it accepts requests."""

        async def startup(self, sockets: list[socket] | None = None) -> None:
            await super().startup(sockets)
            gc.freeze()
            gc.enable()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            _write(folder / "outcome.json", {"url": f"http://{host}:{port}"})

    # Port 0 is bound here. A socket from the parent would lose TCP_NODELAY: 40 ms per request.
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
        # The folder is removed: nobody will read this.
        return


if __name__ == "__main__":
    main(Options.from_json(sys.argv[1]))
