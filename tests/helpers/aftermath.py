"""The state after something has died: nothing torn, nothing left, nothing made twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import doomed
import psutil
from distributed import Client

from prefectx import load
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import LocalCluster

HELPERS = os.path.dirname(os.path.abspath(__file__))


class Aftermath:
    """Starts processes, and looks at what a fault has left of them, of targets and of threads.

    Args:
        tmp_target: The test's targets.
        cluster: The cluster of this process.
    """

    def __init__(self, tmp_target: Any, cluster: LocalCluster) -> None:
        self._targets = tmp_target
        self._cluster = cluster
        self._sessions: list[subprocess.Popen[str]] = []
        self._children = self._others()

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start Python with the arguments, in a session of its own."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": HELPERS, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._sessions.append(process)
        return process

    def start_flow(self, *address: str) -> subprocess.Popen[str]:
        """Start a process that runs the flow, on a cluster of its own if there is no address."""
        return self.start("-c", "import sys, doomed; doomed.main(*sys.argv[1:])", *address)

    def start_scheduler(
        self, address: str = "", **settings: str
    ) -> tuple[subprocess.Popen[str], str]:
        """Start a scheduler with settings of Dask's; return its process and its address.

        Args:
            address: The address of one that has ended, to take its place.
            **settings: Dask's settings of schedulers.
        """
        env = {f"DASK_DISTRIBUTED__SCHEDULER__{name.upper()}": v for name, v in settings.items()}
        doomed.GATES.mkdir(exist_ok=True)
        file = doomed.GATES / "scheduler.json"
        file.unlink(missing_ok=True)
        port = address.rpartition(":")[2] or "0"
        options = [
            f"--port={port}",
            "--host=127.0.0.1",
            "--no-dashboard",
            f"--scheduler-file={file}",
        ]
        process = self.start("-m", "distributed.cli.dask_scheduler", *options, **env)
        doomed.eventually(lambda: _content(file).endswith("}"), "the scheduler's start")
        return process, json.loads(_content(file))["address"]

    def start_worker(self, address: str, *options: str) -> subprocess.Popen[str]:
        """Start a worker that runs one task at a time."""
        options = ("--nthreads=1", "--no-dashboard", *options)
        return self.start("-m", "distributed.cli.dask_worker", address, *options)

    def is_survived(self, again: Callable[[], Any]) -> None:
        """See that all is well, and that the flow's next run makes only what is missing.

        Args:
            again: Runs the flow.
        """
        self.is_clean()
        before = self._targets.runs
        missing = Counter(name.split("/")[0] for name in doomed.VALUES.keys() - self._whole())
        assert load(again()) == doomed.EXPECTED
        assert self._targets.runs - before == missing
        assert self._whole() == doomed.VALUES.keys()
        self.is_clean()

    def is_clean(self) -> None:
        """See that no process, thread, client or unfinished file is left."""
        doomed.eventually(lambda: self._others() <= self._children, "the children's end")
        for process in self._sessions:
            doomed.eventually(partial(_is_over, process.pid), f"the end of {process.args!r}")
        # The one that looks after long tasks ends when there has been none for a second.
        doomed.eventually(lambda: not _threads(), "the threads' end")
        assert [c for c in Client._instances if c.status != "closed"] == []
        assert [str(path) for path in Path().rglob("*.tmp")] == []

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._sessions:
            for other in _alive_in(process.pid):
                other.kill()
            if process.stdout is not None and not process.stdout.closed:
                sys.stdout.write(process.communicate()[0])

    def _whole(self) -> set[str]:
        """Return the targets that are there, each of which must be whole and right."""
        there = {name for name in self._targets.items() if "/" in name}
        assert {name: Filestore().load(name) for name in there} == {
            name: doomed.VALUES[name] for name in there
        }
        return there

    def _others(self) -> set[int]:
        """Return the processes below this one which are not the cluster's."""
        workers = {nanny.pid for nanny in self._cluster.workers.values()}
        return {
            child.pid
            for child in psutil.Process().children()
            if child.pid not in workers and os.getsid(child.pid) == os.getsid(0)
        }


def _content(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _alive_in(session: int) -> list[psutil.Process]:
    """Return the processes of a session that still run."""
    return [process for process in psutil.process_iter() if _is_alive_in(session, process)]


def _is_over(session: int) -> bool:
    return not _alive_in(session)


def _is_alive_in(session: int, process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("prefectx")]
