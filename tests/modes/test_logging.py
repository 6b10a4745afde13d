"""Log lines of runs, the same in every mode: on the console, and in the API with their runs."""

from __future__ import annotations

import logging
import threading
import warnings
from functools import partial
from typing import TYPE_CHECKING

import chatty
import pytest
import talking
from patience import PATIENCE
from talking import logged, place

from prefectx import flow, get_run_logger, load, logs, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_logs import Logs
    from prefect.client.orchestration import SyncPrefectClient

    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.usefixtures("tmp_target")

IN_PREFECT = pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect")

DEBUG, INFO = place(chatty, "log.debug"), place(chatty, "log.info")
COUNTS, BEGINS = place(talking, '"counts %s"'), place(talking, '"begins"')
PRINTS = place(talking, "    print(")


@pytest.fixture
def logs_of(prefect_client: SyncPrefectClient, prefect_server: PrefectServer) -> object:
    import api_logs

    return partial(api_logs.logs_of, client=prefect_client, server=prefect_server)


def messages(word: str) -> list[str]:
    """Return the lines of `talking.count(word)`, at INFO."""
    return [
        f"Task run 'count {word}' | {COUNTS} - counts {word}",
        f"Task run 'count {word}' | chatty.parts | {INFO} - has done {word}",
    ]


IN_FLOW = [
    f"Flow run 'NAME' | {BEGINS} - begins",
    f"Flow run 'NAME' | chatty.parts | {INFO} - has done all",
]


def test_the_console_shows_the_same_lines_in_every_mode(
    prefectx_mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.setup(["chatty"]):
        assert load(talking.total(["a", "bc"])) == [1, 2]
    told = capsys.readouterr().err
    lines = [*IN_FLOW, *messages("a"), *messages("bc")]
    assert logged(told) == [f"INFO    | {line}" for line in lines]


def test_debug_is_shown_if_asked_for(
    prefectx_mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.setup(["chatty"], level="debug"):
        load(talking.count("a"))
    shown = [line for line in logged(capsys.readouterr().err) if line.startswith("DEBUG")]
    assert shown == [f"DEBUG   | Task run 'count a' | chatty.parts | {DEBUG} - begins a"]


def test_threads_of_a_task_log_under_its_name(
    prefectx_mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.setup(["chatty"]):
        talking.in_threads("a")
    assert sorted(logged(capsys.readouterr().err)) == [
        f"INFO    | Task run 'thread a' | chatty.parts | {INFO} - has done a {n}" for n in (1, 2)
    ]


@IN_PREFECT
def test_the_api_has_each_line_once_with_its_run(
    prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    with logs.setup(["chatty.parts", "chatty"]):
        lines = logs_of(talking.total, ["a", "bc"]).lines()
    assert [line.message for line in lines] == [*IN_FLOW, *messages("a"), *messages("bc")]
    assert [line.run for line in lines] == ["flow"] * 2 + ["count a"] * 2 + ["count bc"] * 2
    assert [line.logger for line in lines[:4]] == [
        "prefect.flow_runs",
        "chatty.parts",
        "prefect.task_runs",
        "chatty.parts",
    ]


@IN_PREFECT
def test_hits_log_nothing_of_their_function(
    prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    with logs.setup(["chatty"]):
        logs_of(talking.total, ["a"])
        again = [line.message for line in logs_of(talking.total, ["a"]).lines()]
    assert again == (IN_FLOW + messages("a") if prefectx_mode == "prefect" else IN_FLOW)


@IN_PREFECT
def test_threads_of_a_task_reach_the_api(prefectx_mode: str, logs_of: Callable[..., Logs]) -> None:
    with logs.setup(["chatty"]):
        lines = logs_of(flow(lambda: talking.in_threads("a"), name="threads")).lines()
    assert sorted(lines) == [
        (
            "thread a",
            "chatty.parts",
            f"Task run 'thread a' | chatty.parts | {INFO} - has done a {n}",
        )
        for n in (1, 2)
    ]


@IN_PREFECT
@pytest.mark.parametrize("runner", ["ThreadPoolTaskRunner", "ProcessPoolTaskRunner"])
@pytest.mark.nightly("prefect.cache")
def test_task_runners_log_each_line_once(
    runner: str, prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    import prefect.task_runners

    on_runner = talking.spread.with_options(
        task_runner=getattr(prefect.task_runners, runner)(max_workers=2)
    )
    words = ["a", "bc", "def"]
    expected = sorted((f"count {word}", text) for word in words for text in at_debug(word))
    with logs.setup(["chatty"], level="DEBUG"):
        found = logs_of(on_runner, words)
        lines = found.lines(until=lambda there: len(there) >= len(expected))
    assert sorted((line.run, line.message) for line in lines) == expected


def at_debug(word: str) -> list[str]:
    counts, done = messages(word)
    return [counts, f"Task run 'count {word}' | chatty.parts | {DEBUG} - begins {word}", done]


@pytest.mark.prefectx("prefect")
def test_prefects_setting_of_extra_loggers_does_it_without_setup(
    prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    from prefect.settings import PREFECT_LOGGING_EXTRA_LOGGERS, temporary_settings

    with logs.setup(), temporary_settings({PREFECT_LOGGING_EXTRA_LOGGERS: "chatty,other"}):
        found = logs_of(talking.spread, ["a"]).lines()
    assert [line.message for line in found] == messages("a")


@pytest.mark.prefectx("prefect")
def test_what_is_undone_is_told_no_more(
    prefectx_mode: str, logs_of: Callable[..., Logs], capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.setup(["chatty"]):
        talking.spread(["a"])
    capsys.readouterr()
    assert logs_of(talking.spread, ["b"]).lines() == []
    told = capsys.readouterr().err
    assert logged(told) == []
    assert "Task run 'count b' - counts b\n" in told


@pytest.mark.prefectx("prefect")
def test_what_is_printed_is_logged_with_its_place(
    prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    words = [f"{number}" for number in range(20)]
    with logs.setup():
        lines = logs_of(flow(lambda: talking.prints.map(words), name="prints")).lines()
    assert sorted((line.run, line.message) for line in lines) == sorted(
        (f"print {word}", f"Task run 'print {word}' | {PRINTS} - prints {word}") for word in words
    )


@pytest.mark.prefectx("prefect")
def test_the_end_of_one_task_does_not_keep_another_from_printing(
    prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    first_started, first_ended = threading.Event(), threading.Event()

    @task(target=None, log_prints=True)
    def first() -> None:
        first_started.set()
        assert second_started.wait(PATIENCE)

    @task(target=None, log_prints=True)
    def second() -> None:
        second_started.set()
        assert first_ended.wait(PATIENCE)
        print("last")  # noqa: T201 - what the test is about

    second_started = threading.Event()

    @flow
    def both() -> object:
        one = first.submit()
        assert first_started.wait(PATIENCE)
        other = second.submit()
        one.wait()
        first_ended.set()
        return other

    with logs.setup():
        (line,) = logs_of(both).lines()
    assert line.message.endswith(" - last")


@pytest.mark.prefectx("prefect")
def test_a_library_may_log_where_no_run_is(
    prefectx_mode: str, prefect_server: PrefectServer
) -> None:
    from prefect.settings import PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW, temporary_settings

    told = temporary_settings({PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "warn"})
    with logs.setup(["chatty"]), told, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        talking.total(["a"])
        chatty.work("outside")
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.prefectx("prefect")
@pytest.mark.parametrize("own", ["format", "task_run_fmt", "flow_run_fmt"])
def test_formats_of_the_users_own_stay(
    own: str,
    prefectx_mode: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from prefect.logging.configuration import PROCESS_LOGGING_CONFIG
    from prefect.logging.formatters import PrefectFormatter
    from prefect.logging.handlers import PrefectConsoleHandler

    formats = dict(PROCESS_LOGGING_CONFIG["formatters"]["standard"])
    del formats["()"]
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            formatter = PrefectFormatter(**{**formats, own: "own %(message)s"})
            monkeypatch.setattr(handler, "formatter", formatter)
    with logs.setup(["chatty"]):
        talking.total(["a"])
    told = capsys.readouterr().err
    assert logged(told) == []
    assert len([line for line in told.splitlines() if line.startswith("own ")]) > 0


@IN_PREFECT
def test_a_name_that_is_known_only_where_the_task_runs_is_in_the_api_and_in_the_logs(
    prefectx_mode: str, logs_of: Callable[..., Logs]
) -> None:
    @task(target=None, name="say {word}")
    def say(word: str) -> str:
        get_run_logger().info("says %s", word)
        return f"{word}!"

    @flow
    def late() -> object:
        return say.submit(say.submit("a"))

    with logs.setup():
        lines = logs_of(late).lines()
    assert [line.run for line in lines] == ["say a", "say a!"]
    assert [line.message.split(" | ")[0] for line in lines] == [
        "Task run 'say a'",
        "Task run 'say a!'",
    ]
