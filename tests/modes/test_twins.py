"""Values that look alike get their own results, in every mode that keeps outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from twins import TWINS

from prefectx import flow, load, task

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache")

VALUES: list[object] = [make() for makers in TWINS.values() for make in makers]


@task
def position(value: object) -> int:
    """Return the position of this very object, whatever it looks like."""
    return next(number for number, each in enumerate(VALUES) if each is value)


@flow
def positions() -> list[object]:
    return [position(value) for value in VALUES]


@flow
def submitted_positions() -> list[object]:
    return [position.submit(value) for value in VALUES]


@pytest.mark.parametrize("calls", [positions, submitted_positions], ids=["called", "submitted"])
def test_no_value_is_given_the_result_of_its_twin(calls: Any, tmp_target: Targets) -> None:
    found = load(calls())
    assert found == list(range(len(VALUES)))
    # Once more: now each is a hit.
    assert load(calls()) == found
    assert tmp_target.runs["position"] == len(VALUES)
