"""`isolate=True`: what the child is given, what comes back, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import apart
import psutil
import pytest
from example import wait_until
from handles import item_of
from patience import PATIENCE
from processes import command_of

import prefectx
from prefectx import load, task
from prefectx._isolation.exceptions import PortableException
from prefectx.errors import IsolatedRunDied, UnsupportedValue
from prefectx.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache")

HELPERS = str(Path(__file__).parents[1] / "helpers")


@pytest.fixture(autouse=True)
def nothing_left(tmp_target: Targets) -> object:
    """Fail if a child, a thread or an open file is left of a test."""
    threads, files = _threads(), _files()
    yield
    assert _children() == []
    assert _threads() <= threads
    assert _files() <= files


def _threads() -> int:
    return threading.active_count()


def _files() -> int:
    return psutil.Process().num_fds()


def _children() -> list[int]:
    return [child.pid for child in psutil.Process().children() if _is_ours(child)]


def _is_ours(child: psutil.Process) -> bool:
    return "prefectx._isolation" in command_of(child)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def noted(note: str) -> list[int]:
    """Return the numbers of the processes that a task writes down."""
    wait_until(lambda: Path(note).exists())
    return [int(pid) for pid in Path(note).read_text().split()]


def test_each_call_has_a_process_of_its_own() -> None:
    pids = {load(apart.pid(call)) for call in range(3)}
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_a_hit_starts_no_process(tmp_target: Targets) -> None:
    assert load(apart.pid(1)) == load(apart.pid(1))
    assert tmp_target.runs == {"pid": 1}


def test_outputs_and_items_pass_by_their_parent(tmp_target: Targets) -> None:
    made = apart.departure(1)
    arrived = item_of(apart.arrival(made))
    departed = int(Path("departed").read_text())
    assert Path("travels").read_text().splitlines() == [
        f"saved {departed}",
        f"loaded {arrived.load()}",
    ]


def test_an_exception_keeps_its_type_and_arguments_and_tells_where_it_was() -> None:
    with pytest.raises(apart.Refused) as raised:
        apart.refuse(3)
    assert raised.value.args == ("no 3", 3)
    (note,) = raised.value.__notes__
    assert "isolate=True" in note
    assert 'apart.py", line' in note
    assert "raise Refused(msg, value)" in note
    # The folder that this checkout lies in may have that name, too.
    checkout = str(Path(prefectx.__file__).parents[1])
    assert "prefectx" not in note.partition("\n")[2].replace(checkout, "")


class NeedsTwo(Exception):
    def __init__(self, left: int, right: int) -> None:
        super().__init__(f"{left} {right}")
        self.left = left


class HasItsOwnWay(Exception):
    def __reduce__(self) -> Any:
        return (HasItsOwnWay, ("its own",))


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a"),
        FileNotFoundError(2, "no", "file"),
        UnicodeDecodeError("utf8", b"x", 0, 1, "why"),
        ImportError("no", name="module"),
        SystemExit(3),
        NeedsTwo(1, 2),
    ],
    ids=repr,
)
def test_exceptions_travel_whole(error: BaseException) -> None:
    import pickle

    error.add_note("a note")
    there = pickle.loads(pickle.dumps(PortableException(error)))
    assert type(there) is type(error)
    assert (str(there), there.args, vars(there)) == (str(error), error.args, vars(error))


def test_exceptions_that_know_how_to_travel_are_left_to_it() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(PortableException(HasItsOwnWay(1)))).args == ("its own",)


def test_an_exception_that_cannot_be_sent_is_told() -> None:
    with pytest.raises(UnsupportedValue, match=r"the task raised LookupError\(.*cannot be sent"):
        apart.refuse_with_a_lock()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exit", "exited with code 3"),
        ("SIGKILL", "was killed by SIGKILL.*memory runs out"),
        ("SIGSEGV", "was killed by SIGSEGV.*segmentation fault"),
        ("SIGTERM", "exited with code 143"),
        ("SIGUSR1", "was killed by SIGUSR1"),
    ],
)
def test_a_death_is_an_error_that_names_task_target_and_cause(
    how: str, told: str, tmp_target: Targets
) -> None:
    with pytest.raises(IsolatedRunDied, match=f"'die', target 'died/{how}'.*{told}"):
        apart.die(how)
    assert tmp_target.items() == []
    assert load(apart.double(1)) == 2, "the parent goes on"


def test_ctrl_c_is_left_to_the_parent() -> None:
    """A terminal sends it to all processes, but a worker may go on."""
    assert load(apart.die("SIGINT")) is None


def test_a_segmentation_fault_tells_the_line_of_python() -> None:
    with pytest.raises(IsolatedRunDied) as raised:
        apart.die("SIGSEGV")
    (note,) = raised.value.__notes__
    assert 'apart.py", line' in note
    assert "in die" in note


def test_a_death_is_seen_although_another_process_keeps_its_files_open() -> None:
    with pytest.raises(IsolatedRunDied, match="exited with code 3"):
        apart.fork_and_die("note")
    (other,) = noted("note")
    assert is_running(other)
    os.kill(other, signal.SIGKILL)


def test_what_the_child_says_its_parent_says(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        apart.speak("hello")
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("prefectx.runs", "run logger says hello"),
        ("mylib.deep", "library says hello"),
    ]
    (run, _) = caplog.records
    assert run.__dict__["task_name"] == "speak"
    assert run.filename == "apart.py"
    out, err = capsys.readouterr()
    # Where other tests have imported Prefect, its handler prints what is logged.
    unlogged = [line for line in err.splitlines() if " | " not in line]
    assert (out, unlogged) == ("printed hello\n", ["complained hello"])


def test_a_child_logs_what_its_parent_would(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "mylib"):
        apart.speak("hello")
    assert "nobody hears hello" in caplog.messages
    caplog.clear()
    with caplog.at_level(logging.ERROR, "mylib"):
        apart.speak("hello")
    assert "library says hello" not in caplog.messages


def test_last_words_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(IsolatedRunDied):
        apart.last_words()
    assert caplog.messages == ["last words"]


def test_a_generator_is_refused_when_decorated() -> None:
    with pytest.raises(UnsupportedValue, match=r"'count' is a generator, .* with isolate=True"):

        @task(isolate=True, target=None)
        def count() -> object:
            yield 1


def test_what_cannot_be_sent_is_told() -> None:
    with pytest.raises(UnsupportedValue, match="a call of the task 'uncached' cannot be pickled"):
        apart.uncached(threading.Lock())
    with pytest.raises(UnsupportedValue, match="the result of the task 'give_a_lock' cannot be"):
        apart.give_a_lock()


def test_a_store_of_one_process_is_refused(tmp_target: Targets) -> None:
    in_memory = apart.double.with_options(store=MemoryStore())
    with pytest.raises(UnsupportedValue, match="MemoryStore stores outputs in one process only"):
        in_memory(1)


def test_once_and_isolate_go_together(tmp_target: Targets) -> None:
    once = apart.double.with_options(once=True)
    assert [load(once(2)), load(once(2))] == [4, 4]
    assert tmp_target.runs == {"double": 1}


def test_a_cancelled_coroutine_ends_its_process() -> None:
    async def cancelled() -> int:
        running = asyncio.create_task(apart.wait_for_ever_later("note"))
        (pid,) = await asyncio.to_thread(noted, "note")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid

    assert not is_running(asyncio.run(cancelled()))


INTERRUPTED = f"""
    import sys
    sys.path.insert(0, {HELPERS!r})
    import apart
    try:
        apart.NAME("note")
    except KeyboardInterrupt:
        print("interrupted")
"""


def ended_by(end: Any, name: str) -> tuple[str, list[int]]:
    """Start a process that calls a task, end it; return what it said, and what the task noted."""
    code = dedent(INTERRUPTED).replace("NAME", name)
    with Path("said").open("w") as said:
        parent = subprocess.Popen(
            [sys.executable, "-c", code], stdout=said, stderr=said, start_new_session=True
        )
        pids = noted("note")
        end(parent.pid)
        parent.wait(PATIENCE)
    return Path("said").read_text(), pids


@pytest.mark.parametrize("name", ["wait_for_ever", "hold_for_ever"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_no_child_outlives_its_parent(name: str, how: signal.Signals) -> None:
    """Also a child that holds Python's lock, so that none of its threads can see the end."""
    said, (child, *others) = ended_by(lambda pid: os.kill(pid, how), name)
    wait_until(lambda: not is_running(child))
    assert said == ""
    # A function that is killed cannot end what it has started, isolated or not.
    for pid in others:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("name", ["wait_for_ever", "hold_for_ever"])
@pytest.mark.parametrize("to", [os.kill, os.killpg], ids=["parent", "all"])
def test_an_interrupted_call_ends_its_process(name: str, to: Any) -> None:
    """And lets the function's `finally` run, if it can, which ends what the function started."""
    said, pids = ended_by(lambda pid: to(pid, signal.SIGINT), name)
    assert said == "interrupted\n"
    wait_until(lambda: not any(map(is_running, pids)))


SCRIPT = """
    from dataclasses import dataclass
    from prefectx import load, task

    @dataclass
    class Document:
        text: str

    class Refused(Exception): ...

    @task(isolate=True)
    def read(name): return Document(name)

    @task(isolate=True)
    def shout(document):
        assert isinstance(document, Document), type(document)
        return Document(document.text.upper())

    @task(isolate=True, target=None)
    def again(document): return document

    @task(isolate=True, target=None)
    def refuse(document): raise Refused(document)

    document = shout(read("a"))
    assert load(document) == load(again(document)) == Document("A")
    try:
        refuse(document)
    except Refused as error:
        print(error.args[0])
"""


def test_the_classes_and_functions_of_a_script_travel(python: Callable[..., str]) -> None:
    """And the script does not run again in the child: it has no `if __name__ == "__main__"`."""
    Path("script.py").write_text(dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.stdout, done.stderr) == ("Document(text='A')\n", "")
