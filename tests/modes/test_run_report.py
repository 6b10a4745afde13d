"""At the end of each outermost flow, a person is told what it did, in every mode."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from shlex import quote
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import prefectx
from prefectx import current_mode, flow, load, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx


@pytest.fixture(autouse=True)
def fresh_folder(tmp_target: Targets, monkeypatch: pytest.MonkeyPatch) -> Targets:
    monkeypatch.delenv("PREFECTX_SUMMARY", raising=False)
    return tmp_target


def last() -> Any:
    report = prefectx.last_run()
    assert report is not None
    return report


def keeps() -> bool:
    return current_mode() not in {"function", "prefect"}


@task
def clean(number: int) -> int:
    if number % 100 == 7:
        msg = f"bad {number}"
        raise ValueError(msg)
    return number


@task
async def clean_later(number: int) -> int:
    await asyncio.sleep(0)
    return clean.fn(number)


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


class Cleaner:
    @task(target="working/{funcname}/{number}")
    def tidy(self, number: int) -> int:
        return number

    @flow
    def tidy_up(self, count: int) -> list[int]:
        return [self.tidy(number) for number in range(count)]


@flow
def mapped(count: int) -> int:
    return total(clean.map(list(range(count))).result())


@flow
def submitted(count: int) -> object:
    return [clean.submit(number) for number in range(count)]


@flow
def called(count: int) -> list[int]:
    return [clean(number) for number in range(count)]


@flow
def submitted_later(count: int) -> object:
    return [clean_later.submit(number) for number in range(count)]


@flow
async def called_later(count: int) -> list[int]:
    return [await clean_later(number) for number in range(count)]


@flow
def nested(count: int) -> int:
    return load(mapped(count))


def run(start: Callable[..., Any], count: int) -> Any:
    result = start(count)
    return load(asyncio.run(result) if asyncio.iscoroutine(result) else result)


@pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache", "prefect")
def test_a_call_that_returns_a_failed_state_is_counted_as_failed(prefectx_mode: str) -> None:
    pytest.importorskip("prefect", reason="failed states are Prefect's")
    from prefect.states import Failed

    @task
    def refuse(x: int) -> object:
        return Failed(message=f"not {x}")

    @flow
    def one() -> bool:
        return bool(refuse(1, return_state=True).is_failed())

    assert one()
    [line] = last().tasks
    assert (line.failed, line.ran, line.skipped) == (1, 0, 0)
    assert "not 1" in str(last().failures[0].error)


@pytest.mark.nightly("prefect.cache")
@pytest.mark.parametrize("start", [mapped, submitted, called, submitted_later, nested])
def test_a_flow_counts_what_ran_and_what_was_skipped(start: Callable[..., Any]) -> None:
    for _ in range(2):
        run(start, 5)
    report, name = last(), "clean_later" if start is submitted_later else "clean"
    assert report.mode == current_mode()
    assert report[name].calls == 5
    assert (report[name].ran, report[name].skipped) == ((0, 5) if keeps() else (5, 0))
    assert report.error is None
    assert report.failures == []


def test_an_async_flow_counts_too() -> None:
    run(called_later, 3)
    assert last()["clean_later"].ran == 3


def test_methods_count_too() -> None:
    Cleaner().tidy_up(3)
    assert last()["tidy"].ran == 3


def test_bytes_and_folder_of_what_is_kept_are_told(tmp_target: Targets) -> None:
    run(mapped, 3)
    line = last()["clean"]
    if not keeps():
        assert (line.bytes, line.folder) == (0, None)
        return
    files = [tmp_target.path / name for name in tmp_target.items() if "clean" in name]
    assert line.bytes == sum(file.stat().st_size for file in files)
    assert line.folder == "working/clean"


@pytest.mark.nightly("prefect.cache")
@pytest.mark.parametrize("start", [mapped, submitted_later, submitted])
def test_all_inputs_are_tried_and_the_first_failure_is_raised(start: Callable[..., Any]) -> None:
    if current_mode() == "prefect" and start is not mapped:
        pytest.skip("Prefect cancels what a failed flow has submitted")
    with pytest.raises(ValueError, match="bad 7") as caught:
        run(start, 300)
    report = last()
    line = report.tasks[0]
    assert (line.calls, line.ran, line.failed) == (300, 297, 3)
    assert [str(failure.error) for failure in report.failures] != []
    assert sorted(str(failure.error) for failure in report.failures) == [
        "bad 107",
        "bad 207",
        "bad 7",
    ]
    notes = "\n".join(caught.value.__notes__)
    assert "2 other calls failed" in notes
    assert "number=107): ValueError: bad 107" in notes
    assert "number=207): ValueError: bad 207" in notes
    assert "number=7)" not in notes


@task
def refuse(number: int) -> int:
    msg = "no such number"
    raise ValueError(msg)


@flow
def refused(count: int) -> object:
    return refuse.map(list(range(count))).result()


@pytest.mark.nightly("prefect.cache", "prefect")
def test_other_failures_with_the_same_text_are_named_too() -> None:
    with pytest.raises(ValueError, match="no such number") as caught:
        run(refused, 3)
    notes = "\n".join(caught.value.__notes__)
    assert "2 other calls failed" in notes
    assert "number=0)" not in notes
    assert "number=1): ValueError: no such number" in notes
    assert "number=2): ValueError: no such number" in notes


def test_the_block_goes_to_standard_error_or_the_log_and_never_to_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="bad 7"):
        run(mapped, 8)
    output, errors = capfd.readouterr()
    assert output == ""
    assert "mapped failed (ValueError)" in errors
    assert "8 calls" in errors
    assert "7 ran" in errors
    assert "number=7)" in errors
    assert "ValueError: bad 7" in errors
    if keeps():
        assert f"prefectx debug {quote(clean.item(7).target)} --pdb" in errors


@pytest.mark.parametrize("value", ["off", "0", "false"])
def test_one_setting_keeps_it_quiet(
    value: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECTX_SUMMARY", value)
    run(mapped, 3)
    assert "3 calls" not in capfd.readouterr().err
    assert last()["clean"].calls == 3


def test_a_call_that_succeeds_when_it_is_tried_again_has_not_failed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    mark = tmp_path_factory.mktemp("marks") / "tried"

    @task
    def flaky(path: str) -> int:
        if not os.path.exists(path):
            Path(path).touch()
            raise OSError(path)
        return 1

    @flow
    def twice() -> int:
        first = flaky(str(mark), return_state=True)
        assert first.is_failed()
        return load(flaky(str(mark)))

    assert twice() == 1
    assert (last()["flaky"].ran, last()["flaky"].failed) == (1, 0)


@flow
def chained(count: int) -> list[int]:
    return total_of_one.map(clean.map(list(range(count)))).result()


@task
def total_of_one(number: int) -> int:
    return number


@flow
def late_failures(count: int) -> list[int]:
    return clean_mostly.map(total_of_one.map(list(range(count)))).result()


@task
def clean_mostly(number: int) -> int:
    return clean.fn(number)


@pytest.mark.nightly("prefect.cache")
@pytest.mark.parametrize("start", [chained, late_failures])
def test_the_other_failures_are_named_where_one_map_works_on_another(
    start: Callable[..., Any],
) -> None:
    # Prefect's own error only says that the run has not begun.
    is_mute = current_mode() == "prefect" and start is chained
    with pytest.raises(Exception, match="PENDING" if is_mute else "bad 7") as caught:
        run(start, 208)
    notes = "\n".join(caught.value.__notes__)
    assert ("3 calls failed" if is_mute else "2 other calls failed") in notes
    assert ": ValueError: bad 107" in notes
    assert ": ValueError: bad 207" in notes
    assert last()["total_of_one" if start is late_failures else "clean"].calls == 208


SCRIPT = """
    import os, signal, threading, time
    from prefectx import flow, task

    @task
    def slow(number: int) -> int:
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)
        return number

    @flow
    def all_of_them() -> None:
        for future in [slow.submit(number) for number in range(5)]:
            future.result()

    if __name__ == "__main__":
        all_of_them()
"""


@pytest.mark.prefectx("function", "cache")
def test_an_interrupted_flow_says_what_it_did(tmp_target: Targets) -> None:
    file = tmp_target.path / "script.py"
    file.write_text(dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in {-signal.SIGINT, 130}
    assert done.stdout == ""
    assert "all_of_them stopped" in done.stderr.replace("-", "_")
    assert "2 ran" in done.stderr
    file.unlink()
    assert all(load(prefectx.item(name)) in {0, 1} for name in tmp_target.items())


IN_PROCESSES = """
    import os, signal, time
    from pathlib import Path
    from prefect.task_runners import ProcessPoolTaskRunner
    from prefectx import flow, task

    @task
    def slow(number: int) -> int:
        Path(f"started-{number}").touch()
        deadline = time.monotonic() + 60
        while not Path("go").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return number

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
    def all_of_them() -> None:
        futures = [slow.submit(number) for number in range(2)]
        while len(list(Path(".").glob("started-*"))) < 2:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)
        for future in futures:
            future.result()

    if __name__ == "__main__":
        all_of_them()
"""


@pytest.mark.prefectx("prefect.skip")
@pytest.mark.nightly
def test_a_flow_in_processes_that_is_interrupted_says_what_it_waits_for(
    tmp_path: Path, prefect_server: PrefectServer
) -> None:
    file = tmp_path / "script.py"
    file.write_text(dedent(IN_PROCESSES))
    command = [sys.executable, str(file)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        lines = []
        for line in started.stderr:
            lines.append(line)
            if line.startswith("stopped: "):
                (tmp_path / "go").touch()
        told = "".join(lines)
    assert "stopped: 0 of 2 done; waiting for 2 running tasks, Ctrl-C again to kill them" in told
    assert "AttributeError" not in told
