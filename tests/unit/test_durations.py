"""Spans of time and sizes: what is understood, what is refused, and how logs tell them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from prefectx._logs.durations import format_duration, parse_duration
from prefectx._logs.process_memory import format_memory, resident_memory
from prefectx._logs.progress import interval
from prefectx.errors import InvalidDuration, PrefectxError

pytestmark = pytest.mark.prefectx("cache")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("6h", 21_600),
        ("90s", 90),
        ("90 s", 90),
        (" 5 Minutes ", 300),
        ("5min", 300),
        ("2m", 120),
        ("1 hour", 3_600),
        ("1.5 days", 129_600),
        ("200ms", 0.2),
        (".5", 0.5),
        ("0", 0),
        (5, 5),
        (0.25, 0.25),
        (datetime.timedelta(minutes=2), 120),
    ],
)
def test_spans_are_read_as_people_write_them(given: Any, seconds: float) -> None:
    assert parse_duration(given) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "given", ["", "soon", "h", "6 x", "-1", "1 2", "s5", "msss", -1, float("nan"), float("inf")]
)
def test_what_is_no_span_of_time_is_refused_by_name(given: Any) -> None:
    with pytest.raises(
        InvalidDuration, match=r"is not a duration\. Use a number of seconds, or a text"
    ) as told:
        parse_duration(given)
    assert repr(given) in str(told.value)
    assert isinstance(told.value, PrefectxError)
    assert isinstance(told.value, ValueError)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.9, "0 s"), (59.9, "59 s"), (60, "1 min"), (2_100, "35 min"), (7_500, "2 h 5 min")],
)
def test_spans_are_told_in_their_two_largest_units(seconds: float, told: str) -> None:
    assert format_duration(seconds) == told


def test_sizes_are_told_in_mb_and_gb() -> None:
    assert format_memory(85_400_000) == "85 MB"
    assert format_memory(2_100_000_000) == "2.1 GB"


def test_memory_in_use_grows_with_what_is_kept() -> None:
    before = resident_memory()
    kept = bytearray(b"x") * 100_000_000
    after = resident_memory()
    assert before is not None
    assert after is not None
    assert after - before > len(kept) / 2


def test_of_a_process_that_is_not_there_no_memory_is_told() -> None:
    assert resident_memory(2**22 + 1) is None


@pytest.mark.parametrize(("text", "seconds"), [("10 s", 10), ("0", 0), ("", 0), (" ", 0)])
def test_the_interval_of_signs_of_life_is_set_by_the_environment(
    text: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECTX_STILL_RUNNING", text)
    assert interval() == seconds


def test_the_interval_is_five_minutes_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECTX_STILL_RUNNING", raising=False)
    assert interval() == 300
