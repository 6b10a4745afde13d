"""The time until a test has Prefect: our plugin against Prefect's own `prefect_test_harness`.

    python benchmarks/startup.py [--rounds N] [--write FILE]

Each figure is a whole `python -m pytest` in a fresh folder with an environment of its own. In each
round both sides are run one after the other, in turns first, so that what else the machine does
hits both; a figure is the median of the rounds, a ratio that of the medians, in brackets the
smallest and the largest ratio of any round.

The two sides run the same flow of one task. Ours is written with `prefectx` and run with
`--prefectx-mode=prefect`. Theirs is plain Prefect with `-p no:prefectx`, and gets its server as
Prefect's documentation shows it, from an automatic session fixture.

*Recorded*: the test has made a flow run, and has read it back from the server's API through
Prefect's own client. The clock starts when the process of pytest is started.

*Second worker*: in a session of pytest-xdist with two workers both start at once, and on a machine
with two cores it is mostly their two imports of Prefect that one would see. So the second worker is
measured by itself: it imports Prefect, then waits until the first worker's flow run is recorded.
From there, when all else is done and it lacks nothing but a server, the time is taken: until its
test begins (`waits for its server`), and until its own flow run is recorded. With the harness it
starts a server of its own; with ours it joins the one that is there. What two workers cost together
when nothing is held back is shown as well, as seen from the controller.

*Collecting*: the CPU time (user + system) of `pytest --collect-only` on a test that uses neither
Prefect nor prefectx, with our plugin and with `-p no:prefectx`; the median of the differences of
neighbouring runs. Plugins of others are off on both sides: what they cost would hide what is looked
for.

Before the first round each side has an uncounted run, which writes the bytecode of all that it
imports to a folder of the benchmark's own. The database that prefectx copies is made by then, too;
what it takes to make it is shown by itself, from one run with an empty cache folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import entry_points, version
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TIMEOUT: Final = 600
FLOW_RUNS: Final = 20
COLLECTIONS: Final = 20

OURS_AIM: Final = 0.25
SECOND_AIM: Final = 0.1
COLLECT_AIM: Final = 15.0

MARKS = '''
import os, time
from pathlib import Path

def mark(event):
    """Note the time, on the clock that all processes of the machine share."""
    unfinished = Path(os.environ["MARKS"], f".{event}")
    unfinished.write_text(repr(time.monotonic()))
    unfinished.replace(unfinished.with_name(event))

def read_back(flow):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    named = FlowFilter(name=FlowFilterName(any_=[flow]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_filter=named, sort=FlowRunSort.ID_DESC, limit=1)
    assert found[0].state.is_completed()
'''

OURS = """
import pytest
from prefectx import flow, load, task
from marks import mark, read_back

@task
def double(x):
    return 2 * x

@flow
def {name}(x):
    return double(x)

@pytest.mark.parametrize("x", range({runs}))
def test_flow(x, prefectx_mode):
    mark("{name}-begins")
    assert load({name}(x)) == 2 * x
    read_back("{name}")
    mark("{name}-recorded")
"""

THEIRS = """
import pytest
from prefect import flow, task
from prefect.testing.utilities import prefect_test_harness
from marks import mark, read_back

@pytest.fixture(autouse=True, scope="session")
def prefect_test_fixture():
    with prefect_test_harness():
        yield

@task
def double(x):
    return 2 * x

@flow
def {name}(x):
    return double(x)

@pytest.mark.parametrize("x", range({runs}))
def test_flow(x):
    mark("{name}-begins")
    assert {name}(x) == 2 * x
    read_back("{name}")
    mark("{name}-recorded")
"""

# Before any fixture: the second worker is to lack nothing but its server.
HELD_BACK = """
import os, time
from pathlib import Path
import pytest
from marks import mark

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if item.path.stem == "test_second":
        import prefect.client.orchestration, prefect.flows
        while not Path(os.environ["MARKS"], "first-recorded").exists():
            time.sleep(0.01)
        mark("second-wants")
"""

PLAIN = """
def test_nothing():
    pass
"""


class Side(NamedTuple):
    """One of the two that are compared."""

    test: str
    arguments: tuple[str, ...]


SIDES: Final = {
    "ours": Side(OURS, ("--prefectx-mode=prefect",)),
    "theirs": Side(THEIRS, ("-p", "no:prefectx")),
}


class Row(NamedTuple):
    """A line of the table."""

    figure: str
    ours: str
    theirs: str
    ratio: str
    aim: str = ""
    verdict: str = ""


class Pytest(NamedTuple):
    """A session of pytest that has ended: seconds since its start."""

    marks: dict[str, float]
    exit: float
    cpu: float


def run_pytest(
    folder: Path, cache: Path, files: dict[str, str], arguments: Iterable[str]
) -> Pytest:
    """Run pytest in `folder`, with nothing of the user's own settings."""
    tests, marks = folder / "tests", folder / "marks"
    for new in (tests, marks, folder / "home"):
        new.mkdir(parents=True)
    for name, text in (files | {"pytest.ini": "[pytest]\n", "marks.py": MARKS}).items():
        (tests / name).write_text(text, encoding="utf-8")
    foreign = ("PREFECT", "PYTEST_", "COV_", "COVERAGE_", "XDG_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    # Without bytecode each process would compile anew what pip or pytest has not; and where others
    # write it, some rounds would be quicker than others.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    own = {
        "DO_NOT_TRACK": "1",
        "HOME": str(folder / "home"),
        "MARKS": str(marks),
        "PREFECT_HOME": str(folder / "home" / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPYCACHEPREFIX": str(cache.parent / "bytecode"),
        "XDG_CACHE_HOME": str(cache),
    }
    cpu, start = cpu_of_children(), time.monotonic()
    ended = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=tests,
        env=kept | own,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    seconds = time.monotonic() - start
    if ended.returncode:
        sys.exit(f"pytest {' '.join(arguments)} failed:\n{ended.stdout}\n{ended.stderr}")
    found = {file.name: float(file.read_text()) - start for file in marks.iterdir()}
    return Pytest(found, seconds, cpu_of_children() - cpu)


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def one_test(side: Side, folder: Path, cache: Path) -> dict[str, float]:
    files = {"test_first.py": side.test.format(name="first", runs=1)}
    ended = run_pytest(folder, cache, files, side.arguments)
    return {"one": ended.marks["first-recorded"], "one-exit": ended.exit, "one-cpu": ended.cpu}


def many_tests(side: Side, folder: Path, cache: Path) -> dict[str, float]:
    files = {"test_first.py": side.test.format(name="first", runs=FLOW_RUNS)}
    return {"many-exit": run_pytest(folder, cache, files, side.arguments).exit}


def two_workers(side: Side, folder: Path, cache: Path) -> dict[str, float]:
    files = {f"test_{n}.py": side.test.format(name=n, runs=1) for n in ("first", "second")}
    ended = run_pytest(folder, cache, files, (*side.arguments, "-n2", "--dist=load"))
    last = max(ended.marks["first-recorded"], ended.marks["second-recorded"])
    return {"two": last, "two-exit": ended.exit, "two-cpu": ended.cpu}


def second_worker(side: Side, folder: Path, cache: Path) -> dict[str, float]:
    files = {f"test_{n}.py": side.test.format(name=n, runs=1) for n in ("first", "second")}
    files["conftest.py"] = HELD_BACK
    marks = run_pytest(folder, cache, files, (*side.arguments, "-n2", "--dist=load")).marks
    wants = marks["second-wants"]
    return {
        "second-waits": marks["second-begins"] - wants,
        "second": marks["second-recorded"] - wants,
    }


EXPERIMENTS: Final = (one_test, two_workers, second_worker, many_tests)

# Key, figure, aim.
FIGURES: Final = (
    ("one", "one test: its flow run is recorded", OURS_AIM),
    ("one-exit", "one test: pytest has ended", OURS_AIM),
    ("one-cpu", "one test: CPU of all processes", None),
    ("second", "second worker: its flow run is recorded", SECOND_AIM),
    ("second-waits", "second worker: waits for its server", SECOND_AIM),
    ("two", "two workers at once: both flow runs are recorded", None),
    ("two-exit", "two workers at once: pytest has ended", None),
    ("two-cpu", "two workers at once: CPU of all processes", None),
    ("many-exit", f"{FLOW_RUNS} tests, {FLOW_RUNS} flow runs: pytest has ended", None),
)


def measured(rounds: int, sides: Sequence[str], root: Path) -> dict[str, dict[str, list[float]]]:
    """Run the experiments; return the figures of each side, by their keys, one a round."""
    figures: dict[str, dict[str, list[float]]] = {side: {} for side in sides}
    for number in range(rounds):
        for experiment in EXPERIMENTS:
            for side in sides if number % 2 else sides[::-1]:
                folder = root / f"{experiment.__name__}-{side}-{number}"
                for key, value in experiment(SIDES[side], folder, root / "cache").items():
                    figures[side].setdefault(key, []).append(value)
        print(f"round {number + 1} of {rounds} is done", file=sys.stderr, flush=True)
    return figures


def compared(figures: dict[str, dict[str, list[float]]]) -> list[Row]:
    rows = []
    for key, figure, aim in FIGURES:
        ours = figures["ours"][key]
        theirs = figures.get("theirs", {}).get(key)
        aimed = f"≤ {aim:g}" if aim else ""
        if theirs is None:
            rows.append(Row(figure, seconds(ours), "CANNOT RUN", "?", aimed, "?" if aim else ""))
            continue
        ratio = median(ours) / median(theirs)
        each = sorted(mine / other for mine, other in zip(ours, theirs, strict=True))
        shown = f"{ratio:.2f} ({each[0]:.2f}-{each[-1]:.2f})"
        verdict = "" if not aim else "reached" if ratio <= aim else "missed"
        rows.append(Row(figure, seconds(ours), seconds(theirs), shown, aimed, verdict))
    return rows


def seconds(values: Sequence[float]) -> str:
    return f"{median(values):.2f} s"


def collecting(root: Path) -> Row:
    """Measure what the plugin adds to a suite that does not use it."""
    cpu: list[float] = []
    others = [found.name for found in entry_points(group="pytest11") if found.name != "prefectx"]
    without_others = [argument for name in others for argument in ("-p", f"no:{name}")]
    # One pair more, the first of which is not counted: it writes bytecode.
    for number in range(2 * COLLECTIONS + 2):
        plugins = ("-p", "no:prefectx") if number % 2 else ()
        folder = root / f"collecting-{number}"
        files = {"test_nothing.py": PLAIN}
        arguments = ("--collect-only", *without_others, *plugins)
        cpu.append(1000 * run_pytest(folder, root / "cache", files, arguments).cpu)
    cpu = cpu[2:]
    # Each run but the first and the last is compared with the one before and the one after it.
    differences = [
        (one - other) * (-1 if number % 2 else 1)
        for number, (one, other) in enumerate(pairwise(cpu))
    ]
    difference = median(differences)
    return Row(
        "`--collect-only`, CPU: with the plugin, without",
        f"{median(cpu[::2]):.0f} ms",
        f"{median(cpu[1::2]):.0f} ms",
        f"{difference:+.1f} ms",
        f"< {COLLECT_AIM:g} ms",
        "reached" if difference < COLLECT_AIM else "missed",
    )


def cold(root: Path) -> Row:
    """Measure a session that has to make the database first."""
    found = one_test(SIDES["ours"], root / "cold", root / "empty-cache")
    return Row("the first time ever (once): flow run is recorded", seconds([found["one"]]), "", "")


def why_no_harness() -> str:
    """Say why Prefect's harness cannot be imported, if it cannot."""
    program = "import prefect.testing.utilities"
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    return ended.stderr.strip().splitlines()[-1] if ended.returncode else ""


def machine(rounds: int) -> str:
    names = ("prefect", "fastapi", "pydantic", "pytest", "pytest-xdist", "prefectx")
    return "\n".join(
        (
            f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, medians of {rounds} rounds",
            f"- {os.cpu_count()} cores, load at the end {os.getloadavg()[0]:.1f}",
            f"- {platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "- " + ", ".join(f"{name} {version(name)}" for name in names),
        )
    )


def table(rows: Sequence[Row]) -> str:
    head = Row("figure", "prefectx", "harness", "ratio", "aim", "")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table there as well")
    options = parser.parse_args()

    alarm = ""
    sides = ["ours", "theirs"]
    if reason := why_no_harness():
        sides.remove("theirs")
        alarm = f"**Prefect's harness CANNOT RUN here, so there is no ratio: {reason}**\n\n"
        print(alarm, file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="startup-") as temporary:
        root = Path(temporary)
        for side in sides:
            two_workers(SIDES[side], root / f"uncounted-{side}", root / "cache")
        first_time = cold(root)
        figures = measured(options.rounds, sides, root)
        rows = [*compared(figures), first_time, collecting(root)]
    text = (
        "# Time until a test has Prefect\n\n"
        f"{alarm}{table(rows)}\n\n{machine(options.rounds)}\n\n"
        "What the figures mean, and how they are made: `benchmarks/startup.py`.\n"
    )
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    if alarm:
        sys.exit(1)


if __name__ == "__main__":
    main()
