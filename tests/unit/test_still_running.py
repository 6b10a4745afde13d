"""The watch over long tasks, without any Prefect: when it speaks, of what, and when it ends."""

from __future__ import annotations

import logging
import re
import subprocess
import threading
from typing import Any

import pytest
from example import wait_until

from prefectx._logs.progress import StillRunning, set_worker_process

pytestmark = pytest.mark.prefectx("cache")

OFTEN = 0.02


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> Any:
    """All lines, as a list that grows; in the end no thread is left."""
    with caplog.at_level(logging.INFO):
        yield lambda: caplog.messages
    wait_until(lambda: threads() == [])


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "still-running" in thread.name]


def test_lines_come_again_and_again(told: Any) -> None:
    with StillRunning(lambda: "clean report-7", OFTEN):
        wait_until(lambda: len(told()) > 2)
    for line in told():
        assert re.fullmatch(r"still running: clean report-7, \d+ s, (\d+ MB|\d\.\d GB)", line)


def test_a_test_that_replaces_sleep_sees_the_sleep_of_its_tasks_alone(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping: set[str] = set()
    monkeypatch.setattr("time.sleep", lambda _: sleeping.add(threading.current_thread().name))
    with StillRunning(lambda: "clean", OFTEN):
        wait_until(lambda: len(told()) > 2)
    assert sleeping == {threading.current_thread().name}


def test_no_line_comes_before_its_time_or_after_the_end(told: Any) -> None:
    with StillRunning(lambda: "slow", 1_000), StillRunning(lambda: "fast", OFTEN):
        wait_until(lambda: len(told()) > 2)
    before = len(told())
    with StillRunning(lambda: "other", OFTEN):
        wait_until(lambda: len(told()) > before + 2)
    assert {line.split()[2] for line in told()[:before]} == {"fast,"}
    assert {line.split()[2] for line in told()[before:]} == {"other,"}


def test_one_thread_looks_after_all_tasks() -> None:
    with StillRunning(lambda: "a", 1_000), StillRunning(lambda: "b", 1_000):
        assert len(threads()) == 1


def test_turned_off_there_is_no_thread() -> None:
    with StillRunning(lambda: "a", 0):
        assert threads() == []


def test_the_memory_of_the_process_that_does_the_work_is_told(told: Any) -> None:
    with subprocess.Popen(["sleep", "99"]) as small:
        try:
            with StillRunning(lambda: "outer", OFTEN):
                with StillRunning(lambda: "inner", OFTEN):
                    set_worker_process(small.pid)
                    wait_until(lambda: {"outer", "inner"} <= set(sizes(told())))
                assert sizes(told())["inner"] < 10 < sizes(told())["outer"]
                set_worker_process(small.pid)
                wait_until(lambda: sizes(told())["outer"] < 10)
        finally:
            small.kill()


def sizes(lines: list[str]) -> dict[str, int]:
    """Return the size, in MB, that each task was last said to have."""
    found = (re.fullmatch(r"still running: (\w+), .*, (\d+) MB", line) for line in lines)
    return {line[1]: int(line[2]) for line in found if line}
