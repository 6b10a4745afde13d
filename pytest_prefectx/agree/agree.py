"""`assert_modes_agree`: compares a program in all modes, and explains a difference."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prefectx import MODES, current_mode
from prefectx._settings.mode import validate_mode
from prefectx.errors import nearest
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.agree.libraries import preserve_seeds
from pytest_prefectx.agree.programs import Arguments, Outcome, Program, fresh_folder
from pytest_prefectx.agree.reasons import KINDS, Case, Reason, explain, reasons
from pytest_prefectx.agree.trials import ALL_LOSSES, Losses, Trial, Trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_prefectx.equality import Difference

FAST: Final = ("function", "cache")
"""The modes without Prefect."""


@dataclass(frozen=True)
class Disagreement:
    """One call whose outcome differs between a mode and the first mode.

    Attributes:
        case: The program and its outcomes.
        index: The index of the call.
        first: The first mode, with which the others are compared.
        trial: The mode that differs, with its history.
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
    """A program returns different data, or raises another exception, in one mode from another.

    Attributes:
        disagreement: The difference.
        reason: The reason, if it was found; its `kind` is one word for it.
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
    """Fail unless a flow or task returns the same data, or raises the same, in every mode.

    It is called in the first mode, and then in each of the others: without targets, with all of
    them, after some were deleted, and in one mode after the other on the same targets. Each call
    gets a separate copy of the arguments. The current folder is a temporary one, so name input
    files by their full path.

    Args:
        subject: A flow, a task, or a function that calls some; sync or async.
        *args: The arguments of one call.
        modes: The modes to compare, the first with each of the others; by default `function`,
            `cache` and the current mode, which is the test's own if pytest runs it in each mode.
        calls: The positional arguments of several calls, made one after the other on the same
            targets, because only two calls can show that they share a target.
        raises: Exceptions that the subject may raise, if it does so in every mode.
        expect: Kinds of reasons for which the modes are known to differ, each with a note, as in
            `{"set-order": "known, issue 12"}`. It is a failure if one is not found any more.
        **kwargs: The arguments of one call by name.

    Raises:
        ModesDisagree: Two modes differ; the error says where, and why, if that was found.
        AssertionError: An expected reason was not found.
        Exception: The subject's exception, if it raises the same in every mode.

    Example:
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> assert_modes_agree(double, 21)
    """
    __tracebackhide__ = True
    if calls is not None and (args or kwargs):
        msg = "assert_modes_agree takes the arguments of one call, or calls=[…], not both"
        raise TypeError(msg)
    if calls is not None and not calls:
        msg = (
            "calls=[] has no call to compare: give each call's arguments, as in calls=[(1,), (2,)]"
        )
        raise ValueError(msg)
    made = [Arguments(args, kwargs)] if calls is None else [Arguments(tuple(it)) for it in calls]
    outcomes = compare_modes(
        Program(subject, made), modes_to_compare(modes), expect=_check_kinds(expect or {})
    )
    for outcome in outcomes:
        if outcome.error is not None and not isinstance(outcome.error, raises):
            raise outcome.error


def modes_to_compare(modes: Iterable[str] | None) -> tuple[str, ...]:
    """Return the modes to compare, each once."""
    named = [*FAST, current_mode()] if modes is None else [*modes]
    different = tuple(dict.fromkeys(validate_mode(mode, "modes=") for mode in named))
    if len(different) < 2:  # noqa: PLR2004 - one mode and another
        msg = (
            f"modes={list(different)} leaves nothing to compare: name at least two of"
            f" {', '.join(MODES)}."
        )
        raise ValueError(msg)
    return different


def compare_modes(
    program: Program,
    modes: Sequence[str],
    losses: Losses = ALL_LOSSES,
    expect: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Return the outcome of each call, which must be the same in all `modes`.

    Args:
        program: The subject and the calls.
        modes: The modes.
        losses: The losses of targets to try in mode `cache`.
        expect: Kinds of reasons for which they must differ, each with a note.

    Raises:
        ModesDisagree: Two modes differ.
    """
    __tracebackhide__ = True
    expected: list[Outcome] = []
    known: list[Disagreement] = []
    # A new program, whose process state is taken in the folder of these trials.
    program = Program(program.subject, program.calls)
    with fresh_folder() as folder, preserve_seeds(), closing(program.state):
        for trial, outcomes in Trials(program, modes, folder, losses):
            expected = expected or outcomes
            for index, (wanted, got) in enumerate(zip(expected, outcomes, strict=True)):
                if (difference := got.differs_from(wanted)) is not None:
                    case = Case(program, folder, trial.mode, expected, got, trial.lost)
                    found = Disagreement(case, index, modes[0], trial, difference)
                    if not expect:
                        raise disagreement_error(found)
                    known.append(found)
        if expect:
            _compare_with_expected(expect, known)
    return expected


def _check_kinds(expect: Mapping[str, str]) -> Mapping[str, str]:
    for kind in expect:
        if kind not in KINDS:
            msg = (
                f"expect= names {kind!r}, which is no kind of reason.{nearest(kind, KINDS)} The"
                f" kinds are: {', '.join(KINDS)}."
            )
            raise ValueError(msg)
    return expect


def _compare_with_expected(expect: Mapping[str, str], known: Sequence[Disagreement]) -> None:
    """Raise an unexpected disagreement; fail if an expected reason was not found."""
    __tracebackhide__ = True
    found: set[str] = set()
    # After all trials, because the search for a reason empties the folder. Reversed, because of
    # equal keys the last one stays.
    different = {(each.index, str(each.case.got)): each for each in reversed(known)}
    for disagreement in different.values():
        error = disagreement_error(disagreement)
        if error.reason is None or error.reason.kind not in expect:
            raise error
        # One difference may have several reasons.
        found |= {reason.kind for reason in reasons(disagreement.case)}
    gone = [f"{kind!r} ({note})" for kind, note in expect.items() if kind not in found]
    if gone:
        verb, them = ("occurs", "it") if len(gone) == 1 else ("occur", "them")
        msg = (
            f"{' and '.join(gone)} no longer {verb}: the modes agree in this respect. Remove {them}"
            " from expect=."
        )
        raise AssertionError(msg)


def disagreement_error(found: Disagreement) -> ModesDisagree:
    """Return the exception for a disagreement, with its reason if that is found."""
    try:
        return ModesDisagree(found, explain(found.case))
    except Exception as error:  # noqa: BLE001 - the disagreement must be reported in any case
        disagree = ModesDisagree(found, None)
        disagree.add_note(f"The search for the reason failed: {type(error).__name__}: {error}")
        return disagree


def _explanation(reason: Reason | None) -> str:
    if reason is None:
        return "Why: none of the causes that prefectx looks for was found."
    return f"Why ({reason.kind}): {reason.text}\nDo: {reason.advice}"


# The public module, for tracebacks and help.
ModesDisagree.__module__ = "pytest_prefectx"
assert_modes_agree.__module__ = "pytest_prefectx"
