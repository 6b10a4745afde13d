"""What a `ModeMachine` knows: calls with what they should give, and whose the targets are."""

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
from pytest_prefectx.agree.outside_targets import Placing
from pytest_prefectx.agree.programs import Folder, fresh_folder
from pytest_prefectx.search.machine.process import after_pickling

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx.stores import Store
    from pytest_prefectx.agree.programs import Outcome, Program


class _Looking(Placing):
    """Runs tasks as mode `function` does, and notes who would keep their outputs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.keepers: dict[AnyTask, Store] = {}

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        with suppress(PrefectxError):  # a task that cannot be named runs all the same
            if (item := task.naming.item(args, kwargs)) is not None:
                self.keepers[task] = item.store
        return super().run(task, args, kwargs)


class BenchCall:
    """A call that was made.

    Attributes:
        program: The call, as a program of its own.
        expected: What mode `function` gives, in an empty folder.
    """

    def __init__(self, program: Program, place: Place) -> None:
        self.program: Final = program
        self._place: Final = place
        with place.emptied():
            self.expected: Final[Outcome] = program.run("function")[0]

    def __repr__(self) -> str:
        return f"{self.program.name}({self.program.calls[0]})"

    @cached_property
    def keepers(self) -> dict[AnyTask, Store]:
        """The tasks that it calls, with who keeps their outputs."""
        looking = _Looking(self._place.path)
        with self._place.emptied():
            self.program.run_by(looking)
        return looking.keepers

    def may_meet(self, other: BenchCall) -> bool:
        """Tell whether it may be made at the same time as the other call."""
        keepers = {**self.keepers, **other.keepers}
        # What functions and stores of others write may be read while it is being written.
        if not all(isinstance(store, Filestore) for store in keepers.values()):
            return False
        # Two calls may then take turns with one target, but not at the same time.
        return self is other or not any("inputs" in task.rerun_on for task in keepers)

    @cached_property
    def survives_pickling(self) -> bool:
        """Whether what it should give can come from another process unchanged."""
        returned = after_pickling(self.expected)
        return returned is not None and returned.differs_from(self.expected) is None


class Place(Folder):
    """The folder that a machine runs in, with the targets in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._targets: list[str] | None = None

    @classmethod
    @contextmanager
    def fresh(cls) -> Generator[Place]:
        """Make a temporary folder the current one while the body of the `with` statement runs."""
        with fresh_folder() as folder:
            yield cls(folder.path)

    @contextmanager
    def emptied(self) -> Generator[None]:
        """Have another, empty folder at the same path: the path may be part of the data."""
        aside = f"{self.path}-aside"
        # A current folder cannot be renamed everywhere.
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
        """Return the targets that are there, sorted; one that is a folder as a whole."""
        if self._targets is None:
            self._targets = super().targets()
        return self._targets

    def lose(self, names: Sequence[str]) -> None:
        """Delete these targets, as a user would."""
        self._targets = None
        super().lose(names)

    def empty(self) -> None:
        """Remove all that is in it."""
        self._targets = None
        super().empty()

    def look_again(self) -> None:
        """Forget which targets are there."""
        self._targets = None

    def item(self, target: str, calls: Iterable[BenchCall]) -> Item[Any] | None:
        """Return the Item of a target that a `Filestore` keeps; None if another store may do so.

        What a function writes itself, or another kind of store, only its author can read.
        """
        path = str(self.path / target)
        for task, store in {pair for known in calls for pair in known.keepers.items()}:
            if not isinstance(store, Filestore):
                continue
            own = os.path.relpath(path, store.path(""))
            record = read(store, own)
            if record is not None and record.task == task.qualified_name:
                return Item(store, own)
        return None
