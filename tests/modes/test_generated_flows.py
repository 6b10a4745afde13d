"""Whole flows, generated: in every mode the same data or the same exceptions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from graphs import Step, graphs, run_graphs
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from prefectx import use_mode

if TYPE_CHECKING:
    from pytest_prefectx.fixtures import TargetsFactory


def outcomes(mode: str, many: list[list[Step]]) -> list[list[str]]:
    with use_mode(mode):
        return asyncio.run(run_graphs(many))


def lose_some(target: Any, chance: Any) -> None:
    for name in target.items():
        if chance.random() < 0.5:
            target.lose(name)


@given(steps=graphs(), chance=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_cache_agrees_with_function_cold_warm_and_with_targets_lost(
    steps: list[Step], chance: object, tmp_target_factory: TargetsFactory
) -> None:
    expected = outcomes("function", [steps])
    with tmp_target_factory() as target:
        assert outcomes("cache", [steps]) == expected
        assert outcomes("cache", [steps]) == expected
        lose_some(target, chance)
        assert outcomes("cache", [steps]) == expected


# A flow run takes seconds, so it runs many graphs, and what fails is not made smaller.
@given(many=st.lists(graphs(), min_size=10, max_size=10), chance=st.randoms(use_true_random=False))
@settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
# In mode prefect what comes after a failure, and .map over *args, are as in Prefect.
@pytest.mark.nightly("prefect.cache")
@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_prefect_agrees_with_function_cold_warm_and_with_targets_lost(
    many: list[list[Step]], chance: object, prefectx_mode: str, tmp_target_factory: TargetsFactory
) -> None:
    expected = outcomes("function", many)
    with tmp_target_factory() as target:
        for _ in ("cold", "warm", "lost"):
            for steps, wanted, got in zip(
                many, expected, outcomes(prefectx_mode, many), strict=True
            ):
                assert got == wanted, steps
            if target.items():
                lose_some(target, chance)


@given(many=st.lists(graphs(), min_size=5, max_size=5))
@settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@pytest.mark.prefectx("prefect.cache")
def test_modes_take_over_from_each_other_on_one_folder(
    many: list[list[Step]], prefectx_mode: str, tmp_target_factory: TargetsFactory
) -> None:
    expected = outcomes("function", many)
    with tmp_target_factory():
        for mode in ("cache", "prefect.cache", "prefect.skip", "cache"):
            assert outcomes(mode, many) == expected
