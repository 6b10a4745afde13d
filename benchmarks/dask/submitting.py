"""The rate of trivial tasks through a cluster, each with its completed task run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from records import completed
from services import cluster, environment
from tables import table, verdict
from watching import client

if TYPE_CHECKING:
    from pathlib import Path

    from watching import Client

FASTER: Final = 5
"""Least that ours must be, in times of plain."""


class Rates(NamedTuple):
    """Tasks a second: until all are submitted, and until all are done."""

    sent: float
    done: float


def submitting(folder: Path, api_url: str, rounds: int, ours: int, plain: int) -> str:
    """Run so many tasks of each side a round, in turns; return the table."""
    place = folder / "submitting"
    place.mkdir()
    counts = {"plain": plain, "ours": ours}
    rates: dict[str, list[Rates]] = {side: [] for side in counts}
    variables = environment(folder, api_url) | {"PREFECTX": "prefect.skip"}
    with cluster(place, variables) as on, client(on, place, variables) as running:
        for side in counts:
            _round(running, api_url, side, 0, 10)
        for number in range(1, rounds + 1):
            for side in sorted(counts, reverse=bool(number % 2)):
                first = 1_000_000 * number
                rates[side].append(_round(running, api_url, side, first, counts[side]))
    return table(
        (
            "tasks a second",
            f"plain, {rounds} times {plain}",
            f"ours, {rounds} times {ours}",
            "ratio",
            "least and most",
            "",
        ),
        [_row(rates, "sent"), _row(rates, "done")],
    )


def _round(running: Client, api_url: str, side: str, first: int, count: int) -> Rates:
    run, sent, done = running.run(side, "many", first, count)
    found = completed(api_url, run, count)
    assert found == count, f"{found} of {count} task runs of {side} are COMPLETED in the API"
    return Rates(count / sent, count / done)


def _row(rates: dict[str, list[Rates]], name: str) -> list[str]:
    plain = [getattr(each, name) for each in rates["plain"]]
    ours = [getattr(each, name) for each in rates["ours"]]
    ratio = median(ours) / median(plain)
    each = sorted(mine / other for mine, other in zip(ours, plain, strict=True))
    said = {"sent": "submitted", "done": "done"}[name]
    return [
        said,
        f"{median(plain):.1f}",
        f"{median(ours):.1f}",
        f"{ratio:.1f}",
        f"{each[0]:.1f} to {each[-1]:.1f}",
        verdict(ratio >= FASTER),
    ]
