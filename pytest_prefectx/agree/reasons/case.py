"""`Case`: a disagreement, with observed runs that help to explain it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pytest_prefectx.agree.audit import record_events, remove_temporary
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.prefect_tracers import (
    AttemptTracer,
    Converted,
    ConvertingTracer,
    ThreadTracer,
)
from pytest_prefectx.agree.trace import (
    ArgumentCopyTracer,
    ItemTracer,
    MemoryItemTracer,
    QueueTracer,
    ResultCopyTracer,
    ReverseTracer,
    SkipTracer,
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
    "converted-argument",
    "exception",
    "format",
    "hidden-input",
    "identity",
    "mode-asked",
    "not-deterministic",
    "not-loaded",
    "order",
    "overwritten-file",
    "retries",
    "set-order",
    "shared-target",
    "side-effect",
    "target-missing",
    "template",
    "thread-local",
    "unstorable",
]


class Reason(NamedTuple):
    """A reason why modes disagree.

    Attributes:
        kind: One word, the same in every version.
        text: The explanation, with the task.
        advice: The advice.
    """

    kind: Kind
    text: str
    advice: str


class ObservedRun(NamedTuple):
    """An observed run: the calls of tasks, and the outcomes of the program's calls."""

    calls: list[TaskCall]
    outcomes: list[Outcome]

    def pairs(self) -> Iterator[tuple[TaskCall, TaskCall]]:
        """Return all pairs of calls, the earlier first."""
        return combinations(self.calls, 2)


@dataclass(frozen=True)
class Case:
    """A program on which two modes disagree.

    Attributes:
        program: The program.
        folder: The folder in which it runs.
        mode: The mode that differs from the first.
        expected: The outcomes in the first mode.
        got: The outcome of the differing call in the other mode.
        lost: The tasks whose targets were lost before it.
    """

    program: Program
    folder: Folder
    mode: str
    expected: list[Outcome]
    got: Outcome
    lost: tuple[str, ...] = ()

    @cached_property
    def first(self) -> ObservedRun:
        """A run of the program as plain functions."""
        return self._look(Tracer(self.folder.path))

    @cached_property
    def second(self) -> ObservedRun:
        """Another run, after the first."""
        _ = self.first
        return self._look(Tracer(self.folder.path))

    @cached_property
    def isolated_run(self) -> ObservedRun:
        """A run in which tasks share no arguments."""
        return self._look(ArgumentCopyTracer(self.folder.path))

    @cached_property
    def queued_run(self) -> ObservedRun:
        """A run in which coroutine functions run one after the other."""
        return self._look(QueueTracer(self.folder.path))

    @cached_property
    def reversed_run(self) -> ObservedRun:
        """A run in which coroutine functions start in the opposite order."""
        return self._look(ReverseTracer(self.folder.path, len(self.first.calls) + 1))

    @cached_property
    def attempted_run(self) -> ObservedRun:
        """A run in which what has failed is tried again, as its options say."""
        return self._look(AttemptTracer(self.folder.path))

    @cached_property
    def threaded_run(self) -> ObservedRun:
        """A run in which submitted tasks have threads of their own."""
        return self._look(ThreadTracer(self.folder.path))

    @property
    def converted_run(self) -> ObservedRun:
        """A run in which flows get arguments as Prefect converts them."""
        return self._conversion[1]

    @property
    def converted(self) -> list[Converted]:
        """The arguments of flows that Prefect converts or refuses."""
        return self._conversion[0]

    @cached_property
    def _conversion(self) -> tuple[list[Converted], ObservedRun]:
        tracer = ConvertingTracer(self.folder.path)
        look = self._look(tracer)
        return tracer.converted, look

    @cached_property
    def uses(self) -> list[tuple[AnyTask, str]]:
        """The operations of the flow on an Item as if it were data, each with the task."""
        handing = ItemTracer(self.folder.path)
        self._look(handing)
        return handing.uses

    @cached_property
    def cache_mode_run(self) -> ObservedRun:
        """A run in mode `cache`, but with tasks as plain functions."""
        return self._look(Tracer(self.folder.path), "cache")

    @cached_property
    def item_sensitive_task(self) -> str | None:
        """The task for which Items make a difference, even with the same object as data."""
        return self._first_that_differs(lambda only: MemoryItemTracer(self.folder.path, only))

    @cached_property
    def copy_sensitive_task(self) -> str | None:
        """The task for which copies of its results make a difference."""
        return self._first_that_differs(lambda only: ResultCopyTracer(self.folder.path, only))

    @cached_property
    def skip_sensitive_task(self) -> str | None:
        """The task for which a skip makes a difference, even with the same results."""
        for name in self.tasks:
            if self.differs(self._look(SkipTracer(self.folder.path, self.first.calls, name))):
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

    def differs(self, look: ObservedRun) -> bool:
        """Tell whether a run has other outcomes than the first mode."""
        return any(
            one.differs_from(other) for one, other in zip(self.expected, look.outcomes, strict=True)
        )

    def _look(self, tracer: Tracer, mode: str = "function") -> ObservedRun:
        self.folder.empty()
        self.program.state.restore()
        with record_events() as events:
            outcomes = self.program.run_by(tracer, mode)
        remove_temporary(events)
        return ObservedRun(tracer.calls, outcomes)


MOST_SHOWN: Final = 3


def join_names(names: list[str]) -> str:
    """Return a few names as a phrase."""
    shown = names[:MOST_SHOWN]
    more = [f"{len(names) - MOST_SHOWN} more"] if len(names) > MOST_SHOWN else []
    return " and ".join(filter(None, [", ".join([*shown, *more][:-1]), [*shown, *more][-1]]))


def error_text(error: BaseException) -> str:
    """Return the message of an error, in one line, without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def first_at(found: Difference) -> str:
    """Return the place and the values of a difference between two results."""
    values = f"{short_text(found.left)}, then {short_text(found.right)}"
    return f"at result{found.path}: {values}" if found.path else values
