"""`Trials`: the runs of a program in each mode, with losses of targets in between."""

from __future__ import annotations

import random
from contextlib import closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from prefectx import use_mode
from prefectx._runners import use_runner
from prefectx.stores import Filestore
from prefectx.stores.record import read
from pytest_prefectx.agree.audit import record_events, remove_temporary
from pytest_prefectx.agree.origin import NoAnswer, Origin, can_fork
from pytest_prefectx.agree.outside_targets import OutsideTargetRunner
from pytest_prefectx.equality import identical
from pytest_prefectx.modes import WITHOUT_TARGETS, is_prefect
from pytest_prefectx.session import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from pytest_prefectx.agree.programs import Folder, Outcome, Program

MOST_LOST_ALONE: Final = 8
MOST_BY_TASK: Final = 6
MOST_PREFIXES: Final = 3
RANDOM_SUBSETS: Final = 2
_FRESH: Final = 1_000_000


class Loss(NamedTuple):
    """Targets that are lost together.

    Attributes:
        names: The targets.
        is_fresh: Whether the program then runs in a process in which it has not run before.
    """

    names: tuple[str, ...]
    is_fresh: bool = False

    def __str__(self) -> str:
        where = ", in a fresh process" if self.is_fresh else ""
        return f"after {some(self.names)} was deleted{where}"


class Losses(NamedTuple):
    """A choice of losses.

    Attributes:
        of: Returns the losses to try, from the targets.
        are_fresh: Whether some of them run in a process in which the program has not run before.
    """

    of: Callable[[Sequence[StoredTarget]], list[Loss]]
    are_fresh: bool


class StoredTarget(NamedTuple):
    """A target of a run.

    Attributes:
        name: Its name below the folder.
        task: The task that made it; its folder if the task is not known.
    """

    name: str
    task: str


class Trial(NamedTuple):
    """A mode, with the history before the program ran in it.

    Attributes:
        mode: The mode.
        history: The history in words.
        lost: The tasks whose targets were lost, if other tasks have theirs.
    """

    mode: str
    history: str = ""
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.mode}, {self.history}" if self.history else self.mode


class Trials:
    """The trials of a program, each of which starts with the same state of the process.

    Args:
        program: The program.
        modes: The modes; the others are compared with the first.
        folder: The folder in which it runs.
        losses: The losses to try in mode `cache`.
    """

    def __init__(
        self,
        program: Program,
        modes: Sequence[str],
        folder: Folder,
        losses: Losses,
    ) -> None:
        self._program: Final = program
        self._modes: Final = modes
        self._folder: Final = folder
        self._losses: Final = losses
        self._expected: list[Outcome] = []
        self._origin: Origin | None = None
        self._placed: set[str] = set()
        _ = program.state

    def __iter__(self) -> Iterator[tuple[Trial, list[Outcome]]]:
        """Run the program in the first mode, then in each of the others in several ways."""
        with self._start_origin() as self._origin:
            self._expected = self._first(self._modes[0])
            yield Trial(self._modes[0]), self._expected
            for mode in self._modes[1:]:
                self._folder.empty()
                if mode in WITHOUT_TARGETS:
                    yield Trial(mode), self._run(mode)
                else:
                    yield from self._with_targets(mode)
            keeping = [mode for mode in self._modes if mode not in WITHOUT_TARGETS]
            if len(keeping) > 1:
                yield from self._crossing(keeping)

    def smallest(self, mode: str, loss: Loss) -> tuple[Loss, list[Outcome]] | None:
        """Return the smallest loss, among the lost targets, that still makes a difference."""
        found: tuple[Loss, list[Outcome]] | None = None
        for name in loss.names if len(loss.names) <= MOST_LOST_ALONE else ():
            fewer = [other for other in (found[0] if found else loss).names if other != name]
            if not fewer:
                break
            self._folder.empty()
            self._run(mode)
            smaller = Loss(tuple(fewer), loss.is_fresh)
            outcomes = self._after(mode, smaller)
            if not self.are_expected(outcomes):
                found = smaller, outcomes
        return found

    def are_expected(self, outcomes: Sequence[Outcome]) -> bool:
        """Tell whether the outcomes equal those of the first mode."""
        pairs = zip(self._expected, outcomes, strict=True)
        return not any(got.differs_from(wanted) for wanted, got in pairs)

    def _start_origin(self) -> AbstractContextManager[Origin | None]:
        if "cache" not in self._modes or not self._losses.are_fresh or not can_fork():
            return nullcontext()
        return closing(Origin(self._run_fresh))

    def _run_fresh(self, mode: str) -> list[Outcome]:
        # Other seeds than in any earlier trial, as in a new process.
        self._program.state.restored = _FRESH
        return self._run(mode)

    def _run(self, mode: str) -> list[Outcome]:
        return run(self._program, mode)

    def _first(self, mode: str) -> list[Outcome]:
        if mode != "function":
            return self._run(mode)
        placing = OutsideTargetRunner(self._folder.path)
        with use_mode(mode), use_runner(placing):
            outcomes = self._run(mode)
        placing.warn()
        self._placed = placing.inside
        return outcomes

    def _targets(self) -> list[StoredTarget]:
        """Return the present targets, the oldest first.

        Other files of the program are left out, because no task recomputes them.
        """
        store = Filestore(self._folder.path)
        # Folders, not names: the names may differ if tasks get Items.
        folders = {name.rpartition("/")[0] for name in self._placed}
        kept: list[tuple[int, StoredTarget]] = []
        for name in self._folder.targets():
            record = read(store, name)
            if record is None and folders and name.rpartition("/")[0] not in folders:
                continue
            task = record.task if record else name.rpartition("/")[0]
            kept.append(((self._folder.path / name).stat().st_mtime_ns, StoredTarget(name, task)))
        return [each for _, each in sorted(kept)]

    def _with_targets(self, mode: str) -> Iterator[tuple[Trial, list[Outcome]]]:
        yield Trial(mode, "with no targets"), self._run(mode)
        yield Trial(mode, "with its targets there"), self._run(mode)
        losses = _FIRST_HALF if is_prefect(mode) else self._losses
        for loss in losses.of(self._targets()):
            tasks = {kept.name: kept.task for kept in self._targets()}
            outcomes = self._after(mode, loss)
            if not self.are_expected(outcomes) and (smaller := self.smallest(mode, loss)):
                loss, outcomes = smaller  # noqa: PLW2901 - the same one, but smaller
            lost = tuple(dict.fromkeys(tasks.get(name, "") for name in loss.names))
            yield Trial(mode, str(loss), lost), outcomes

    def _after(self, mode: str, loss: Loss) -> list[Outcome]:
        self._folder.lose(loss.names)
        if loss.is_fresh and self._origin is not None:
            try:
                outcomes: list[Outcome] = self._origin.run(mode)
            except NoAnswer:
                self._folder.lose(loss.names)
            else:
                if self.are_expected(outcomes) or _survive(self._expected):
                    return outcomes
                self._folder.lose(loss.names)
        return self._run(mode)

    def _crossing(self, modes: Sequence[str]) -> Iterator[tuple[Trial, list[Outcome]]]:
        """Run each mode on half of the targets of the previous one."""
        self._folder.empty()
        self._run(modes[-1])
        for before, mode in zip((modes[-1], *modes), modes, strict=False):
            self._folder.lose([kept.name for kept in self._targets()[::2]])
            history = f"on the targets of {before}, half of them deleted"
            yield Trial(mode, history), self._run(mode)


def run(program: Program, mode: str) -> list[Outcome]:
    """Run a program in a mode, with the initial state of the process."""
    program.state.restore()
    # With the variable, because threads that the flow starts do not inherit the context.
    with environment({"PREFECTX": mode}), record_events() as events:
        outcomes = program.run(mode)
    remove_temporary(events)
    return outcomes


def _all_losses(kept: Sequence[StoredTarget]) -> list[Loss]:
    """Return losses of each task's targets, of each target, of ends, and of random subsets."""
    names = [each.name for each in kept]
    by_task = _by_task(kept)
    # The last first, because late tasks often need the side effects of early ones.
    alone = [(name,) for name in reversed(names)] if len(names) <= MOST_LOST_ALONE else []
    return _different(
        [
            *(Loss(group, is_fresh=True) for group in by_task[:MOST_BY_TASK]),
            *map(Loss, alone or by_task[MOST_BY_TASK:]),
            *map(Loss, _ends(names)),
            *map(Loss, _subsets(names)),
        ]
    )


def _few_losses(kept: Sequence[StoredTarget], *, are_fresh: bool) -> list[Loss]:
    """Return losses of each task's targets, and of a random subset: for searches."""
    losses = [Loss(group, are_fresh) for group in _by_task(kept)[:MOST_BY_TASK]]
    return _different([*losses, *map(Loss, _subsets([each.name for each in kept])[:1])])


def _first_half(kept: Sequence[StoredTarget]) -> list[Loss]:
    """Return a loss of every second target: for slow modes."""
    return _different([Loss(tuple(each.name for each in kept[::2]))])


ALL_LOSSES: Final = Losses(_all_losses, are_fresh=True)
FEW_LOSSES: Final = Losses(partial(_few_losses, are_fresh=True), are_fresh=True)
FEW_LOSSES_HERE: Final = Losses(partial(_few_losses, are_fresh=False), are_fresh=False)
_FIRST_HALF: Final = Losses(_first_half, are_fresh=False)


def _by_task(kept: Sequence[StoredTarget]) -> list[tuple[str, ...]]:
    """Return the targets of each task, the last task first."""
    groups: dict[str, list[str]] = {}
    for name, task in kept:
        groups.setdefault(task, []).append(name)
    return [tuple(group) for group in reversed(groups.values())]


def _ends(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the targets that are missing if a run ends early, for some ends."""
    step = max(1, len(names) // (MOST_PREFIXES + 1))
    return [tuple(names[start:]) for start in range(step, len(names), step)][:MOST_PREFIXES]


def _subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    chance = random.Random(len(names))  # noqa: S311 - no secret, and the same each time
    count = RANDOM_SUBSETS if len(names) > 1 else 0
    return [tuple(name for name in names if chance.random() < 0.5) for _ in range(count)]  # noqa: PLR2004


def _different(losses: list[Loss]) -> list[Loss]:
    """Return the losses without empty and repeated ones."""
    different: dict[tuple[str, ...], Loss] = {}
    for loss in losses:
        if loss.names:
            different.setdefault(tuple(sorted(loss.names)), loss)
    return list(different.values())


def _survive(outcomes: list[Outcome]) -> bool:
    """Tell whether pickling leaves the outcomes unchanged."""
    import pickle

    try:
        return identical(outcomes, pickle.loads(pickle.dumps(outcomes)))
    except Exception:  # noqa: BLE001 - any class may refuse in any way
        return False


def some(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
