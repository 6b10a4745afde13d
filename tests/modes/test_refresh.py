"""`refresh`: calls of some tasks run anew although their targets are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prefectx import current_mode, flow, load, refresh, task

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [
    pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache"),
    pytest.mark.usefixtures("tmp_target"),
]


@task
def clean(number: int) -> int:
    return number


@task
def double(number: int) -> int:
    return 2 * number


@flow
def doubles() -> object:
    cleaned = clean.map([1, 2])
    again = [clean.submit(1), clean.submit(2)]
    return load([double.map(cleaned), again])


@pytest.mark.parametrize("name", ["clean", f"{clean.fn.__module__}.clean"])
def test_the_tasks_that_are_named_run_anew_and_the_others_do_not(
    name: str, tmp_target: Targets
) -> None:
    doubles()
    with refresh(name):
        assert doubles() == [[2, 4], [1, 2]]
    assert tmp_target.runs["double"] == 2
    if current_mode() == "cache":
        # Elsewhere the second call may begin before the first has ended.
        assert tmp_target.runs["clean"] == 4
    assert tmp_target.runs["clean"] >= 4
    before = tmp_target.runs["clean"]
    doubles()
    assert tmp_target.runs["clean"] == before


def test_a_variable_of_the_environment_does_the_same(
    tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubles()
    # Two calls at the same time may both have run.
    before = tmp_target.runs["clean"]
    monkeypatch.setenv("PREFECTX_REFRESH", "other, double")
    doubles()
    assert tmp_target.runs["double"] == 4
    assert tmp_target.runs["clean"] == before


def test_within_a_flow_it_holds_for_its_block_alone(tmp_target: Targets) -> None:
    @flow
    def partly() -> int:
        clean(1), clean(1)
        with refresh("*"):
            clean(1)
        return load(clean(1))

    partly()
    # Made once, and made anew once.
    assert tmp_target.runs["clean"] == 2
