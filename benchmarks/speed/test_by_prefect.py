"""Figures 12 and 13: what tasks cost within a flow that Prefect runs, on one server.

They run first: what the libraries of the other figures have in memory would cost each of the
garbage collector's rounds.
"""

from __future__ import annotations

import os
from itertools import count
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import pytest

from prefectx import flow, task, use_mode
from speed.race import OURS, Row, race, raced_row, ratio_of, waited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.prefectx("prefect.skip"),
]

THEIRS: Final = "Prefect"
DONE: Final = 5000
# Each flow run takes a second, whatever is in it.
OFTEN: Final = 3
SMALL: Final = {"name": "report-7", "pages": [1, 2, 3], "share": 0.5}


def small(x: int) -> Any:
    return SMALL


@pytest.fixture(autouse=True)
def quiet_fresh_folder(folder: Path, prefectx_mode: str) -> Any:
    """Results in a folder of this test's; logs on neither side, for they cost as much as runs."""
    from prefect.settings import (
        PREFECT_LOCAL_STORAGE_PATH,
        PREFECT_LOGGING_LEVEL,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )

    settings: dict[Any, Any] = {
        PREFECT_LOCAL_STORAGE_PATH: folder / "results",
        PREFECT_LOGGING_LEVEL: "ERROR",
        PREFECT_LOGGING_TO_API_ENABLED: False,
    }
    with temporary_settings(settings):
        yield


def prefects_own(**options: Any) -> Any:
    import prefect
    from prefect.cache_policies import INPUTS

    return prefect.task(small, cache_policy=INPUTS, persist_result=True, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize("way", ["submit", "map"])
def test_12_skip(
    way: str, benchmark: Any, flow_rounds: int, flow_tasks: int, note: Callable[..., None]
) -> None:
    """Rates of tasks are compared, in CPU time: of ours there are always 5,000, in 0.1 s."""
    ours, theirs = task(target="working/{funcname}/{x}")(small), prefects_own()
    os.makedirs("working/small")
    for number in range(DONE):
        os.close(os.open(f"working/small/{number}", os.O_CREAT | os.O_WRONLY))

    def started(found: Any, tasks: int) -> Any:
        if way == "map":
            return found.map(range(tasks))
        return [found.submit(number) for number in range(tasks)]

    @flow
    def skipping() -> float:
        start = process_time()
        given = started(ours, DONE)
        seconds = process_time() - start
        assert len(given) == DONE
        return DONE / seconds

    import prefect

    @prefect.flow
    def cached() -> float:
        start = process_time()
        for future in started(theirs, flow_tasks):
            future.wait()
        return flow_tasks / (process_time() - start)

    # So that all is cached.
    cached()
    rates: dict[str, list[float]] = {OURS: [], THEIRS: []}

    def one_round() -> None:
        rates[OURS].append(median(skipping() for _ in range(OFTEN)))
        rates[THEIRS].append(cached())

    benchmark.pedantic(one_round, rounds=flow_rounds)
    note(
        Row(
            number=f"12{way[0]}",
            what=f"`prefect.skip`, {DONE:,} finished tasks, `.{way}`",
            against="Prefect's own cached tasks",
            ratio=ratio_of(rates[OURS], rates[THEIRS]),
            aim=200,
            ours=f"{median(rates[OURS]):,.0f} per s of CPU",
            theirs=f"{median(rates[THEIRS]):,.0f} per s of CPU",
            more_is_better=True,
        )
    )


def run_in_flow(benchmark: Any, rounds: int, ours: Any, theirs: Any, mode: str) -> Any:
    """Let one call of each race within a flow."""
    import prefect

    numbers = count()

    @prefect.flow
    def around() -> dict[str, list[float]]:
        with use_mode(mode):
            timers = {
                OURS: waited("call(next(numbers))", call=ours, numbers=numbers),
                THEIRS: waited("call(next(numbers))", call=theirs, numbers=numbers),
            }
            return race(benchmark, rounds, timers)

    return around()


def test_13_cache_miss(benchmark: Any, rounds: int, note: Callable[..., None]) -> None:
    ours = task(target="working/{funcname}/{x}")(small)
    seconds = run_in_flow(benchmark, 10 * rounds, ours, prefects_own(), "prefect.cache")
    note(raced_row("13a", "`prefect.cache` miss, a task run", THEIRS, 1.1, seconds))


def test_13_prefect(benchmark: Any, rounds: int, note: Callable[..., None]) -> None:
    import prefect

    seconds = run_in_flow(benchmark, 10 * rounds, task(small), prefect.task(small), "prefect")
    note(raced_row("13b", "`prefect`, a task run", THEIRS, 1.02, seconds))


def test_13_hit(benchmark: Any, rounds: int, note: Callable[..., None]) -> None:
    import prefect

    ours, theirs = task(target="working/{funcname}/{x}")(small), prefects_own()

    @prefect.flow
    def around() -> dict[str, list[float]]:
        with use_mode("prefect.cache"):
            ours(7)
            theirs(7)
            timers = {
                OURS: waited("call(7)", call=ours),
                THEIRS: waited("call(7)", call=theirs),
            }
            return race(benchmark, 10 * rounds, timers)

    what = "`prefect.cache` hit, a task run"
    note(raced_row("13c", what, THEIRS, 0.3, around()))
