"""Flows and tasks that call one another until Python's stack is full say so, in every mode."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import current_mode, flow, load, task
from prefectx.errors import NestedTooDeeply

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]


@flow
def down(levels: int) -> Any:
    return down(levels - 1) if levels else "ground"


@flow
async def down_later(levels: int) -> object:
    return await down_later(levels - 1) if levels else "ground"


@task
def count_down(levels: int) -> int:
    return load(count_down(levels - 1)) + 1 if levels else 0


def endless(number: int) -> int:
    return endless(number + 1)


@flow
def fails() -> int:
    return endless(0)


@pytest.fixture
def few_frames() -> object:
    """A smaller stack: each level of Prefect's costs a tenth of a second and more."""
    before = sys.getrecursionlimit()
    frame: FrameType | None = sys._getframe()
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    # Prefect's own set-up of a flow needs some hundred.
    sys.setrecursionlimit(depth + (400 if current_mode() in {"function", "cache"} else 900))
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("few_frames")
@pytest.mark.nightly("prefect.cache", "prefect")
@pytest.mark.parametrize("start", [down, count_down])
def test_nested_calls_that_fill_the_stack_are_told_with_what_to_do(
    start: Callable[..., object],
) -> None:
    with pytest.raises(NestedTooDeeply, match=r"Python's stack of .* frames is full") as caught:
        load(start(1_000))
    kind = "flow 'down'" if start is down else "task 'count_down'"
    message = str(caught.value)
    assert message.startswith(f"{kind} was called within ")
    assert "other calls of flows and tasks" in message
    assert "sys.setrecursionlimit(" in message
    assert isinstance(caught.value, RecursionError)


@pytest.mark.prefectx("function", "cache")
def test_with_the_frames_that_the_message_names_two_hundred_flows_run() -> None:
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(4 * before)
        assert down(200) == "ground"
    finally:
        sys.setrecursionlimit(before)


def test_a_function_that_calls_itself_without_end_keeps_its_error() -> None:
    with pytest.raises(RecursionError) as caught:
        fails()
    assert not isinstance(caught.value, NestedTooDeeply)
