"""The logger of a run bears the run's names, also where Prefect does not run it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from prefectx import context, flow, get_run_logger, task, use_mode


@task(target=None, name="{funcname}_{base}")
def speak(words: str) -> None:
    get_run_logger().info("said %s", words)


@task(target=None, name="{funcname}_{words}")
async def speak_later(words: str) -> None:
    await asyncio.sleep(0)
    get_run_logger().warning(words, extra={"mine": 1})


@flow
def speech() -> None:
    get_run_logger().info("begins")
    with context(base="report-7"):
        speak("hello")


@pytest.mark.parametrize("mode", ["function", "cache"])
def test_lines_bear_the_names_of_task_and_flow(
    mode: str, caplog: pytest.LogCaptureFixture, tmp_target: Any
) -> None:
    with use_mode(mode), caplog.at_level(logging.INFO, logger="prefectx.runs"):
        speech()
    first, second = caplog.records
    assert (first.getMessage(), first.flow_name) == ("'speech' - begins", "speech")
    assert second.getMessage() == "'speak_report-7' - said hello"
    assert (second.task_name, second.task_run_name) == ("speak", "speak_report-7")


def test_async_tasks_log_under_their_own_names(caplog: pytest.LogCaptureFixture) -> None:
    async def both() -> None:
        await asyncio.gather(speak_later("a"), speak_later("b"))

    asyncio.run(both())
    assert sorted((r.getMessage(), r.mine) for r in caplog.records) == [
        ("'speak_later_a' - a", 1),
        ("'speak_later_b' - b", 1),
    ]


def test_outside_any_run_the_logger_can_be_used(caplog: pytest.LogCaptureFixture) -> None:
    get_run_logger().warning("alone")
    assert caplog.messages == ["alone"]
