"""Several calls on the same targets: only two calls can show that they share one."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from pytest_prefectx.agree.programs import Arguments, Program, fresh_folder
from pytest_prefectx.search.strategies import twins_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy


class Twin(Arguments):
    """Arguments that the user's strategy has not given."""


@st.composite
def several_calls(
    draw: DrawFn,
    subject: Callable[..., Any],
    arguments: SearchStrategy[Arguments],
    accepts: Callable[[Arguments], bool],
) -> list[Arguments]:
    """Draw up to three calls: new ones, the same again, and twins of earlier ones.

    Args:
        draw: Hypothesis' own.
        subject: What is called.
        arguments: The strategy for the new ones.
        accepts: Whether the user's strategies could have given a twin.
    """
    calls = [draw(arguments)]
    for _ in range(draw(st.integers(0, 2))):
        how = draw(st.sampled_from(["new", "twin", "again"]))
        earlier = draw(st.sampled_from(calls))
        if how == "new":
            calls.append(draw(arguments))
        elif how == "again":
            calls.append(earlier)
        elif twins := [twin for twin in twin_calls(subject, earlier) if accepts(twin)]:
            calls.append(draw(st.sampled_from(twins)))
    return calls


def without_refused_twins(
    subject: Callable[..., Any], calls: Sequence[Arguments]
) -> list[Arguments]:
    """Return the calls without those twins that the subject does not take as plain function."""
    if not any(isinstance(call, Twin) for call in calls):
        return list(calls)
    with fresh_folder():
        outcomes = Program(subject, calls).run("function")
    return [
        call
        for call, outcome in zip(calls, outcomes, strict=True)
        if outcome.error is None or not isinstance(call, Twin)
    ]


def twin_calls(subject: Callable[..., Any], call: Arguments) -> list[Arguments]:
    """Return the call with one of its arguments replaced by what could be taken for it."""
    hints = _hints(subject)
    names = _names(subject)[: len(call.args)]
    args, kwargs = call.args, call.kwargs
    twins: list[Arguments] = []
    for place, (name, value) in enumerate(zip(names, args, strict=False)):
        twins += [
            Twin((*args[:place], twin, *args[place + 1 :]), kwargs)
            for twin in _acceptable(value, hints.get(name))
        ]
    for name, value in kwargs.items():
        twins += [
            Twin(args, {**kwargs, name: twin}) for twin in _acceptable(value, hints.get(name))
        ]
    return twins


def _acceptable(value: Any, hint: Any) -> list[Any]:
    """Return the twins of the annotated type; of the value's own, if there is no class to go by.

    That `f(1)` and `f("1")` share a target says nothing about an `f` that is never given text.
    """
    if hint is Any:
        return twins_of(value)
    kind = hint if isinstance(hint, type) else type(value)
    return [twin for twin in twins_of(value) if isinstance(twin, kind)]


def _names(subject: Callable[..., Any]) -> list[str]:
    try:
        return [*inspect.signature(subject).parameters]
    except ValueError:
        return []  # some functions written in C have no signature


def _hints(subject: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(getattr(subject, "fn", subject))
    except (NameError, TypeError):
        return {}  # annotations that only a type checker can resolve
