"""Log lines of runs without Prefect: their names, and the effect of `logs.setup`."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import chatty
import pytest
from patience import PATIENCE
from talking import in_threads, logged, place, total

from prefectx import context, flow, get_run_logger, logs, task, use_mode
from prefectx._logs.format import PREFECTX
from prefectx._logs.selection import LogSelection
from prefectx.errors import PrefectxError, UnknownLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("function")

DEBUG, INFO = place(chatty, "log.debug"), place(chatty, "log.info")


@pytest.fixture(autouse=True)
def handlers_of_prefect_are_away() -> Iterator[None]:
    """Another test may have imported Prefect, whose handler prints in place of prefectx' own."""
    root = logging.getLogger()
    away = [one for one in root.handlers if type(one).__module__.startswith("prefect.")]
    for handler in away:
        root.removeHandler(handler)
    yield
    for handler in away:
        root.addHandler(handler)


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


def named(record: Any) -> Any:
    """Return a log record with the attributes that it has been given."""
    return record


@pytest.mark.parametrize("mode", ["function", "cache"])
def test_records_bear_the_names_of_task_and_flow(
    mode: str, caplog: pytest.LogCaptureFixture, tmp_target: Targets
) -> None:
    with use_mode(mode), caplog.at_level(logging.INFO, logger="prefectx.runs"):
        speech()
    first, second = map(named, caplog.records)
    assert (first.flow_name, first.flow_run_name) == ("speech", "speech")
    assert (second.task_name, second.task_run_name) == ("speak", "speak_report-7")
    assert caplog.messages == ["begins", "said hello"]


def test_async_tasks_log_under_their_own_names(caplog: pytest.LogCaptureFixture) -> None:
    async def both() -> None:
        await asyncio.gather(speak_later("a"), speak_later("b"))

    asyncio.run(both())
    told = map(named, caplog.records)
    assert sorted((line.task_run_name, line.getMessage(), line.mine) for line in told) == [
        ("speak_later_a", "a", 1),
        ("speak_later_b", "b", 1),
    ]


def test_a_name_may_hold_what_formatting_would_take_for_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @task(target=None, name="{share}% of %s")
    def part(share: int) -> None:
        get_run_logger().info("is %s", share)

    with logs.setup():
        part(5)
    assert "Task run '5% of %s' | " in capsys.readouterr().err


def test_what_prefectx_says_of_a_run_has_no_place_in_the_users_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # As if the line were logged by a file of prefectx.
    own = compile("logger.info('still running')", f"{PREFECTX}own.py", "exec")

    @task(target=None)
    def long() -> None:
        exec(own, {"logger": get_run_logger()})  # noqa: S102

    with logs.setup():
        long()
        exec(own, {"logger": get_run_logger()})  # noqa: S102
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(" | INFO    | Task run 'long' - still running")
    assert second.endswith(" | INFO    | still running")


def test_outside_any_run_the_logger_can_be_used(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with logs.setup():
        get_run_logger().warning("alone")
    assert caplog.messages == ["alone"]
    (line,) = logged(capsys.readouterr().err)
    assert line.startswith("WARNING | test_logs.py:")


def state() -> Any:
    loggers = [logging.getLogger(name) for name in (None, "chatty", "prefectx.runs", "prefect")]
    return [
        (logger.name, logger.level, [(type(h), type(h.formatter)) for h in logger.handlers])
        for logger in loggers
    ]


def test_leaving_setup_puts_everything_back() -> None:
    before = state()
    with logs.setup(["chatty"], level="DEBUG"):
        inside = state()
        with logs.setup(["another"]):
            chatty.work("something")
        assert state() == inside
    assert state() == before != inside


def test_what_is_undone_twice_is_undone_once() -> None:
    before = state()
    outer = logs.setup(["chatty"])
    inner = logs.setup(level="DEBUG")
    inner.undo()
    with logs.setup(level="ERROR"):
        inside = state()
        inner.undo()
        assert state() == inside
    outer.undo()
    assert state() == before


def test_setup_again_adds_to_what_was_asked_and_prints_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logs.setup(["chatty"]), logs.setup("chatty, another"), logs.setup(level="DEBUG"):
        chatty.work("one")
        logging.getLogger("another.part").debug("two")
    lines = logged(capsys.readouterr().err)
    assert lines[:2] == [
        f"DEBUG   | chatty.parts | {DEBUG} - begins one",
        f"INFO    | chatty.parts | {INFO} - has done one",
    ]
    assert [line.split(" - ")[1] for line in lines[2:]] == ["two"]


def test_without_setup_a_library_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    before = state()
    total(["a"])
    chatty.work("one")
    assert state() == before
    assert logged(capsys.readouterr().err) == []


def test_a_level_of_the_users_own_counts_unless_another_is_asked_for() -> None:
    logger = logging.getLogger("chatty")
    logger.setLevel(logging.ERROR)
    try:
        with logs.setup(["chatty"]):
            assert logger.level == logging.ERROR
        with logs.setup(["chatty"], level=logging.DEBUG):
            assert logger.level == logging.DEBUG
        assert logger.level == logging.ERROR
    finally:
        logger.setLevel(logging.NOTSET)


def test_an_unknown_level_is_refused_naming_those_there_are() -> None:
    with pytest.raises(UnknownLevel, match=r"'LOUD'. Use one of NOTSET, DEBUG, INFO"):
        logs.setup(level="LOUD")
    assert issubclass(UnknownLevel, PrefectxError)


def test_a_traceback_follows_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    @task(target=None)
    def fails() -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            get_run_logger().exception("no")

    with logs.setup():
        fails()
    told = capsys.readouterr().err
    assert " - no\nTraceback" in told
    assert "ZeroDivisionError: division by zero\n" in told


def test_threads_log_under_the_runs_name_if_their_function_is_in_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @task(target=None)
    def without() -> None:
        thread = threading.Thread(target=chatty.work, args=("lost",))
        thread.start()
        thread.join()

    with logs.setup(["chatty"]):
        in_threads("a")
        without()
    *within, alone = logged(capsys.readouterr().err)
    assert sorted(within) == [
        f"INFO    | Task run 'thread a' | chatty.parts | {INFO} - has done a {number}"
        for number in (1, 2)
    ]
    assert alone == f"INFO    | chatty.parts | {INFO} - has done lost"


def test_several_threads_may_be_in_the_run_at_once() -> None:
    both = threading.Barrier(2, timeout=PATIENCE)
    with ThreadPoolExecutor(2) as threads:
        arrived = [threads.submit(logs.in_run(both.wait)) for _ in range(2)]
        assert sorted(future.result() for future in arrived) == [0, 1]


def test_the_lines_of_nested_loggers_are_those_of_the_outermost() -> None:
    wanted = LogSelection(("a.b", "a", "ab"))
    assert wanted.outermost() == ("a", "ab")
    assert [name for name in ("a", "a.b.c", "ab", "abc", "b") if wanted.names(name)] == [
        "a",
        "a.b.c",
        "ab",
    ]


USE = """
import logging, sys
from prefectx import flow, get_run_logger, load, logs, task

log = logging.getLogger("mylib.pages")

@task(name="count {n}")
def count(n):
    get_run_logger().info("counts")
    log.info("page %s", n)
    log.debug("deep")
    return n

@flow
def total():
    get_run_logger().warning("begins")
    return [count(1), count(2)]

sys.stderr = sys.stdout
"""

LINES = [
    "WARNING | Flow run 'total' | <string>:16 - begins",
    "INFO    | Task run 'count 1' | <string>:9 - counts",
    "INFO    | Task run 'count 1' | mylib.pages | <string>:10 - page 1",
    "INFO    | Task run 'count 2' | <string>:9 - counts",
    "INFO    | Task run 'count 2' | mylib.pages | <string>:10 - page 2",
]


def without_times(told: str) -> list[str]:
    return [line.partition(" | ")[2] or line for line in told.splitlines()]


@pytest.mark.parametrize("mode", ["function", "cache"])
def test_setup_prints_what_runs_and_libraries_log(
    mode: str, python: Callable[..., str], tmp_target: Targets
) -> None:
    code = f"{USE}logs.setup(['mylib']); total(); assert 'prefect' not in sys.modules"
    assert without_times(python(code, PREFECTX=mode)) == LINES


@pytest.mark.parametrize("mode", ["function", "cache"])
def test_prefects_variables_do_the_same(
    mode: str, python: Callable[..., str], tmp_target: Targets
) -> None:
    told = python(f"{USE}total()", PREFECTX=mode, PREFECT_LOGGING_EXTRA_LOGGERS="mylib")
    assert without_times(told) == LINES
    tmp_target.lose("*")
    more = {"PREFECT_LOGGING_EXTRA_LOGGERS": "mylib", "PREFECT_LOGGING_LEVEL": "DEBUG"}
    told = python(f"{USE}total()", PREFECTX=mode, **more)
    assert (
        without_times(told)[3] == "DEBUG   | Task run 'count 1' | mylib.pages | <string>:11 - deep"
    )


def test_a_handler_of_the_users_prints_alone_and_in_its_own_format(
    python: Callable[..., str],
) -> None:
    basic = "logging.basicConfig(format='mine %(message)s'); logs.setup('mylib'); total()"
    told = python(USE + basic, PREFECTX="function").splitlines()
    assert told == ["mine begins", "mine counts", "mine page 1", "mine counts", "mine page 2"]


def test_warnings_of_other_libraries_are_printed_as_prefect_prints_them(
    python: Callable[..., str],
) -> None:
    code = USE + "logs.setup(); logging.getLogger('other').warning('mind')"
    assert without_times(python(code)) == ["WARNING | other - mind"]


def test_prefect_imported_later_prints_in_place_of_it(python: Callable[..., str]) -> None:
    """Each line once, whoever prints it."""
    code = USE + "logs.setup(['mylib']); import prefect.main; total()"
    assert without_times(python(code, PREFECTX="function")) == LINES
