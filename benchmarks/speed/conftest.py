"""Options and fixtures of the benchmarks, and the table that they fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from prefectx import flow
from speed.peers import SMALL
from speed.race import Row, race, raced_row
from speed.results import printed, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from timeit import Timer

ROWS: Final = pytest.StashKey[list[Row]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("speed")
    group.addoption("--rounds", type=int, default=20, help="how often each contender runs")
    group.addoption("--flow-rounds", type=int, default=3, help="how often each flow runs")
    group.addoption("--flow-tasks", type=int, default=5000, help="tasks of a large flow")
    group.addoption("--no-peers", action="store_true", help="leave out what others take")
    group.addoption("--write", metavar="FILE", help="write the table there as well")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[ROWS]
    text = printed(rows, config.getoption("--rounds"))
    terminalreporter.write_line(text)
    if file := config.getoption("--write"):
        written(text, file)


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--rounds"))


@pytest.fixture
def flow_rounds(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--flow-rounds"))


@pytest.fixture
def flow_tasks(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--flow-tasks"))


@pytest.fixture
def note(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Enter a row in the table; fail if it is worse than twice its aim, or as often as is said."""

    def enter(row: Row, times: float = 2) -> None:
        pytestconfig.stash[ROWS].append(row)
        assert row.reaches(times), f"{row.number} {row.what}: {row.ratio:.2f}, aim {row.aim:g}"

    return enter


@pytest.fixture
def compare(benchmark: Any, rounds: int, note: Callable[..., None]) -> Callable[..., None]:
    """Let contenders race, and enter the row."""

    def run(  # noqa: PLR0913, PLR0917 - a row has as many columns
        number: str,
        what: str,
        against: str,
        aim: float,
        timers: Mapping[str, Timer],
        times: float = 2,
    ) -> None:
        note(raced_row(number, what, against, aim, race(benchmark, rounds, timers)), times)

    return run


@pytest.fixture
def in_flow(compare: Callable[..., None]) -> Callable[..., None]:
    """Do the same within a flow, where outputs are asked for."""
    return flow(compare)


@pytest.fixture
def beside(folder: Path, pytestconfig: pytest.Config) -> Callable[..., dict[str, Timer]]:
    """Gives the timers of the peers: how they are timed, the function that they keep, arguments."""

    def timers(
        how: Callable[..., Timer], function: Any, *args: Any, among: Any = SMALL
    ) -> dict[str, Timer]:
        chosen = () if pytestconfig.getoption("--no-peers") else among
        return {peer.__name__: how(peer(folder, function), *args) for peer in chosen}

    return timers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder, which is the current one; no variable of prefectx is set."""
    monkeypatch.chdir(tmp_path)
    for name in ("PREFECTX", "PREFECTX_RUNS_LOG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
