"""`Bench`: the folder of a `ModeMachine`, with its calls and their comparison."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from hypothesis import event

from prefectx.errors import CorruptTarget
from pytest_prefectx.agree.agree import Disagreement, ModesDisagree, disagreement_error
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.programs import Arguments, Outcome, Program
from pytest_prefectx.agree.reasons import Case
from pytest_prefectx.agree.trials import Trial, some
from pytest_prefectx.modes import WITHOUT_TARGETS
from pytest_prefectx.search.calls import Twin, twin_calls
from pytest_prefectx.search.machine.bench_calls import BenchCall, MachineFolder
from pytest_prefectx.search.machine.harm import (
    full_disk,
    record_exceptions,
    still_reads,
    write_unfinished,
)
from pytest_prefectx.search.machine.process import run_in_new_process
from pytest_prefectx.search.machine.threads import run_together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_CALLED: Final = 3
"""The number of latest calls that are repeated after a target was damaged."""


MEETINGS: Final = 4
"""The number of times that two threads make their calls without targets, to meet at least once."""


class Bench:
    """A flow in a temporary current folder, with the current mode.

    Args:
        subject: The flow, task or function.
        modes: The modes; it starts in the last one.

    Attributes:
        keeping: The modes that have targets.
        mode: The current mode.
        folder: The folder.
        twins: For each call that has twins, its twins.
        processes: The number of processes that were started.
    """

    def __init__(self, subject: Any, modes: Sequence[str]) -> None:
        self.subject: Final = subject
        self.keeping: Final = [mode for mode in modes if mode not in WITHOUT_TARGETS]
        self.mode = modes[-1]
        self.twins: Final[list[list[Arguments]]] = []
        self.processes = 0
        self._known: Final[list[BenchCall]] = []
        # The calls that were made on the present targets, and what was done to these last.
        self._made: Final[list[BenchCall]] = []
        self._history = ""
        self._open: Final = ExitStack()
        self.folder: Final = self._open.enter_context(MachineFolder.fresh())

    @property
    def keeping_mode(self) -> str:
        """The current mode if it has targets, else one that does."""
        return self.mode if self.mode in self.keeping else self.keeping[0]

    def close(self) -> None:
        """Leave the folder and remove it."""
        self._open.close()

    def new(self, arguments: Arguments) -> BenchCall:
        """Return a new call, with its expected outcome."""
        return BenchCall(Program(self.subject, [arguments]), self.folder)

    def learn(self, known: BenchCall) -> BenchCall:
        """Make a call for the first time; remember it, and its twins, for later rules."""
        (arguments,) = known.program.calls
        # Not twins of twins, which would soon be the majority.
        if not isinstance(arguments, Twin) and (twins := twin_calls(self.subject, arguments)):
            self.twins.append(twins)
        if not self._known:
            _ = known.stores  # it warns of targets outside the folder, before there are any
        self._known.append(known)
        self.call(known)
        return known

    def call(self, known: BenchCall, mode: str | None = None) -> None:
        """Make the call in the current mode; fail unless it has the expected outcome."""
        mode = mode or self.mode
        self._compare(known, self._outcome(known, mode), mode)

    def lose(self, targets: list[str]) -> None:
        """Delete targets."""
        self.folder.lose(targets)
        self._history = f"after {some(targets)} was deleted"

    def spoil(self, target: str, harm: Callable[[bytes], bytes], how: str) -> None:
        """Damage a target: it must be refused until it is deleted."""
        item = self.folder.item(target, self._known)
        if item is None:
            return
        path = self.folder.path / target
        harmed = harm(path.read_bytes())
        if still_reads(target, harmed):
            return  # it would be valid, like a file that a user has written
        path.write_bytes(harmed)
        try:
            data = item.load()
        except CorruptTarget:
            pass
        else:
            msg = f"the target {target!r} was {how}, and still it is loaded, as {short_text(data)}"
            raise AssertionError(msg)
        went_on = [known for known in self._latest() if self._goes_on(known, f"{target} was {how}")]
        path.unlink()
        if went_on:
            self.folder.empty()  # a flow may have stored something about the exception
        self._history = f"after {target} was {how}, then deleted"
        self._call_latest()

    def crash(self, target: str) -> None:
        """Replace a target by an unfinished file, as a crash does."""
        item = self.folder.item(target, self._known)
        if item is None:
            return
        unfinished = write_unfinished(self.folder.path / target)
        self.folder.lose([target])
        name = str(unfinished.relative_to(item.store.path("")))
        if item.exists() or name in item.store.list():
            msg = f"the unfinished file {name!r} counts as a target (after {target!r} was lost)"
            raise AssertionError(msg)
        self._history = f"after a crash while {target} was written"
        self._call_latest()

    def fill_disk(self, known: BenchCall, room: int) -> None:
        """Repeat a call on a disk that becomes full, and again when it has room."""
        self.folder.lose(self.folder.targets())
        with full_disk(room) as failures:
            got = self._outcome(known, self.keeping_mode)
        if not failures:
            self._compare(known, got, self.keeping_mode)
        elif got.error not in failures:
            self.folder.empty()  # what a flow makes of the exception may be kept
        self._history = "after the disk was full"
        self.call(known, self.keeping_mode)

    def call_in_new_process(self, known: BenchCall) -> None:
        """Make a call in a new process, if its outcome can be pickled."""
        if not known.survives_pickling:
            return
        self.processes += 1
        event("prefectx: a new process")
        if got := run_in_new_process(known.program, self.folder.path):
            self._remember(known)
            self._compare(known, got, "cache", "in a new process")

    def call_together(self, one: BenchCall, other: BenchCall, cold: bool) -> None:
        """Make two calls at the same time, in threads, if that is allowed.

        Args:
            one: A call.
            other: Another call, or the same.
            cold: Whether all targets are deleted first.
        """
        if not one.may_meet(other):
            return
        mode = self.keeping_mode
        event(f"prefectx mode: {mode}")
        # If both write, they meet by chance only.
        for _ in range(MEETINGS if cold else 1):
            if cold:
                self.folder.lose(self.folder.targets())
            outcomes = run_together([partial(known.program.run, mode) for known in (one, other)])
            for known in (one, other):
                self._remember(known)
            for known, (got,) in zip((one, other), outcomes, strict=True):
                try:
                    self._compare(known, got, mode, "while another thread called it too")
                except ModesDisagree as error:
                    error.add_note("Threads do not always meet: hypothesis may call it flaky.")
                    raise

    def _call_latest(self) -> None:
        for known in self._latest():
            self.call(known, self.keeping_mode)

    def _latest(self) -> Sequence[BenchCall]:
        return self._known[-MOST_CALLED:]

    def _outcome(self, known: BenchCall, mode: str) -> Outcome:
        event(f"prefectx mode: {mode}")
        if mode not in WITHOUT_TARGETS:
            self._remember(known)
        return known.program.run(mode)[0]

    def _remember(self, known: BenchCall) -> None:
        self.folder.look_again()
        if known not in self._made:
            self._made.append(known)

    def _goes_on(self, known: BenchCall, history: str) -> bool:
        """Make a call that may find an unreadable target; tell whether the flow catches that."""
        with record_exceptions(CorruptTarget) as raised:
            got = self._outcome(known, self.keeping_mode)
        if not raised:
            self._compare(known, got, self.keeping_mode, f"after {history}")
        return bool(raised) and got.error not in raised

    def _compare(
        self, known: BenchCall, got: Outcome, mode: str, history: str | None = None
    ) -> None:
        __tracebackhide__ = True
        if (difference := got.differs_from(known.expected)) is None:
            return
        made = self._made if self._made[-1:] == [known] else [*self._made, known]
        program = Program(self.subject, [call for each in made for call in each.program.calls])
        case = Case(program, self.folder, mode, [each.expected for each in made], got)
        trial = Trial(mode, self._history if history is None else history)
        found = Disagreement(case, len(made) - 1, "function", trial, difference)
        raise disagreement_error(found)
