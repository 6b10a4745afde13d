"""What is known of a disagreement, and the looks that are taken to explain it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pytest_prefectx.agree.audit import listening, remove_temporary
from pytest_prefectx.agree.formatting import shown
from pytest_prefectx.agree.trace import (
    Handing,
    Isolating,
    Queueing,
    Reversing,
    TaskCall,
    Tracer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx._api.task import Task
    from pytest_prefectx.agree.programs import Folder, Outcome, Program
    from pytest_prefectx.equality import Difference

Kind = Literal[
    "changes-argument",
    "changes-result",
    "exception",
    "format",
    "hidden-input",
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
    """

    program: Program
    folder: Folder
    mode: str
    expected: list[Outcome]
    got: Outcome

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
    def uses(self) -> list[tuple[Task[..., Any], str]]:
        """What the flow does with an Item as if it were the data: the task, the operation."""
        handing = Handing(self.folder.path)
        self._look(handing)
        return handing.uses

    def differs(self, look: Look) -> bool:
        """Tell whether a look gave other outcomes than the first mode did."""
        return any(
            one.differs_from(other) for one, other in zip(self.expected, look.outcomes, strict=True)
        )

    def _look(self, tracer: Tracer) -> Look:
        self.folder.empty()
        self.program.state.restore()
        with listening() as events:
            outcomes = self.program.run_by(tracer)
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
    values = f"{shown(found.left)}, then {shown(found.right)}"
    return f"at result{found.path}: {values}" if found.path else values
