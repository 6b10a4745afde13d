"""A flow that stops where a test wants something to die, and goes on when it says so.

A test shuts a gate; whoever comes there says so and waits. The files for that lie beside the
folder of targets, which is the current one in each process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from patience import PATIENCE

from prefectx import flow, load, task, wait
from prefectx.dask import task_runner

if TYPE_CHECKING:
    from collections.abc import Callable

GATES = Path("../gates")
T = TypeVar("T")


def eventually(found: Callable[[], T | None], what: str) -> T:
    """Wait until `found` gives something true; return that."""
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        if time.monotonic() > deadline:
            msg = f"waited in vain: {what}"
            raise TimeoutError(msg)
        time.sleep(0.02)
    return value


class Gate:
    """A place in the flow that processes come to, and wait at while it is shut."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._shut = GATES / f"{name}.shut"
        self._deadly = GATES / f"{name}.deadly"

    def shut(self) -> None:
        GATES.mkdir(exist_ok=True)
        self._shut.touch()

    def open(self) -> None:
        self._shut.unlink(missing_ok=True)

    def be_deadly(self) -> None:
        """From now on, kill each process that comes here."""
        GATES.mkdir(exist_ok=True)
        self._deadly.touch()

    def be_harmless(self) -> None:
        self._deadly.unlink()

    def come(self) -> None:
        """Tell that this process has come here; wait until the gate is open."""
        GATES.mkdir(exist_ok=True)
        (GATES / f"{self.name}-{os.getpid()}.here").touch()
        if self._deadly.exists():
            os.kill(os.getpid(), signal.SIGKILL)
        eventually(lambda: not self._shut.exists(), f"{self.name} was not opened")

    def came(self, count: int = 1) -> set[int]:
        """Wait until that many processes have come here; return their ids."""
        return eventually(lambda: self._came(count), f"{count} processes at {self.name}")

    def _came(self, count: int) -> set[int] | None:
        names = [path.stem for path in GATES.glob(f"{self.name}-*.here")]
        pids = {int(name.rpartition("-")[2]) for name in names}
        return pids if len(pids) >= count else None


@task(target="{funcname}/{value}")
def make(value: int) -> list[int]:
    Gate("make").come()
    return [value] * 1_000


@task(target="{funcname}/all")
def add(rows: list[list[int]]) -> int:
    Gate("add").come()
    return sum(map(sum, rows))


@task(target="{funcname}/{total}.txt")
def show(total: int) -> str:
    return f"{total} in all"


@flow
def pipeline() -> Any:
    made = make.map(range(3))
    wait(made)
    Gate("between").come()
    return show.submit(add.submit(made))


EXPECTED = "3000 in all"
VALUES = {
    **{f"make/{value}": [value] * 1_000 for value in range(3)},
    "add/all": 3_000,
    "show/3000.txt": EXPECTED,
}


def main(address: str = "", timeout: str = "30s") -> None:
    """Run the flow on a cluster that runs, or on one of its own; print what it gives.

    Args:
        address: The address of the cluster.
        timeout: How long Dask's client waits for its scheduler.
    """
    settings = {"timeout": timeout}
    runner = (
        task_runner(address=address, client_kwargs=settings)
        if address
        else task_runner(n_workers=1)
    )
    name = f"run-{os.getpid()}."
    sys.stdout.write(load(pipeline.with_options(task_runner=runner, flow_run_name=name)()))
