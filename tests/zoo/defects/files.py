"""Tasks that write files themselves: elsewhere than their target, or over each other's."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from specimens import Defect

from prefectx import flow, load, task
from prefectx.stores import Filestore


def _written(path: str, text: str) -> str:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(text)
    return path


@task(store=None, target="plots/{site}.svg")
def plot(site: str) -> str:
    return _written(f"plot/{site}.svg", "<svg/>")


# it writes to another folder than its target's; cold.
@flow
def site_plot() -> str:
    return Path(load(plot("north"))).read_text()


@task(store=None, target="out/{name}")
def save_array(name: str, size: int) -> str:
    os.makedirs("out", exist_ok=True)
    np.save(f"out/{name}", np.zeros(size))
    return f"out/{name}"


# numpy adds a suffix to the file's name; cold.
@flow
def saved_array() -> str:
    return save_array("zeros", 3)


@task(save=False, store=Filestore("data"), target="{site}/rain.csv")
def download(site: str) -> str:
    return _written(f"{site}/rain.csv", "day,rain\n")


# it writes below the current folder, its target is below the store's root; cold.
@flow
def downloaded() -> str:
    return Path(load(download("north"))).read_text()


@task(store=None, target="out/{site}.html")
def page(site: str) -> str:
    return os.path.basename(_written(f"out/{site}.html", "<html/>"))


# it writes its target, but returns the file's name alone; cold.
@flow
def site_page() -> str:
    return page("north")


@task(store=None, target="out/{site}.log")
def logged(site: str) -> None:
    _written(f"out/{site}.log", "done")


# it writes its target, but returns nothing; cold.
@flow
def site_log() -> str:
    logged("north")
    return Path("out/north.log").read_text()


@task
def export(site: str) -> str:
    return _written("out/export.csv", f"site\n{site}\n")


# both calls write one file; lost, the first target (north) alone: north is written over south.
@flow
def last_export() -> str:
    export("north")
    return Path(load(export("south"))).read_text()


@task
def prepare(month: int) -> str:
    return _written("out/month.txt", "x" * month)


@task
def file_size(path: str, month: int) -> int:
    return len(Path(path).read_text())


# both calls write one file; lost, file_size of month 4, alone or with 5: it reads month 5's file.
@flow
def month_sizes() -> list[int]:
    return [file_size(prepare(month), month) for month in (4, 5)]


DEFECTS = [
    Defect(site_plot, "target-missing", ("plot", "plots/north.svg")),
    Defect(saved_array, "target-missing", ("save_array", "out/zeros")),
    Defect(downloaded, "target-missing", ("download", "north/rain.csv")),
    Defect(site_page, "target-missing", ("page", "out/north.html")),
    Defect(site_log, "target-missing", ("logged", "out/north.log")),
    Defect(last_export, "overwritten-file", ("export", "out/export.csv")),
    Defect(month_sizes, "overwritten-file", ("prepare", "out/month.txt")),
]
