"""Figures 7 and 8: what a hit costs whose argument is large, and must be hashed."""

from __future__ import annotations

import dataclasses
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xxhash

from prefectx import task
from speed import peers
from speed.race import OURS, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from timeit import Timer

# What peers warn of is not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = 10 * 2**20
COLUMNS = {f"column {n}": np.random.default_rng(n).random(SIZE // 80) for n in range(10)}
TEXTS = [f"text {n * 7919 % 400_000} of many" for n in range(400_000)]


@dataclasses.dataclass
class Point:
    """What many objects are made of."""

    x: int
    y: float
    name: str


def whole(x: object) -> int:
    return 1


def buffers_of(table: pa.Table) -> list[Any]:
    """Return the memory of an Arrow table."""
    chunks = [chunk for column in table.columns for chunk in column.chunks]
    return [buffer for chunk in chunks for buffer in chunk.buffers() if buffer is not None]


def hashed(buffers: Iterable[Any]) -> bytes:
    """Return xxh3 over buffers, as anybody would write it."""
    hasher = xxhash.xxh3_128()
    for buffer in buffers:
        hasher.update(buffer)
    return hasher.digest()


# By name: makes the argument and its buffers; by how much the aim may be missed, on a machine where
# others fill the memory's lanes: the figure itself is in the table.
LARGE: dict[str, tuple[Callable[[], tuple[Any, list[Any]]], float]] = {
    "integers": (lambda: (x := np.arange(SIZE // 8), [x]), 4),
    "floats": (lambda: (x := np.concatenate([*COLUMNS.values()]), [x]), 4),
    "bytes": (lambda: (x := b"".join(map(bytes, COLUMNS.values())), [x]), 3),
    "text": (lambda: (x := "x" * SIZE, [x.encode()]), 3),
    "pandas": (lambda: (pd.DataFrame(COLUMNS), [*COLUMNS.values()]), 8),
    "pandas texts": (lambda: (pd.DataFrame({"a": TEXTS}), buffers_of(pa.table({"a": TEXTS}))), 8),
    "arrow": (lambda: (x := pa.table(COLUMNS), buffers_of(x)), 6),
    "arrow texts": (lambda: (x := pa.table({"a": TEXTS}), buffers_of(x)), 4),
    "polars": (lambda: (pl.DataFrame(COLUMNS), [*COLUMNS.values()]), 8),
}
MANY: dict[str, tuple[Callable[[], Any], float]] = {
    "numbers": (lambda: list(range(500_000)), 3),
    "texts": (lambda: [f"word {n}" for n in range(200_000)], 2),
    "rows": (
        lambda: [{"id": n, "name": f"n{n}", "tags": ["a", "b"]} for n in range(50_000)],
        2,
    ),
    "dict": (lambda: {f"key {n}": n for n in range(200_000)}, 2),
    "dataclasses": (lambda: [Point(n, n / 2, f"n{n}") for n in range(30_000)], 3),
    "small sets": (lambda: [{n, n + 1} for n in range(50_000)], 5),
    "a set": (lambda: {n * 7919 % 1_000_003 for n in range(200_000)}, 4),
    "nested": (
        lambda: {
            f"k{n}": {"p": Point(n, 1.0, "a"), "s": {n}, "l": [(n, "b")]} for n in range(9000)
        },
        6,
    ),
}


@pytest.fixture(autouse=True)
def in_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", "cache")


@pytest.mark.parametrize("kind", LARGE)
def test_7_hash_of_large_argument(
    in_flow: Callable[..., None], beside: Callable[..., dict[str, Timer]], kind: str
) -> None:
    make, times = LARGE[kind]
    argument, buffers = make()
    against = "xxh3 of its buffers"
    hit = task(target="working/{funcname}/large")(whole)
    hit(argument)
    timers = {
        OURS: timed("hit(argument)", hit=hit, argument=argument),
        against: timed("hashed(buffers)", hashed=hashed, buffers=buffers),
    }
    among = peers.ANY_ARGUMENT if kind in {"floats", "bytes"} else peers.OF_OBJECTS
    others = beside(peers.looking, whole, argument, among=among)
    in_flow(f"7 {kind}", f"hit with 10 MB of {kind}", against, 1.5, timers | others, times)


def test_7_hash_for_base(in_flow: Callable[..., None]) -> None:
    argument = LARGE["integers"][0]()[0]
    hit = task(whole)
    hit(argument)
    timers = {
        OURS: timed("hit(argument)", hit=hit, argument=argument),
        "xxh3": timed("hashed([buffer])", hashed=hashed, buffer=argument),
    }
    in_flow("7b", "hit with a `base` made of 10 MB of integers", "xxh3", 1.5, timers)


@pytest.mark.parametrize("kind", MANY)
def test_8_hash_of_many_objects(
    in_flow: Callable[..., None], beside: Callable[..., dict[str, Timer]], kind: str
) -> None:
    make, times = MANY[kind]
    argument = make()
    hit = task(target="working/{funcname}/large")(whole)
    hit(argument)
    timers = {
        OURS: timed("hit(argument)", hit=hit, argument=argument),
        "pickle.dumps": timed("dumps(argument)", dumps=pickle.dumps, argument=argument),
    }
    others = beside(peers.looking, whole, argument, among=peers.OF_OBJECTS)
    in_flow(f"8 {kind}", f"hit with {kind}", "pickle.dumps", 3.0, timers | others, times)
