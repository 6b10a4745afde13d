"""Arguments of flows that Prefect's API would refuse: the flow runs, the API has short texts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prefect.context import FlowRunContext

from prefectx import current_mode, flow, load, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]

ODD: str = os.fsdecode(b"/tmp/\xff\xfe")
MOST = 524_288


@task
def size(value: Any) -> int:
    return len(value)


@flow
def measured(value: Any, small: int = 7) -> tuple[int, object]:
    run = FlowRunContext.get()
    return load(size(value)), run and run.flow_run and run.flow_run.parameters


@flow
def outer(value: Any) -> tuple[int, object]:
    return measured(value)


@pytest.mark.parametrize("start", [measured, outer])
def test_an_argument_of_any_size_reaches_the_flow(start: Callable[..., Any]) -> None:
    length, recorded = start(["x" * 10] * 60_000)
    assert length == 60_000
    if current_mode().startswith("prefect"):
        assert recorded["small"] == 7
        assert recorded["value"].startswith("list[60000]('xxxxxxxxxx', ")
        assert len(recorded["value"]) < 1000


@pytest.mark.prefectx("prefect.skip")
def test_only_what_is_too_large_is_recorded_as_a_short_text() -> None:
    @flow
    def three(a: str, b: str, c: list[int]) -> Any:
        run = FlowRunContext.get()
        assert run is not None
        assert run.flow_run is not None
        return run.flow_run.parameters

    recorded = three("a" * (MOST // 2), "b" * MOST, [1])
    assert recorded["a"] == "a" * (MOST // 2)
    assert recorded["b"].startswith("'bbbbb")
    assert len(recorded["b"]) < 100
    assert recorded["c"] == [1]


@flow
def same(value: Any) -> Any:
    return value


@pytest.mark.parametrize("value", [ODD, Path(ODD), [Path(ODD)], {ODD: 1}])
def test_a_path_that_is_no_utf8_reaches_the_flow(value: object, tmp_target: Targets) -> None:
    found = same(value)
    assert (found, type(found)) == (value, type(value))
    assert load(size([value])) == 1
