"""Interleaved timing: in each round every contender runs, so noise of the machine meets all alike.

A figure is a ratio, taken round by round and then the median of the rounds.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from random import Random
from statistics import median
from time import process_time, thread_time
from timeit import Timer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS: Final = "prefectx"
BATCH_SECONDS: Final = 0.002
MOST_CALLS: Final = 20_000
# Who takes longer than this for one call runs in the first rounds only.
SLOW_SECONDS: Final = 0.3
SLOW_ROUNDS: Final = 3


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        number: The figure's number and letter, as in "5b".
        what: What is measured.
        against: What it is measured against.
        ratio: How many times as long, or as much, it takes us.
        aim: What the ratio should be at most; at least, where more is better.
        ours: Our figure with its unit.
        theirs: The figure of what it is measured against.
        peers: How many times as long as us each peer takes.
        more_is_better: Whether the aim is a floor.
    """

    number: str
    what: str
    against: str
    ratio: float
    aim: float
    ours: str
    theirs: str
    peers: Mapping[str, float] = field(default_factory=dict)
    more_is_better: bool = False

    def reaches(self, times: float = 1.0) -> bool:
        """Tell whether the aim is reached, or missed by no more than this factor."""
        if self.more_is_better:
            return self.ratio * times >= self.aim
        return self.ratio <= self.aim * times


class Contender:
    """Something to time, and how often in one batch."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        # The first calls import, list and open what later ones find there.
        once = max(self._timed(1), 1e-8)
        if once < SLOW_SECONDS:
            once = max(min(self._timed(1) for _ in range(5)), 1e-8)
        self.calls = max(1, min(MOST_CALLS, round(BATCH_SECONDS / once)))
        self.seconds: list[float] = []
        self._is_slow = once > SLOW_SECONDS

    def run(self, number: int) -> None:
        """Run one batch; note the seconds a call."""
        if self._is_slow and number >= SLOW_ROUNDS:
            return
        self.seconds.append(self._timed(self.calls) / self.calls)

    def _timed(self, calls: int) -> float:
        return self._timer.timeit(calls)


def timed(statement: str, **names: Any) -> Timer:
    """Return what measures the CPU time of a statement: what others on the machine do counts not.

    Args:
        statement: What is timed, in a loop, as `timeit` does.
        **names: What the statement names.
    """
    return Timer(statement, timer=thread_time, globals=names)


def worked(statement: str, **names: Any) -> Timer:
    """Return what measures the CPU time of a statement in all threads, as Arrow has them."""
    return Timer(statement, timer=process_time, globals=names)


def waited(statement: str, **names: Any) -> Timer:
    """Return what measures how long a statement takes, with all that it waits for."""
    return Timer(statement, globals=names)


def race(benchmark: Any, rounds: int, timers: Mapping[str, Timer]) -> dict[str, list[float]]:
    """Run the contenders in turns; return the seconds a call of each, round by round.

    Args:
        benchmark: The fixture of pytest-benchmark, which runs the rounds.
        rounds: How many.
        timers: The contenders.
    """
    contenders = {name: Contender(timer) for name, timer in timers.items()}
    numbers = iter(range(rounds))

    def one_round() -> None:
        number = next(numbers)
        # In another order each time: what one leaves in caches and memory, the next one finds.
        order = list(contenders.values())
        Random(number).shuffle(order)  # noqa: S311 - only an order
        for contender in order:
            contender.run(number)

    gc.collect()
    benchmark.pedantic(one_round, rounds=rounds)
    return {name: contender.seconds for name, contender in contenders.items()}


def ratio_of(ours: list[float], theirs: list[float]) -> float:
    """Return how many times as long the first takes, as the median over the rounds of both."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=False))


def shown(seconds: float) -> str:
    """Return a time as a person would write it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def raced_row(
    number: str, what: str, against: str, aim: float, seconds: Mapping[str, list[float]]
) -> Row:
    """Return the row of a race between us, what we are measured against, and peers."""
    ours, theirs = seconds[OURS], seconds[against]
    peers = {
        name: ratio_of(taken, ours)
        for name, taken in seconds.items()
        if name not in {OURS, against}
    }
    return Row(
        number,
        what,
        against,
        ratio_of(ours, theirs),
        aim,
        shown(median(ours)),
        shown(median(theirs)),
        peers,
    )
