"""The temporary server: it records all that it was told, and ends with its process."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest
from processes import command_of

from prefectx._runners.prefect.server_process import RecordingMonitor
from pytest_prefectx.server.server import template

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect")

PATIENCE = 200

SCRIPT = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from prefectx import flow, load, task, wait
from prefectx.dask import task_runner
from prefectx.dask.flush import wait_until_reported

@task(target=None)
def one(number): return number

@task(target=None)
def stay(): sys.stdin.read()

@flow
def many(count):
    wait([one.submit(number) for number in range(count)])

@flow
def staying():
    one(0)
    wait_until_reported()
    print("here", flush=True)
    stay()

@task
def kept(number): return number

@flow
def left_alone():
    wait(kept.map(range(3)))
    dying = server()
    dying.kill()
    dying.wait()
    return kept.map(range(30))

@flow
def below(number): return kept(number)

@flow
def with_flow_below():
    below(1)
    dying = server()
    dying.kill()
    dying.wait()
    return below(2)

here, gone = threading.Semaphore(0), threading.Event()

def half(first):
    wait(kept.map(range(first, first + 3)))
    here.release()
    gone.wait()
    return kept.map(range(first, first + 6))

@flow
def in_threads(first): return half(first)

on_dask = flow(task_runner=task_runner(n_workers=1), name="on-dask")(half)

def in_two_threads():
    with ThreadPoolExecutor() as pool:
        found = pool.submit(on_dask, 100), pool.submit(in_threads, 200)
        here.acquire()
        here.acquire()
        dying = server()
        dying.kill()
        dying.wait()
        gone.set()
        print(load(tuple(run.result() for run in found)))

def server():
    import psutil
    return next(c for c in psutil.Process().children() if "server_process" in str(c.cmdline()))
"""


@pytest.fixture
def home(tmp_path: Path, prefect_server: PrefectServer, no_usual_server: None) -> Path:
    """A home of Prefect's whose database need not be made first."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(template(), home / "prefect.db")
    return home


@contextmanager
def running(home: Path, code: str, **more: str) -> Generator[subprocess.Popen[str]]:
    """Run the script, which has no server, with more code in a process of its own."""
    script = home.parent / "script.py"
    script.write_text(f"{SCRIPT}\nif __name__ == '__main__':\n    {code}\n")
    inherited = {name: value for name, value in os.environ.items() if "PREFECT_API" not in name}
    environment = {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "WARNING"}
    with subprocess.Popen(
        [sys.executable, script],
        cwd=home.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited, **environment, **more},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end of the process, and of all that holds its streams; return what it said."""
    return process.communicate(timeout=PATIENCE)


def eventually(found: Callable[[], object], what: str) -> object:
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)
    return value


def states(home: Path) -> Counter[str]:
    """Return how many task runs the database has in each state."""
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        return Counter(name for (name,) in database.execute("select state_name from task_run"))


def server_of(process: subprocess.Popen[str]) -> psutil.Process:
    children = psutil.Process(process.pid).children()
    return next(child for child in children if "server_process" in command_of(child))


def test_all_that_was_reported_is_recorded_before_it_stops(home: Path) -> None:
    with running(home, "many(400)") as process:
        _, said = ended(process)
    assert process.returncode == 0
    assert states(home) == {"Completed": 400}
    assert "Traceback" not in said


@pytest.mark.nightly
def test_what_it_could_not_record_is_told_in_words(home: Path) -> None:
    """The database is locked by another; Ctrl-C ends the wait for it."""
    lock = f"import sqlite3; lock = sqlite3.connect({str(home / 'prefect.db')!r})"
    with running(home, f"{lock}; many(2000); lock.execute('begin immediate')") as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        said = next(line for line in lines if "until the temporary" in line)
        process.send_signal(signal.SIGINT)
        said += ended(process)[1]
    assert "was stopped before it had recorded" in said
    assert "such as one-" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGTERM, marks=pytest.mark.nightly), signal.SIGKILL]
)
def test_it_ends_with_its_process_and_holds_none_of_its_streams(
    home: Path, how: signal.Signals
) -> None:
    with running(home, "staying()") as process:
        assert process.stdout is not None
        process.stdout.readline()
        server = server_of(process)
        process.send_signal(how)
        # It would not come to an end while anybody else has the pipes.
        ended(process)
        eventually(lambda: not server.is_running(), "the server's end")
    # What had been reported is recorded all the same.
    assert states(home)["Completed"] == 1


@pytest.mark.nightly
def test_a_fork_that_goes_on_keeps_it_neither_alive_nor_from_recording(home: Path) -> None:
    fork = "import os; os.fork() or (sys.stdin.read(), os._exit(0))"
    code = f"many(3); wait_until_reported(); {fork}; print('here', flush=True); sys.stdin.read()"
    with running(home, code) as process:
        assert process.stdout is not None
        process.stdout.readline()
        server = server_of(process)
        process.kill()
        process.wait()
        eventually(lambda: not server.is_running(), "the server's end")
        ended(process)
    assert states(home) == {"Completed": 3}


@pytest.mark.nightly
def test_another_is_started_when_it_has_died_between_two_flows(home: Path) -> None:
    code = "many(2); dying = server(); dying.kill(); dying.wait(); many(3)"
    with running(home, code) as process:
        _, said = ended(process)
    assert process.returncode == 0, said
    assert said.count("Starting a temporary one") == 2
    # What the first one had not recorded is sent again.
    assert states(home) == {"Completed": 5}


@pytest.mark.nightly
def test_flow_whose_server_is_gone_for_good_ends_with_its_result(home: Path) -> None:
    """What Prefect does not know is said; retries are Prefect's own, and here there are none."""
    more = {"PREFECTX": "prefect.skip", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    code = "print(load(left_alone()))"
    with running(home, code, **more) as process:
        printed, said = ended(process)
    assert process.returncode == 0, said
    assert printed.strip() == str(list(range(30)))
    assert "It has not recorded that the flow 'left-alone' has ended" in said


@pytest.mark.nightly
def test_flows_on_dask_and_in_threads_end_with_their_results_when_the_server_is_killed(
    home: Path,
) -> None:
    more = {"PREFECTX": "prefect.skip", "PREFECT_CLIENT_MAX_RETRIES": "1"}
    with running(home, "in_two_threads()", **more) as process:
        printed, said = ended(process)
    assert process.returncode == 0, said
    expected = list(range(100, 106)), list(range(200, 206))
    assert printed.splitlines()[-1] == str(expected)
    for name in ("on-dask", "in-threads"):
        assert f"It has not recorded that the flow {name!r} has ended" in said


@pytest.mark.nightly
def test_flow_that_would_start_without_its_server_says_so(home: Path) -> None:
    more = {"PREFECTX": "prefect.skip", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    with running(home, "with_flow_below()", **more) as process:
        _, said = ended(process)
    assert process.returncode == 1
    assert "ServerUnreachable: the Prefect server at " in said
    assert "so the flow 'below' was not started. All outputs so far are in their targets." in said


def test_nothing_is_known_of_a_prefect_with_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is served all the same, and not waited for."""
    name = "prefect.server.services.task_run_recorder.record_bulk_task_run_events"
    monkeypatch.delattr(name)
    recording = RecordingMonitor()
    recording.watch()
    assert not recording.summary()["known"]
    assert recording.is_complete
