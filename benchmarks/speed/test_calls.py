"""Figures 1 to 8 and 10: what one call costs."""

from __future__ import annotations

import functools
import os
import pickle
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from prefectx import task, use_mode
from speed import peers
from speed.race import OURS, timed, waited

if TYPE_CHECKING:
    from collections.abc import Callable
    from timeit import Timer

# What peers warn of is not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"name": "report-7", "pages": [1, 2, 3], "share": 0.5}
LARGE = np.random.default_rng(7).random(10 * 2**20 // 8)
HAND = "by hand"


@pytest.fixture(autouse=True)
def in_fresh_folder(folder: Path) -> Path:
    return folder


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", "cache")


def small(x: object) -> Any:
    return SMALL


def large(x: object) -> Any:
    return LARGE


kept = task(target="working/{funcname}/{x}")


def test_1_function(compare: Callable[..., None]) -> None:
    def add(x: int, y: int) -> int:
        return x + y

    def wrapper(*args: Any, **kwargs: Any) -> int:
        return add(*args, **kwargs)

    timers = {
        OURS: timed("call(1, 2)", call=task(add)),
        "pass-through wrapper": timed("call(1, 2)", call=wrapper),
    }
    compare("1", "call in mode `function`", "pass-through wrapper", 3.5, timers)


@pytest.mark.usefixtures("cache")
def test_1_call_in_use_mode(compare: Callable[..., None]) -> None:
    def add(x: int, y: int) -> int:
        return x + y

    def wrapper(*args: Any, **kwargs: Any) -> int:
        return add(*args, **kwargs)

    timers = {
        OURS: timed("call(1, 2)", call=task(add)),
        "pass-through wrapper": timed("call(1, 2)", call=wrapper),
    }
    with use_mode("function"):
        compare("1b", "the same inside `use_mode`", "pass-through wrapper", 6.0, timers)


def test_1_decorating(compare: Callable[..., None]) -> None:
    def add(x: int, y: int = 1) -> int:
        return x + y

    def wrapper(*args: int) -> int:
        return add(*args)

    timers = {
        OURS: timed("decorate(add)", decorate=task, add=add),
        "functools.wraps": timed("wraps(add)(f)", wraps=functools.wraps, add=add, f=wrapper),
    }
    compare("1c", "decorating a task", "functools.wraps", 100.0, timers)


def stat_by_hand() -> Timer:
    return timed('stat(f"working/small/{x}")', stat=os.stat, x=7)


@pytest.mark.usefixtures("cache")
def test_2_hit(in_flow: Callable[..., None], beside: Callable[..., dict[str, Timer]]) -> None:
    hit = kept(small)
    hit(7)
    timers = {OURS: timed("hit(7)", hit=hit), HAND: stat_by_hand()}
    others = beside(peers.looking, small, 7)
    in_flow("2", "hit", HAND, 3.0, timers | others)


@pytest.mark.usefixtures("cache")
def test_2_hit_outside_flows(compare: Callable[..., None]) -> None:
    hit = kept(small)
    hit(7)
    timers = {OURS: timed("hit(7)", hit=hit), HAND: stat_by_hand()}
    compare("2b", "hit, outside any flow", HAND, 3.5, timers)


@pytest.mark.usefixtures("cache")
def test_3_hit_with_base(in_flow: Callable[..., None]) -> None:
    @task
    def of_two(x: int, name: str) -> Any:
        return SMALL

    made = of_two(7, "monday")
    Path("working/of_two/7-monday").touch()
    by_hand = timed('stat(f"working/of_two/{x}-{name}")', stat=os.stat, x=7, name="monday")
    assert "7-monday" in made.target
    timers = {OURS: timed('hit(7, "monday")', hit=of_two), HAND: by_hand}
    in_flow("3", "hit, `base` made of two arguments", HAND, 5.0, timers)


def load_by_hand(x: int, name: str) -> object:
    with open(f"working/{name}/{x}", "rb") as file:
        return pickle.load(file)


@pytest.mark.usefixtures("cache")
def test_4_load(in_flow: Callable[..., None], beside: Callable[..., dict[str, Timer]]) -> None:
    hit = kept(small)
    assert hit(7).load() == SMALL
    timers = {
        OURS: timed("hit(7).load()", hit=hit),
        HAND: timed('load(7, "small")', load=load_by_hand),
    }
    others = beside(peers.loading, small, 7)
    in_flow("4", "hit and load", HAND, 2.0, timers | others)


@pytest.mark.usefixtures("cache")
def test_5_load_large(
    in_flow: Callable[..., None], beside: Callable[..., dict[str, Timer]]
) -> None:
    hit = kept(large)
    hit(7)
    timers = {
        OURS: timed("hit(7).load()", hit=hit),
        HAND: timed('load(7, "large")', load=load_by_hand),
    }
    others = beside(peers.loading, large, 7)
    in_flow("5a", "hit and load, 10 MB, pickle", HAND, 1.05, timers | others)


@pytest.mark.usefixtures("cache")
def test_5_map_large(in_flow: Callable[..., None]) -> None:
    hit = task(target="working/{funcname}/{x}.npy")(large)
    hit(7)
    by_hand = timed('load(f"working/large/{x}.npy", mmap_mode="r")', load=np.load, x=7)
    timers = {OURS: timed("hit(7).load(mmap=True)", hit=hit), HAND: by_hand}
    in_flow("5b", "hit and load, 10 MB, `.npy`, `mmap=True`", HAND, 1.3, timers)


def save_by_hand(x: int) -> None:
    with tempfile.NamedTemporaryFile(dir="by-hand", delete=False) as file:
        pickle.dump(SMALL, file)
    os.rename(file.name, f"by-hand/{x}")


@pytest.mark.usefixtures("cache")
def test_6_miss(compare: Callable[..., None], beside: Callable[..., dict[str, Timer]]) -> None:
    Path("by-hand").mkdir()
    timers = {
        OURS: waited("make(next(numbers))", make=kept(small), numbers=count()),
        HAND: waited("save(next(numbers))", save=save_by_hand, numbers=count()),
    }
    others = beside(peers.missing, small)
    compare("6", "miss, with its record", HAND, 3.0, timers | others)


@pytest.mark.usefixtures("cache")
def test_10_hit_among_many(in_flow: Callable[..., None]) -> None:
    many, few = (task(target=f"{where}/{{x}}")(small) for where in ("many", "few"))
    many(7)
    few(7)
    for number in range(100_000):
        os.close(os.open(f"many/{number}", os.O_CREAT | os.O_WRONLY))
    for number in range(10):
        os.close(os.open(f"few/{number}", os.O_CREAT | os.O_WRONLY))
    timers = {OURS: timed("hit(7)", hit=many), "among 10": timed("hit(7)", hit=few)}
    in_flow("10", "hit among 100,000 targets", "among 10", 1.2, timers)
