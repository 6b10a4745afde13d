"""Processes that make one target anew from different inputs: whose output is a call given?"""

from __future__ import annotations

import json
import random
import tempfile
import warnings
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filling import value_for
from forks import child_of, end_all
from report import Report

from prefectx import load, task, use_mode
from prefectx.errors import CorruptTarget, StaleTarget, TargetReplaced

if TYPE_CHECKING:
    from kills import MakeStore

    from prefectx.stores import Store

PROCESSES = 4


def run(calls: int, make_store: MakeStore) -> Report:
    """Let processes call a task with `rerun_on` whose calls share a target.

    Args:
        calls: How many, in all.
        make_store: Returns the store below a folder.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as found:
        folder = Path(found)
        store = make_store(folder / "root", durable=False)
        children = [
            child_of(lambda number=number: _call(store, calls // PROCESSES, folder, number))  # type: ignore[misc]
            for number in range(PROCESSES)
        ]
        total = Report(lost=end_all(children))
        for told in folder.glob("*.json"):
            total += Report(*json.loads(told.read_text()))
        for number in range(PROCESSES):
            total += _one(_task(store), number)
        left = [*folder.rglob(".prefectx-*"), *folder.rglob("locks/*")]
        return total + Report(left=len(left))


def _task(store: Store) -> Any:
    return task(target="out/shared", store=store, rerun_on={"inputs"})(_make)


def _make(number: int) -> Any:
    return value_for("out/shared", number)


def _call(store: Store, calls: int, folder: Path, process: int) -> None:
    drawn = random.Random(process)  # noqa: S311 - torture can be repeated
    total, make = Report(), _task(store)
    for _ in range(calls):
        total += _one(make, drawn.randrange(PROCESSES))
    (folder / f"{process}.json").write_text(json.dumps(astuple(total)))


def _one(make: Any, number: int) -> Report:
    with use_mode("cache"), warnings.catch_warnings():
        # That calls share a target is told, and here on purpose.
        warnings.simplefilter("ignore", StaleTarget)
        try:
            value = load(make(number))
        except TargetReplaced:
            return Report(tried=1)
        except CorruptTarget:
            return Report(tried=1, torn=1)
    return Report(tried=1, wrong=value != _make(number))
