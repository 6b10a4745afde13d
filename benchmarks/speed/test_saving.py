"""Figures 15: what a save costs beside the library's own writing of the same file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from prefectx.stores import Filestore
from speed.race import OURS, worked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BARE = "the library's own writer"
COLUMNS = 10


def numbers(size: int) -> pd.DataFrame:
    """Return a table of numbers."""
    values = np.random.default_rng(7).random((size // COLUMNS, COLUMNS))
    return pd.DataFrame(values, columns=[f"column {number}" for number in range(COLUMNS)])


def texts(size: int) -> pd.DataFrame:
    """Return a table of texts, most of them different."""
    return pd.DataFrame(
        {"text": [f"text {number * 7919 % size} of many" for number in range(size)]}
    )


def polars_texts(size: int) -> pl.DataFrame:
    """Return the same table of texts, of polars."""
    return pl.DataFrame({"text": texts(size)["text"].tolist()})


def rows(size: int) -> list[dict[str, Any]]:
    """Return records as JSON has them."""
    return [{"name": f"row {n}", "share": n / 2, "parts": [n, None]} for n in range(size // 4)]


def write_json(value: object, path: str) -> None:
    """Write JSON as most do."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(value))


FORMATS: dict[str, tuple[str, Callable[[int], Any], Callable[[Any, str], Any]]] = {
    "a": (".parquet", numbers, lambda value, path: value.to_parquet(path)),
    "b": (".parquet", texts, lambda value, path: value.to_parquet(path)),
    "c": (".csv", numbers, lambda value, path: value.to_csv(path, index=False)),
    "d": (".json", rows, write_json),
    "e": (".npy", np.arange, lambda value, path: np.save(path, value)),
    "f": (".parquet", polars_texts, lambda value, path: value.write_parquet(path)),
}


@pytest.mark.parametrize("size", [1_000, 100_000, 10_000_000])
@pytest.mark.parametrize("letter", FORMATS)
def test_15_saving(compare: Callable[..., None], folder: Path, letter: str, size: int) -> None:
    suffix, make, write = FORMATS[letter]
    value = make(size)
    timers = {
        OURS: worked(
            "save(target, value)", save=Filestore().save, target=f"ours{suffix}", value=value
        ),
        BARE: worked(
            "write(value, path)", write=write, value=value, path=str(folder / f"bare{suffix}")
        ),
    }
    what = f"save {suffix} of {size:,} values ({make.__name__})"
    compare(f"15{letter}{len(str(size))}", what, BARE, 2.0, timers)
