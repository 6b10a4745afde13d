"""`PREFECTX_AUDIT`: hits are computed again and compared, and what was kept is handed out."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from prefectx import flow, load, task
from prefectx.errors import UnknownOption

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache", "prefect.skip")

FACTOR = "TESTS_FACTOR"


@task
def scaled(x: int) -> int:
    # The environment is no code: only an audit shows that it has changed.
    return int(os.environ.get(FACTOR, "2")) * x


@task
def draw(size: int) -> list[float]:
    return [random.gauss(0, 1) for _ in range(size)]


@task(store=None, target="out/{name}.txt")
def written(name: str) -> str:
    from pathlib import Path

    Path("out").mkdir(exist_ok=True)
    Path(f"out/{name}.txt").write_text(name)
    return f"out/{name}.txt"


@flow
def three() -> list[int]:
    return load([scaled(1), scaled(2), scaled(3)])


@flow
def drawn() -> list[float]:
    return load(draw(2))


@flow
def wrote() -> str:
    return load(written("a"))


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX_AUDIT", "1")


def test_audited_hits_that_are_the_same_are_silent(
    tmp_target: Targets, caplog: pytest.LogCaptureFixture
) -> None:
    assert three() == three() == [2, 4, 6]
    assert tmp_target.runs["scaled"] == 6
    assert "is not what its target" not in caplog.text


def test_an_audited_hit_that_differs_is_logged_and_the_kept_data_is_handed_out(
    tmp_target: Targets, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    three()
    monkeypatch.setenv(FACTOR, "5")
    assert three() == [2, 4, 6]
    assert caplog.text.count("is not what its target") == 3
    assert "something else that it reads has changed" in caplog.text


@pytest.mark.prefectx("prefect.skip", "prefect.cache")
@pytest.mark.usefixtures("tmp_target")
def test_hits_of_calls_that_wait_for_others_are_audited_too(
    prefectx_mode: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow
    def chained() -> int:
        return load(scaled.submit(scaled.submit(1)))

    assert chained() == 4
    monkeypatch.setenv(FACTOR, "5")
    assert chained() == 4
    assert caplog.text.count("is not what its target") == 2


def test_a_task_that_draws_by_chance_is_named_so(
    tmp_target: Targets, caplog: pytest.LogCaptureFixture
) -> None:
    assert drawn() == drawn()
    assert "(not-deterministic)" in caplog.text


def test_a_task_that_writes_its_target_itself_is_left_alone(tmp_target: Targets) -> None:
    wrote()
    wrote()
    assert tmp_target.runs["written"] == 1


def test_no_hit_is_audited_at_a_share_of_zero(
    tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECTX_AUDIT", "0")
    three()
    three()
    assert tmp_target.runs["scaled"] == 3


@pytest.mark.prefectx("cache")
def test_a_share_that_is_no_number_is_refused(
    tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    three()
    monkeypatch.setenv("PREFECTX_AUDIT", "often")
    with pytest.raises(UnknownOption, match="a number from 0 to 1"):
        three()
