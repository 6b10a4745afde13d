"""What must be true after something has died: nothing torn, nothing left, nothing made twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
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
            session = process.pid
            doomed.eventually(lambda: not _alive_in(session), f"the end of {process.args}")
        assert [t.name for t in threading.enumerate() if t.name.startswith("prefectx")] == []
        assert [c for c in Client._instances if c.status != "closed"] == []
        assert [str(path) for path in Path().rglob("*.tmp")] == []

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._sessions:
            for other in _alive_in(process.pid):
                other.kill()
            process.communicate()

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


def _alive_in(session: int) -> list[psutil.Process]:
    """Return the processes of a session that still run."""
    return [process for process in psutil.process_iter() if _is_alive_in(session, process)]


def _is_alive_in(session: int, process: psutil.Process) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
