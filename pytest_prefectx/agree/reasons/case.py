"""What is known of a disagreement, and the looks that are taken to explain it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pytest_prefectx.agree.audit import listening, remove_temporary
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.trace import (
    Copying,
    Handing,
    HandingPlainly,
    Isolating,
    Queueing,
    Reversing,
    Skipping,
    TaskCall,
    Tracer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefectx._naming.decorated import AnyTask
    from pytest_prefectx.agree.programs import Folder, Outcome, Program
    from pytest_prefectx.equality import Difference

Kind = Literal[
    "changes-argument",
    "changes-result",
    "exception",
    "format",
    "hidden-input",
    "identity",
    "mode-asked",
    "not-deterministic",
    "not-loaded",
    "order",
    "overwritten-file",
    "set-order",
    "shared-target",
    "side-effect",
    "target-missing",
    "template",
    "thread-local",
    "unstorable",
]


class Reason(NamedTuple):
    """Why modes disagree.

    Attributes:
        kind: One word for it, the same in every version.
        text: What happened, to which task.
        advice: What to do about it.
    """

    kind: Kind
    text: str
    advice: str


class Look(NamedTuple):
    """A run that was looked at: the calls of tasks, and what the calls of the program gave."""

    calls: list[TaskCall]
    outcomes: list[Outcome]

    def pairs(self) -> Iterator[tuple[TaskCall, TaskCall]]:
        """Give each pair of calls, the earlier first."""
        return combinations(self.calls, 2)


@dataclass(frozen=True)
class Case:
    """A program on which two modes disagree.

    Attributes:
        program: The program.
        folder: Where it runs.
        mode: The mode that differs from the first.
        expected: What its calls gave in the first mode.
        got: What the call that differs gave in the other mode.
        lost: The tasks that had lost their targets before it.
    """

    program: Program
    folder: Folder
    mode: str
    expected: list[Outcome]
    got: Outcome
    lost: tuple[str, ...] = ()

    @cached_property
    def first(self) -> Look:
        """A look at how the program runs as plain functions."""
        return self._look(Tracer(self.folder.path))

    @cached_property
    def second(self) -> Look:
        """Another look, after the first."""
        _ = self.first
        return self._look(Tracer(self.folder.path))

    @cached_property
    def isolated(self) -> Look:
        """A look at the program while tasks share nothing."""
        return self._look(Isolating(self.folder.path))

    @cached_property
    def queued(self) -> Look:
        """A look at the program while coroutine functions run one after the other."""
        return self._look(Queueing(self.folder.path))

    @cached_property
    def reversed(self) -> Look:
        """A look at the program while coroutine functions start in the opposite order."""
        return self._look(Reversing(self.folder.path, len(self.first.calls) + 1))

    @cached_property
    def uses(self) -> list[tuple[AnyTask, str]]:
        """What the flow does with an Item as if it were the data: the task, the operation."""
        handing = Handing(self.folder.path)
        self._look(handing)
        return handing.uses

    @cached_property
    def asked(self) -> Look:
        """A look at the program in mode `cache`, but with tasks run as plain functions."""
        return self._look(Tracer(self.folder.path), "cache")

    @cached_property
    def not_loaded(self) -> str | None:
        """The task whose Items make a difference, although their data is the same object."""
        return self._first_that_differs(lambda only: HandingPlainly(self.folder.path, only))

    @cached_property
    def copied(self) -> str | None:
        """The task of which copies of its results make a difference."""
        return self._first_that_differs(lambda only: Copying(self.folder.path, only))

    @cached_property
    def skipped(self) -> str | None:
        """The task that makes a difference by not running, although its results are the same."""
        for name in self.tasks:
            if self.differs(self._look(Skipping(self.folder.path, self.first.calls, name))):
                return name
        return None

    @property
    def tasks(self) -> list[str]:
        """The names of the tasks that are called, each once, in the order of their calls."""
        return list(dict.fromkeys(call.task.qualified_name for call in self.first.calls))

    def calls_of(self, task: str) -> list[TaskCall]:
        """Return the calls of a task."""
        return [call for call in self.first.calls if call.task.qualified_name == task]

    def _first_that_differs(self, make: Callable[[str | None], Tracer]) -> str | None:
        if not self.differs(self._look(make(None))):
            return None
        for name in self.tasks:
            if self.differs(self._look(make(name))):
                return name
        return self.tasks[0] if self.tasks else None

    def differs(self, look: Look) -> bool:
        """Tell whether a look gave other outcomes than the first mode did."""
        return any(
            one.differs_from(other) for one, other in zip(self.expected, look.outcomes, strict=True)
        )

    def _look(self, tracer: Tracer, mode: str = "function") -> Look:
        self.folder.empty()
        self.program.state.restore()
        with listening() as events:
            outcomes = self.program.run_by(tracer, mode)
        remove_temporary(events)
        return Look(tracer.calls, outcomes)


MOST_SHOWN: Final = 3


def listed(names: list[str]) -> str:
    """Return names as a phrase, no more than a few of them."""
    shown = names[:MOST_SHOWN]
    more = [f"{len(names) - MOST_SHOWN} more"] if len(names) > MOST_SHOWN else []
    return " and ".join(filter(None, [", ".join([*shown, *more][:-1]), [*shown, *more][-1]]))


def words(error: BaseException) -> str:
    """Return what an error says, in one line, without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def first_at(found: Difference) -> str:
    """Return where two results differ, and in what."""
    values = f"{short_text(found.left)}, then {short_text(found.right)}"
    return f"at result{found.path}: {values}" if found.path else values
