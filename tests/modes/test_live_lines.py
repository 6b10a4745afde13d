"""While a flow runs, a person sees how far it is: live on a terminal, else a line a minute."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager, redirect_stderr
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from example import wait_until
from screen import Screen

from prefectx import flow, task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]

SCRIPT = """
    import logging, sys, time
    from pathlib import Path
    from prefectx import flow, task

    logging.basicConfig(format="log: %(message)s", stream=sys.stderr)

    def wait_for(name):
        while not Path(name).exists():
            time.sleep(0.02)

    @task
    def quick(number: int) -> int:
        return number

    @task
    def slow(name: str) -> str:
        wait_for(name)
        return name

    @flow
    def steps() -> None:
        quick.map([1, 2, 3]).result()
        slow("first")
        print("printed", flush=True)
        print("half a line, ", end="", file=sys.stderr, flush=True)
        slow("second")
        sys.stderr.write("and its end\\n")
        logging.getLogger("mine").warning("told")
        slow("third")

    if __name__ == "__main__":
        steps()
"""


@pytest.fixture
def screen() -> Iterator[Screen]:
    one = Screen()
    yield one
    one.close()


@pytest.fixture
def terminal(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal for `on_terminal`, with the summary on."""
    monkeypatch.delenv("PREFECTX_SUMMARY", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return screen


@contextmanager
def on_terminal(screen: Screen) -> Iterator[None]:
    """Let this process write its errors to the terminal; pytest sets `sys.stderr` for each test."""
    with (
        open(os.dup(screen.slave), "w", encoding="utf-8", buffering=1) as stream,
        redirect_stderr(stream),
    ):
        yield


def live_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "prefectx-live"]


@pytest.mark.prefectx("function", "cache")
def test_a_terminal_shows_each_task_and_at_the_end_only_what_was_printed(
    screen: Screen, tmp_path: Path
) -> None:
    assert "half a line, and its end" in shown_at_the_end(screen, tmp_path)


@pytest.mark.prefectx("prefect.skip")
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.nightly
def test_a_terminal_shows_each_task_among_the_lines_of_prefect_s_log(
    screen: Screen, tmp_path: Path
) -> None:
    assert any("half a line, " in line for line in shown_at_the_end(screen, tmp_path))


@contextmanager
def ended_on_failure(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a script that would wait for ever for what a failed test does not do any more."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def shown_at_the_end(screen: Screen, tmp_path: Path) -> list[str]:
    """Run the script on a terminal; check what is shown meanwhile, and return what is left."""
    (tmp_path / "script.py").write_text(dedent(SCRIPT))
    variables = {**os.environ, "PREFECTX_SUMMARY": "on", "TERM": "xterm"}
    command = [sys.executable, "script.py"]
    with (
        subprocess.Popen(
            command,
            cwd=tmp_path,
            env=variables,
            stderr=screen.slave,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        ended_on_failure(process),
    ):
        screen.wait_for("so far")
        screen.wait_for("3 calls")
        assert any(line.startswith("  quick  3 calls") for line in screen.lines())
        (tmp_path / "first").touch()
        screen.wait_for("half a line")
        (tmp_path / "second").touch()
        screen.wait_for("told")
        screen.wait_for("so far", screen.written.count("so far") + 2)
        shown = screen.lines()
        assert [line for line in shown if line.startswith("  slow ")] == [shown[-1]]
        (tmp_path / "third").touch()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output == "printed\n"
    shown = screen.lines()
    assert any("told" in line for line in shown)
    assert not any("so far" in line for line in shown)
    assert sum("quick  3 calls" in line for line in shown) == 1
    return shown


def test_without_a_terminal_there_is_a_line_a_minute(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("prefectx._runners.live_lines.MINUTE", 0.01)
    monkeypatch.delenv("PREFECTX_SUMMARY", raising=False)
    told: list[str] = []

    def has_told() -> bool:
        output, errors = capfd.readouterr()
        assert output == ""
        told.append(errors)
        return "so far: quick 1 ran, 0 skipped" in "".join(told)

    @task
    def quick(number: int) -> int:
        return number

    @flow
    def steps() -> None:
        quick(1)
        wait_until(has_told)

    steps()
    assert "prefectx: steps, " in "".join(told)


@pytest.mark.prefectx("function", "cache")
def test_the_setting_that_turns_off_the_summary_keeps_the_terminal_quiet(
    terminal: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow
    def steps() -> list[str]:
        return live_threads()

    with on_terminal(terminal):
        assert steps() == ["prefectx-live"]
        assert live_threads() == []
        monkeypatch.setenv("PREFECTX_SUMMARY", "off")
        assert steps() == []
    assert terminal.lines() == []


@pytest.mark.prefectx("cache")
def test_an_error_is_printed_where_the_live_lines_were(terminal: Screen) -> None:
    @task
    def fails() -> None:
        terminal.wait_for("so far")
        raise ValueError("no")

    @flow
    def steps() -> None:
        fails()

    with on_terminal(terminal):
        with pytest.raises(ValueError, match="no"):
            steps()
        # The stream is as it was.
        assert "write" not in vars(sys.stderr)
    first, *rest = terminal.lines()
    assert first.startswith("prefectx: steps failed (ValueError) in ")
    assert not any("so far" in line for line in rest)
    assert live_threads() == []


@pytest.mark.prefectx("cache")
def test_the_lines_of_two_flows_in_threads_stand_below_each_other(terminal: Screen) -> None:
    ends = {"one": threading.Event(), "other": threading.Event()}

    def start(name: str) -> threading.Thread:
        @flow(name=name)
        def steps() -> None:
            ends[name].wait(60)

        thread = threading.Thread(target=steps)
        thread.start()
        return thread

    with on_terminal(terminal):
        first, second = start("one"), start("other")
        terminal.wait_for("prefectx: other, ")
        assert [line.partition(",")[0] for line in terminal.lines()] == [
            "prefectx: one",
            "prefectx: other",
        ]
        ends["one"].set()
        first.join()
        terminal.wait_for("so far", terminal.written.count("so far") + 2)
        assert [line.partition(",")[0] for line in terminal.lines()] == ["prefectx: other"]
        ends["other"].set()
        second.join()
        assert terminal.lines() == []


@pytest.mark.prefectx("cache")
def test_the_lines_keep_away_from_a_question_until_it_is_answered(terminal: Screen) -> None:
    @flow
    def steps() -> None:
        terminal.wait_for("so far")
        # As `input` does, which pytest replaces.
        sys.audit("builtins.input", "name? ")
        os.write(terminal.slave, b"name? ")
        assert terminal.lines() == ["name?"]
        from prefectx._logs.terminal import _Terminal

        assert _Terminal.block is not None
        _Terminal.block.draw(["over the question"])
        assert terminal.lines() == ["name?"]
        sys.audit("builtins.input/result", "name? ")
        os.write(terminal.slave, b"Ada\n")
        terminal.wait_for("so far", terminal.written.count("so far") + 1)

    with on_terminal(terminal):
        steps()
    assert terminal.lines() == ["name? Ada"]


@pytest.mark.prefectx("cache")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_leaves_the_terminal_to_its_parent(terminal: Screen) -> None:
    @flow
    def steps() -> int:
        terminal.wait_for("so far")
        child = os.fork()
        if child == 0:
            sys.stderr.write("from the child\n")
            os._exit(7 if "write" not in vars(sys.stderr) and not live_threads() else 8)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    with on_terminal(terminal):
        assert steps() == 7
    assert terminal.lines() == ["from the child"]


@pytest.mark.prefectx("cache")
def test_more_tasks_than_rows_are_summed_up(tmp_target: Targets) -> None:
    import io

    from rich.console import Console

    from prefectx._logs.terminal import Block

    stream = io.StringIO()
    block = Block(Console(file=stream, force_terminal=True, width=20, height=7), stream)
    block.draw([f"line {number}" for number in range(9)])
    assert stream.getvalue().count("\n") == 5
    assert "and 6 more lines" in stream.getvalue()
