"""Files: formats that give back what they were given, and tasks that write files themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from specimens import Correct

from prefectx import flow, load, task
from prefectx.errors import UnsupportedValue
from prefectx.stores import Filestore, register_format


@task(target="out/{site}.json")
def summary(site: str) -> dict[str, Any]:
    return {"site": site, "rows": [1, 2.5, None, True], "nested": {"ä": []}, "zero": -0.0}


# JSON with data that JSON gives back.
@flow
def summaries() -> list[dict[str, Any]]:
    return load(summary.map(["north", "south"]))


@task(target="out/{site}.txt")
def text_of(site: str) -> str:
    return f"{site}\r\nß\n"


# Text with both kinds of line ends.
@flow
def site_text() -> str:
    return text_of("north")


@task(target="out/{site}.bytes")
def raw(site: str) -> bytes:
    return site.encode("utf-16")


# Bytes.
@flow
def raw_site() -> bytes:
    return raw("north")


def _write_npy(array: np.ndarray, file: IO[bytes]) -> None:
    if type(array) is not np.ndarray or array.dtype.hasobject:
        raise UnsupportedValue("a .np1 target takes an array of numbers")
    np.save(file, array, allow_pickle=False)


register_format(".np1", load=lambda file: np.load(file, allow_pickle=False), dump=_write_npy)


@task(target="out/{funcname}.np1")
def grid() -> np.ndarray:
    return np.array([[1, 2], [3, 4]], dtype=np.int16)


@task
def largest(cells: np.ndarray) -> int:
    return int(cells.max())


# A careful format of one's own.
@flow
def largest_cell() -> list[Any]:
    cells = grid()
    return [cells, largest(cells)]


@task(store=None, target="plots/{site}.svg")
def plot(site: str) -> Path:
    path = Path(f"plots/{site}.svg")
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<svg>{site}</svg>")
    return path


@task
def size(path: Path) -> int:
    return path.stat().st_size


# A task that writes its target itself.
@flow
def plots(sites: list[str]) -> list[Any]:
    return [[path, size(path)] for path in load(plot.map(sites))]


@task(save=False, store=Filestore("data"), target="{site}.csv")
def download(site: str) -> str:
    path = Path(f"data/{site}.csv")
    path.parent.mkdir(exist_ok=True)
    path.write_text("day,rain\nmon,1\ntue,3\n")
    return str(path)


@task
def total_rain(path: str) -> int:
    return int(pd.read_csv(path)["rain"].sum())


# The same below the root of a store.
@flow
def downloaded_rain() -> int:
    return total_rain(download("north"))


@task
def count_words(path: str) -> int:
    return len(Path(path).read_text().split())


# A file that the flow writes, the same in each run.
@flow
def words() -> int:
    Path("in.txt").write_text("one two three")
    return count_words("in.txt")


@task(target=None)
def append_day(day: str) -> None:
    with Path("report.csv").open("a") as report:
        report.write(f"{day}\n")


# An effect of a task that is never kept, in a file that the flow begins anew.
@flow
def daily_report(days: list[str]) -> str:
    Path("report.csv").write_text("day\n")
    for day in days:
        append_day(day)
    return Path("report.csv").read_text()


@task
def export(site: str) -> str:
    Path(f"{site}.csv").write_text(f"site\n{site}\n")
    return f"{site}.csv"


@task
def read_export(path: str) -> str:
    return Path(path).read_text()


# Paths of files of which each call has its own.
@flow
def exports() -> list[str]:
    return [read_export(export(site)) for site in ("north", "south")]


@task
def report_path(site: str) -> str:
    return os.path.abspath(f"reports/{site}.html")


# full paths as data: each mode runs in the same folder.
@flow
def report_paths() -> list[str]:
    return [report_path("north"), report_path("south")]


CORRECT = [
    Correct(summaries),
    Correct(site_text),
    Correct(raw_site),
    Correct(largest_cell),
    Correct(plots, [(["north", "south"],)]),
    Correct(downloaded_rain),
    Correct(words),
    Correct(daily_report, [(["mon", "tue"],)]),
    Correct(exports),
    Correct(report_paths),
]
