"""Processes that ask for the same targets at the same time: is each made, whole, and once?"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filling import seed_in, value_for
from report import Report

from prefectx import load, task, use_mode
from prefectx.errors import CorruptTarget, TargetMissing

if TYPE_CHECKING:
    from kills import MakeStore

    from prefectx.stores import Store

PROCESSES = 8
TARGETS = [f"race/{number}{suffix}" for number in range(50) for suffix in ("", ".json")]


def run(make_store: MakeStore, *, once: bool) -> Report:
    """Let the processes race.

    Args:
        make_store: Returns the store below a folder.
        once: Whether each target is to be made exactly once.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as found:
        folder = Path(found)
        store = make_store(folder / "root", durable=False)
        context = multiprocessing.get_context("fork")
        gate = context.Barrier(PROCESSES)
        racers = [
            context.Process(target=_race, args=(store, folder, gate, once, number))
            for number in range(PROCESSES)
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        failed = sum(racer.exitcode != 0 for racer in racers)
        made = len((folder / "made").read_text().split())
        leftovers = len(list(folder.rglob(".prefectx-*"))) + len(list(folder.rglob("locks/*")))
        # What was made twice is wrong if it was to be made once.
        again = made - len(TARGETS) if once else 0
        total = Report(lost=failed, wrong=again, left=leftovers)
        for target in TARGETS:
            total += _looked_at(store, target)
        return total


def _make(target: str) -> Any:
    return value_for(target, 1)


def _race(store: Store, folder: Path, gate: Any, once: bool, number: int) -> None:
    os.environ["PREFECTX_RUNS_LOG"] = str(folder / "made")
    make = task(target="{target}", store=store, once=once)(_make)
    targets = list(TARGETS)
    random.Random(number).shuffle(targets)  # noqa: S311 - torture can be repeated
    gate.wait()
    with use_mode("cache"):
        for target in targets:
            if seed_in(target, load(make(target))) is None:
                sys.exit(f"torture: {target} is torn")


def _looked_at(store: Store, target: str) -> Report:
    try:
        whole = seed_in(target, store.load(target)) is not None
    except TargetMissing:
        return Report(tried=1, lost=1)
    except CorruptTarget:
        whole = False
    return Report(tried=1, torn=not whole)
