"""The process of the ephemeral server: run by its path, so that it imports nothing of prefectx."""

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
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket


def main(folder: Path, database: Path, template: Path) -> None:
    """Serve Prefect's API from `database` until the parent is gone, then remove `folder`."""
    threading.Thread(target=_die_with_parent, args=(folder,), daemon=True).start()
    # Looking through Prefect's modules again and again while they are imported takes half a second.
    gc.disable()
    try:
        if template.exists():
            shutil.copyfile(template, database)
        else:
            _migrate(database, template)
        _serve(folder)
    except BaseException as error:
        _report(folder, {"error": f"{type(error).__name__}: {error}"})
        raise


def _die_with_parent(folder: Path) -> None:
    parent = os.getppid()
    # Standard input has a word when the parent is done, and ends when it is gone, even after
    # kill -9. A fork of it may hold the pipe open for longer: so its id is looked at as well.
    while os.getppid() == parent and not select.select([sys.stdin], [], [], 0.5)[0]:
        pass
    # The server is still writing: what it adds while the folder is being removed takes another go.
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
    os._exit(0)


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


def _serve(folder: Path) -> None:
    import uvicorn
    from prefect.server.api.server import create_app

    class Server(uvicorn.Server):
        """Tells its port once it accepts requests."""

        async def startup(self, sockets: list[socket] | None = None) -> None:
            await super().startup(sockets)
            gc.freeze()
            gc.enable()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            _report(folder, {"url": f"http://{host}:{port}"})

    # Binding port 0 here, not handing over a socket: `--fd` loses TCP_NODELAY, 40 ms a request.
    # Prefect's clients keep idle connections for 25 s, uvicorn for 5: a request that is sent while
    # the server closes its connection fails.
    config = uvicorn.Config(
        create_app(),
        host="127.0.0.1",
        port=0,
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=60,
    )
    Server(config).run()


def _report(folder: Path, outcome: dict[str, str]) -> None:
    unfinished = folder / "outcome.tmp"
    unfinished.write_text(json.dumps(outcome), encoding="utf-8")
    unfinished.replace(folder / "outcome.json")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
