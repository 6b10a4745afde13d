"""Memory of client, scheduler and workers, and its growth with the tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from records import completed, left_behind
from services import cluster, environment
from tables import table, verdict
from watching import client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from watching import Client, Memory

WARM_UP: Final = 8
"""Trivial tasks that run first: with them, all that is ever imported is."""

WAYS: Final = ("held", "waited", "returned")

FLAT: Final = 1.2
"""Most that client and scheduler may take, in times of what they took when idle."""

SMALLER: Final = 1 / 8
"""Most that the workers may take of what plain prefect-dask takes."""


class Run(NamedTuple):
    """One flow's memory, when idle and at most."""

    side: str
    idle: Memory
    peak: Memory


def large(folder: Path, api_url: str, modes: Sequence[str], count: int, size: int) -> str:
    """Measure `count` tasks that give `size` bytes each, every one feeding a consumer.

    Returns:
        The table, with a line for each way to use the futures and each side.
    """
    rows = []
    for way in WAYS:
        plain = _watched(folder, api_url, "prefect", "plain", way, count, size)
        rows.append([way, "plain", *_shown(plain)])
        for mode in modes:
            ours = _watched(folder, api_url, mode, "ours", way, count, size)
            part = ours.peak.workers / plain.peak.workers
            flat = max(_growth(ours))
            rows.append(
                [way, mode, *_shown(ours), f"{part:.3f}", verdict(part <= SMALLER and flat <= FLAT)]
            )
    return table(
        (
            "futures are",
            "MiB, before and at most",
            "client",
            "scheduler",
            "workers, sum",
            "workers to plain's",
            "",
        ),
        rows,
    )


def trivial(folder: Path, api_url: str, modes: Sequence[str], count: int) -> str:
    """Measure `count` trivial tasks of ours; return the table."""
    rows = []
    for mode in modes:
        run = _watched(folder, api_url, mode, "ours", "many", WARM_UP, count)
        rows.append([mode, *_shown(run), verdict(max(_growth(run)) <= FLAT)])
    return table(("MiB, before and at most", "client", "scheduler", "workers, sum", ""), rows)


def _watched(folder: Path, api_url: str, mode: str, side: str, flow: str, *numbers: int) -> Run:
    place = folder / f"{flow}-{mode}"
    place.mkdir()
    variables = environment(folder, api_url) | {"PREFECTX": mode}
    with cluster(place, variables) as on, client(on, place, variables) as running:
        _warm_up(running, side)
        idle = running.memory()
        given, peak = running.run_watched(side, flow, *numbers)
        _check(api_url, on.address, flow, numbers, given)
    return Run(side, idle, peak)


def _warm_up(running: Client, side: str) -> None:
    running.run(side, "many", 0, WARM_UP)


def _check(api_url: str, address: str, flow: str, numbers: tuple[int, ...], given: Any) -> None:
    """See that the flow did what it was to do, and left nothing with the scheduler."""
    if flow == "many":
        run, *_ = given
        assert completed(api_url, run, numbers[-1]) == numbers[-1], f"{run} lacks task runs"
    else:
        assert given == numbers[0], f"{flow} gave {given}"
    assert left_behind(address) == 0, "the scheduler still keeps what prefectx left with it"


def _growth(run: Run) -> tuple[float, float]:
    """Return what client and scheduler took at most, in times of what they took when idle."""
    return run.peak.client / run.idle.client, run.peak.scheduler / run.idle.scheduler


def _shown(run: Run) -> list[str]:
    both = zip(run.idle, run.peak, strict=True)
    return [f"{_mib(idle)} → {_mib(peak)} ({peak / idle:.2f})" for idle, peak in both]


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f}"
