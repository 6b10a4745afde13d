"""The calls of a `ModeMachine` with their expected outcomes, and the folder of their targets."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefectx import Item
from prefectx.errors import PrefectxError
from prefectx.stores import Filestore
from prefectx.stores.record import read
from pytest_prefectx.agree.outside_targets import OutsideTargetRunner
from pytest_prefectx.agree.programs import Folder, fresh_folder
from pytest_prefectx.search.machine.process import pickle_round_trip

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx.stores import Store
    from pytest_prefectx.agree.programs import Outcome, Program


class _StoreRecorder(OutsideTargetRunner):
    """Runs tasks as in mode `function`, and notes the stores of their outputs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stores: dict[AnyTask, Store] = {}

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        with suppress(PrefectxError):  # a task without a valid target still runs
            if (item := task.naming.item(args, kwargs)) is not None:
                self.stores[task] = item.store
        return super().run(task, args, kwargs)


class BenchCall:
    """A call with its expected outcome.

    Attributes:
        program: The call as a program.
        expected: The outcome in mode `function`, in an empty folder.
    """

    def __init__(self, program: Program, place: MachineFolder) -> None:
        self.program: Final = program
        self._place: Final = place
        with place.empty_folder():
            self.expected: Final[Outcome] = program.run("function")[0]

    def __repr__(self) -> str:
        return f"{self.program.name}({self.program.calls[0]})"

    @cached_property
    def stores(self) -> dict[AnyTask, Store]:
        """The tasks that it calls, with their stores."""
        looking = _StoreRecorder(self._place.path)
        with self._place.empty_folder():
            self.program.run_by(looking)
        return looking.stores

    def may_meet(self, other: BenchCall) -> bool:
        """Tell whether it may be made at the same time as the other call."""
        stores = {**self.stores, **other.stores}
        # Writes of functions and other stores may not be atomic.
        if not all(isinstance(store, Filestore) for store in stores.values()):
            return False
        # With rerun_on, two calls may share a target, but not at the same time.
        return self is other or not any("inputs" in task.rerun_on for task in stores)

    @cached_property
    def survives_pickling(self) -> bool:
        """True if pickling does not change the expected outcome."""
        returned = pickle_round_trip(self.expected)
        return returned is not None and returned.differs_from(self.expected) is None


class MachineFolder(Folder):
    """The folder of a machine, with its targets."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._targets: list[str] | None = None

    @classmethod
    @contextmanager
    def fresh(cls) -> Generator[MachineFolder]:
        """Yield a temporary folder, which is the current one within the `with` statement."""
        with fresh_folder() as folder:
            yield cls(folder.path)

    @contextmanager
    def empty_folder(self) -> Generator[None]:
        """Replace the folder by an empty one at the same path, because data may hold the path."""
        aside = f"{self.path}-aside"
        # Some systems cannot rename the current folder.
        os.chdir(self.path.parent)
        os.rename(self.path, aside)
        os.mkdir(self.path, mode=0o700)
        os.chdir(self.path)
        try:
            yield
        finally:
            os.chdir(self.path.parent)
            shutil.rmtree(self.path)
            os.rename(aside, self.path)
            os.chdir(self.path)

    def targets(self) -> list[str]:
        """Return the targets, sorted; a folder that is a target is listed as one."""
        if self._targets is None:
            self._targets = super().targets()
        return self._targets

    def lose(self, names: Sequence[str]) -> None:
        """Delete these targets, as a user would."""
        self._targets = None
        super().lose(names)

    def empty(self) -> None:
        """Remove everything in the folder."""
        self._targets = None
        super().empty()

    def look_again(self) -> None:
        """Forget the list of targets."""
        self._targets = None

    def item(self, target: str, calls: Iterable[BenchCall]) -> Item[Any] | None:
        """Return the Item of a target in a `Filestore`; None for other stores.

        The formats of other stores, and of functions that write their target, are unknown.
        """
        path = str(self.path / target)
        for task, store in {pair for known in calls for pair in known.stores.items()}:
            if not isinstance(store, Filestore):
                continue
            own = os.path.relpath(path, store.path(""))
            record = read(store, own)
            if record is not None and record.task == task.qualified_name:
                return Item(store, own)
        return None
