"""Flows on Ray, where it is installed, and what must hold for it everywhere."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import shipped
from prefect.futures import PrefectWrappedFuture

from prefectx import load
from prefectx._runners.prefect.future import has_finished

if TYPE_CHECKING:
    from pytest_prefectx import Targets


class Unasked(PrefectWrappedFuture[Any, object]):
    """A future like Ray's: what it wraps cannot be asked whether it is done."""

    def wait(self, timeout: float | None = None) -> None:  # noqa: ARG002 - of Prefect
        raise AssertionError("it was waited for")

    def result(self, *_: object, **__: object) -> object:
        raise AssertionError("it was asked for its result")


def test_a_future_that_cannot_be_asked_counts_as_running() -> None:
    assert not has_finished(Unasked(uuid.uuid4(), object()))


@pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect")
def test_ray_gives_the_same_data(
    prefectx_mode: str, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefect_ray = pytest.importorskip("prefect_ray", reason="needs prefect-ray")
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(shipped.__file__))
    runner = prefect_ray.RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False})
    on_ray = shipped.many_ways.with_options(task_runner=runner)
    for _ in ("cold", "warm"):
        given = load(on_ray(3))
        # Ray raises an exception of its own, which is also one of the task's class.
        assert "LookupError('no 1')" in given["refused"]
        assert given | {"refused": shipped.EXPECTED["refused"]} == shipped.EXPECTED
