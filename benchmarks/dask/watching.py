"""A client that does what it is told, and how much memory it and the cluster take meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psutil
from services import HERE, PATIENCE

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from services import Cluster

_INTERVAL: Final = 0.02
"""Seconds from one look at the processes to the next."""


class Memory(NamedTuple):
    """Resident memory in bytes."""

    client: int
    scheduler: int
    workers: int

    def or_more(self, other: Memory) -> Memory:
        """Return the larger of each."""
        return Memory(*map(max, self, other))


class Client:
    """A process that runs flows on a cluster; see `client.py`."""

    def __init__(self, process: subprocess.Popen[str], cluster: Cluster, log: Path) -> None:
        self._process: Final = process
        self._watched: Final = psutil.Process(process.pid)
        self._cluster: Final = cluster
        self.log: Final = log

    def run(self, side: str, flow: str, *numbers: int) -> Any:
        """Run a flow of a side; return what it gives.

        Raises:
            RuntimeError: The client has ended, with the end of its log.
        """
        print(side, flow, *numbers, file=self._process.stdin, flush=True)
        assert self._process.stdout is not None
        if answer := self._process.stdout.readline():
            return json.loads(answer)
        msg = f"{side} {flow} failed:\n{self.log.read_text(errors='replace')[-3_000:]}"
        raise RuntimeError(msg)

    def run_watched(self, side: str, flow: str, *numbers: int) -> tuple[Any, Memory]:
        """Run a flow; return what it gives, and the most memory that was taken meanwhile."""
        over = threading.Event()
        peak = self.memory()

        def watch() -> None:
            nonlocal peak
            while not over.wait(_INTERVAL):
                peak = peak.or_more(self.memory())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            given = self.run(side, flow, *numbers)
        finally:
            over.set()
            thread.join()
        return given, peak.or_more(self.memory())

    def memory(self) -> Memory:
        """Return what is taken now."""
        workers = sum(process.memory_info().rss for process in self._cluster.workers)
        scheduler = self._cluster.scheduler.memory_info().rss
        return Memory(self._watched.memory_info().rss, scheduler, workers)


@contextmanager
def client(cluster: Cluster, folder: Path, variables: dict[str, str]) -> Generator[Client]:
    """Start a client that stands in `folder`."""
    log = folder / "client.log"
    with (
        log.open("ab") as said,
        subprocess.Popen(  # noqa: S603 - our own child
            [sys.executable, str(HERE / "client.py"), cluster.address],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            yield Client(process, cluster, log)
            if process.stdin is not None:
                process.stdin.close()
            process.wait(PATIENCE)
        finally:
            process.kill()
