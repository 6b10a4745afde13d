"""Whether a program is the same in all modes; and if not, where it differs, and why."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prefectx import MODES, current_mode
from prefectx._settings.mode import validate_mode
from prefectx.errors import nearest
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.libraries import seeds_kept
from pytest_prefectx.agree.programs import Arguments, Outcome, Program, fresh_folder
from pytest_prefectx.agree.reasons import KINDS, Case, Reason, explain, reasons
from pytest_prefectx.agree.trials import Kept, Loss, Trial, Trials, all_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_prefectx.equality import Difference

FAST: Final = ("function", "cache")
"""The modes that need nothing but Python."""


@dataclass(frozen=True)
class Disagreement:
    """One call that gave something else in one mode than in the first.

    Attributes:
        case: What was run, and what it gave.
        index: Which of the calls differs.
        first: The mode that the others are compared with.
        trial: The mode that differs, and what was done before.
        difference: The first difference.
    """

    case: Case
    index: int
    first: str
    trial: Trial
    difference: Difference

    def __str__(self) -> str:
        program = self.case.program
        calls = [f"{program.name}({call})" for call in program.calls]
        places = (f"{self.first}:", f"{self.trial}:")
        width = max(map(len, places)) + 1
        lines = [f"modes disagree on {calls[self.index]}"]
        if len(calls) > 1:
            lines.append(f"  in the calls {'; '.join(calls)}")
        lines += [
            "",
            f"  {places[0]:{width}}{self.case.expected[self.index]}",
            f"  {places[1]:{width}}{self.case.got}",
        ]
        found = self.difference
        if found.path:
            values = f"{short_text(found.left)}, {short_text(found.right)}"
            lines.append(f"  at {found.path}: {found.why}: {values}")
        elif found.why not in {"another value", "one raised"}:
            lines.append(f"  {found.why}")
        return "\n".join(lines)


class ModesDisagree(AssertionError):
    """A program gives other data, or another exception, in one mode than in another.

    Attributes:
        disagreement: Where they differ.
        reason: Why, if that could be told; its `kind` is one word for it.
    """

    def __init__(self, disagreement: Disagreement, reason: Reason | None) -> None:
        self.disagreement: Final = disagreement
        self.reason: Final = reason
        super().__init__(f"{disagreement}\n\n{_explanation(reason)}")


def assert_modes_agree(
    subject: Callable[..., Any],
    /,
    *args: Any,
    modes: Iterable[str] | None = None,
    calls: Sequence[tuple[Any, ...]] | None = None,
    raises: type[Exception] | tuple[type[Exception], ...] = (),
    expect: Mapping[str, str] | None = None,
    **kwargs: Any,
) -> None:
    """Fail unless a flow or task gives the same data, or the same exception, in every mode.

    It is called in the first mode, and then in each of the others: with no target there, again
    with all of them, again after some were deleted, and in one mode after the other on the same
    targets. Each time it is given its own copy of the arguments. All this happens in a temporary
    current folder, so name input files by their full path.

    Args:
        subject: A flow, a task, or a function that calls some; sync or async.
        *args: The arguments of one call.
        modes: The modes to compare, the first with each of the others; by default `function`,
            `cache` and the mode in force, which is the test's own if pytest runs it once a mode.
        calls: The positional arguments of several calls instead, made one after the other on the
            same targets: only two calls can show that they share a target.
        raises: Exceptions that the subject may raise, if it does so in every mode.
        expect: Kinds of reasons for which modes are known to differ, each with a note on it, as in
            `{"set-order": "known, issue 12"}`. One that is not found any more is a failure.
        **kwargs: The arguments of one call by name.

    Raises:
        ModesDisagree: Two modes differ; it says where, and, if that can be told, why.
        AssertionError: A reason that is expected was not found.
        Exception: What the subject raises, if it raises the same in every mode.

    Example:
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> assert_modes_agree(double, 21)
    """
    __tracebackhide__ = True
    made = [Arguments(tuple(call)) for call in calls or ()] or [Arguments(args, kwargs)]
    if calls is not None and (args or kwargs):
        msg = "assert_modes_agree takes the arguments of one call, or calls=[…], not both"
        raise TypeError(msg)
    outcomes = agreed(Program(subject, made), compared(modes), expect=_checked(expect or {}))
    for outcome in outcomes:
        if outcome.error is not None and not isinstance(outcome.error, raises):
            raise outcome.error


def compared(modes: Iterable[str] | None) -> tuple[str, ...]:
    """Return the modes to compare, each once."""
    named = [*FAST, current_mode()] if modes is None else [*modes]
    different = tuple(dict.fromkeys(validate_mode(mode, "modes=") for mode in named))
    if len(different) < len(FAST):
        msg = f"modes={list(different)} is nothing to compare. Name two of {', '.join(MODES)}."
        raise ValueError(msg)
    return different


def agreed(
    program: Program,
    modes: Sequence[str],
    losses: Callable[[Sequence[Kept]], list[Loss]] = all_losses,
    expect: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Return what each call gives, which is the same in all `modes`.

    Args:
        program: What is called, and with what.
        modes: The modes.
        losses: What is lost in mode `cache`, one loss after the other.
        expect: Kinds of reasons for which they may differ, and must; each with a note on it.

    Raises:
        ModesDisagree: It is not.
    """
    __tracebackhide__ = True
    expected: list[Outcome] = []
    known: list[Disagreement] = []
    # The state of the process is that of these trials, in a folder of their own.
    program = Program(program.subject, program.calls)
    with fresh_folder() as folder, seeds_kept(), closing(program.state):
        for trial, outcomes in Trials(program, modes, folder, losses):
            expected = expected or outcomes
            for index, (wanted, got) in enumerate(zip(expected, outcomes, strict=True)):
                if (difference := got.differs_from(wanted)) is not None:
                    case = Case(program, folder, trial.mode, expected, got, trial.lost)
                    found = Disagreement(case, index, modes[0], trial, difference)
                    if not expect:
                        raise explained(found)
                    known.append(found)
        if expect:
            _compare_with_expected(expect, known)
    return expected


def _checked(expect: Mapping[str, str]) -> Mapping[str, str]:
    for kind in expect:
        if kind not in KINDS:
            msg = (
                f"expect= names {kind!r}, which is no kind of reason.{nearest(kind, KINDS)} The"
                f" kinds are: {', '.join(KINDS)}."
            )
            raise ValueError(msg)
    return expect


def _compare_with_expected(expect: Mapping[str, str], known: Sequence[Disagreement]) -> None:
    """Raise what is not expected; fail if something that is expected was not found."""
    __tracebackhide__ = True
    found: set[str] = set()
    # Afterwards, not between the trials: looking for a reason empties the folder.
    different = {(each.index, str(each.case.got)): each for each in reversed(known)}
    for disagreement in different.values():
        error = explained(disagreement)
        if error.reason is None or error.reason.kind not in expect:
            raise error
        # One difference may have several reasons, of which the first is named.
        found |= {reason.kind for reason in reasons(disagreement.case)}
    gone = [f"{kind!r} ({note})" for kind, note in expect.items() if kind not in found]
    if gone:
        verb = "has" if len(gone) == 1 else "have"
        msg = f"{' and '.join(gone)} {verb} gone: the modes agree in that. Remove it from expect=."
        raise AssertionError(msg)


def explained(found: Disagreement) -> ModesDisagree:
    """Return the exception that says where modes differ, and why if that can be told."""
    try:
        return ModesDisagree(found, explain(found.case))
    except Exception as error:  # noqa: BLE001 - that modes differ is not to be lost over the reason
        disagree = ModesDisagree(found, None)
        disagree.add_note(f"Looking for the reason ended with {type(error).__name__}: {error}")
        return disagree


def _explanation(reason: Reason | None) -> str:
    if reason is None:
        return "Why: none of the causes that prefectx looks for was found."
    return f"Why ({reason.kind}): {reason.text}\nDo: {reason.advice}"


# Where users import it from: in tracebacks, in pickles, in the help.
ModesDisagree.__module__ = "pytest_prefectx"
assert_modes_agree.__module__ = "pytest_prefectx"
