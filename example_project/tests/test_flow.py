"""The flow as a whole, in whichever modes `--prefectx-mode` names."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from expected import table
from prefectx import last_run, load

from example_project.flows import delays

if TYPE_CHECKING:
    from pytest_prefectx.targets import Targets

DAYS = 2
CHAINS = 3 * DAYS
COLD = Counter(
    read_flights=1,
    take_month=1,
    read_weather=3,
    extract=CHAINS,
    clean=CHAINS,
    join_weather=CHAINS,
    summarise=CHAINS,
    yearly=1,
    draw=1,
)
CACHING = ("cache", "prefect.skip", "prefect.cache")


def ran() -> Counter[str]:
    """Return how often each task's function ran in the last run."""
    report = last_run()
    assert report is not None
    return +Counter({line.task: line.ran for line in report})


@pytest.mark.usefixtures("prefectx_mode", "tmp_target")
def test_yearly_table_is_the_same_in_every_mode() -> None:
    """Each mode gives what pandas alone gives on the whole files, digit by digit."""
    outcome = load(delays(DAYS))
    assert outcome["table"] == table(DAYS)
    assert Path(outcome["picture"]).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert ran() == COLD


@pytest.mark.prefectx(*CACHING)
@pytest.mark.usefixtures("prefectx_mode")
def test_a_second_run_skips_everything(tmp_target: Targets) -> None:
    """And gives the same."""
    first = load(delays(DAYS))
    before = dict(tmp_target.runs)
    assert load(delays(DAYS)) == first
    assert ran() == Counter()
    assert dict(tmp_target.runs) == before


@pytest.mark.prefectx(*CACHING)
@pytest.mark.usefixtures("prefectx_mode", "tmp_target")
@pytest.mark.parametrize(
    ("task", "name"),
    [("summarise", "2013-01-02-JFK.json"), ("clean", "2013-01-01-EWR"), ("read_weather", "LGA")],
)
def test_a_deleted_file_is_made_again_alone(task: str, name: str) -> None:
    """Deleting a file is how one asks for it again; nothing before or after it runs."""
    delays(DAYS)
    file = Path("working") / task / name
    content = file.read_bytes()
    file.unlink()
    delays(DAYS)
    assert ran() == Counter({task: 1})
    assert file.read_bytes() == content


@pytest.mark.prefectx(*CACHING)
@pytest.mark.usefixtures("prefectx_mode", "tmp_target")
def test_more_days_run_only_what_is_new() -> None:
    """A longer run takes over the days of a shorter one, and makes its own table."""
    delays(DAYS - 1)
    delays(DAYS)
    assert ran() == Counter(extract=3, clean=3, join_weather=3, summarise=3, yearly=1, draw=1)


@pytest.mark.prefectx("cache")
@pytest.mark.usefixtures("prefectx_mode", "tmp_target")
def test_a_person_can_read_the_outputs() -> None:
    """The summaries and the table are plain JSON in folders named for the tasks."""
    outcome = load(delays(DAYS))
    assert json.loads(Path(f"out/yearly-{DAYS}.json").read_text()) == outcome["table"]
    assert json.loads(Path("working/summarise/2013-01-01-EWR.json").read_text()) == outcome["table"][0]
    assert {path.name for path in Path("working").iterdir()} == set(COLD) - {"yearly", "draw"}
