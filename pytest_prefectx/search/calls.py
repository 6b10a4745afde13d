"""Several calls on the same targets, because only two calls can show that they share one."""

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
    """Arguments that do not come from the user's strategy."""


@st.composite
def several_calls(
    draw: DrawFn,
    subject: Callable[..., Any],
    arguments: SearchStrategy[Arguments],
    accepts: Callable[[Arguments], bool],
) -> list[Arguments]:
    """Draw up to three calls: new ones, repeated ones, and twins of earlier ones.

    Args:
        draw: Hypothesis' draw function.
        subject: The flow, task or function.
        arguments: The strategy for the new ones.
        accepts: Tells whether the user's strategies could draw a twin.
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


def drop_refused_twins(subject: Callable[..., Any], calls: Sequence[Arguments]) -> list[Arguments]:
    """Return the calls without twins for which the subject raises in mode `function`."""
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
    """Return the twins of a call: copies in which one argument is replaced by its twin."""
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
    """Return the twins of a value that have the annotated type, or else the value's own type.

    That `f(1)` and `f("1")` share a target does not matter if `f` never gets a text.
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
