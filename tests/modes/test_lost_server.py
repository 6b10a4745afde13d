"""A server that is away in the middle of a flow: what tasks, targets and records know of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from door import Door
from patience import PATIENCE
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker

from prefectx import flow, item, load
from prefectx._runners.prefect import private
from prefectx.records import record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.skip")

SCRIPT = """
import sys
from prefect.runtime import flow_run
from prefectx import flow, load, task, wait

@task(target="working/{funcname}/{number}")
def kept(number): return number

@task(target=None)
def lost(number): return number

def reach(place):
    print(place, flush=True)
    sys.stdin.readline()

@flow
def away(first):
    print(flow_run.id, flush=True)
    wait(kept.map(range(first, first + 2)))
    reach("before")
    found = load([kept.map(range(first, first + 4)), lost.map(range(3))])
    reach("meanwhile")
    return found

for first in map(int, sys.argv[1:]):
    print(load(away(first)), flush=True)
    reach("ended")
"""


AT_ONCE = """
import asyncio, sys, threading
from prefectx import flow, load, task, wait

here, gone = threading.Semaphore(0), threading.Event()

@task(target="working/{funcname}/{number}")
def kept(number): return number

def reach():
    here.release()
    gone.wait()

@flow
def below(first):
    wait(kept.map(range(first, first + 2)))
    reach()
    return kept.map(range(first, first + 4))

@flow
def nested(first):
    return [*load(below(first)), kept(first + 4)]

@flow
async def coroutine(first):
    wait(kept.map(range(first, first + 2)))
    await asyncio.to_thread(reach)
    return kept.map(range(first, first + 4))

ended = {}
runs = {"nested": lambda: nested(0), "coroutine": lambda: asyncio.run(coroutine(10))}
threads = [
    threading.Thread(target=lambda name=name: ended.update({name: load(runs[name]())}))
    for name in runs
]
for thread in threads:
    thread.start()
for _ in threads:
    here.acquire()
print("before", flush=True)
sys.stdin.readline()
gone.set()
for thread in threads:
    thread.join()
print(sorted(ended.items()), flush=True)
"""


TAGGED = """
import sys
from prefectx import flow, task

@task(tags=["limited"], target="working/{funcname}/{number}")
def kept(number): return number

@task(tags=["limited"], target="working/{funcname}/{number}")
async def kept_later(number): return number

@task(target="working/{funcname}/{number}")
def free(number): return number

def error_of(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__, "was not run: it has the tags 'limited'" in str(error)

@flow
async def away(first):
    kept(first)
    print("before", flush=True)
    sys.stdin.readline()
    errors = [error_of(lambda: kept(number)) for number in range(first + 1, first + 3)]
    futures = kept.map(range(first + 3, first + 6))
    errors += [error_of(future.result) for future in futures]
    try:
        await kept_later(first)
    except Exception as error:
        errors.append(error_of(lambda: (_ for _ in ()).throw(error)))
    return set(map(str, errors)), len(errors), free(first).load()

import asyncio
print(asyncio.run(away(0)), flush=True)
"""


class Script:
    """The script, which stops where a test wants to do something."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process

    def next_line(self) -> str:
        """Return what it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def expect(self, line: str) -> None:
        """See that it says this next."""
        assert self.next_line() == line, (self.folder / "errors").read_text()

    def go_on(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def script(
    folder: Path, door: Door, *first: int, text: str = SCRIPT, **more: str
) -> Generator[Script]:
    """Run the script in a folder, with a server behind a door."""
    (folder / "away.py").write_text(text)
    url = f"http://127.0.0.1:{door.port}/api"
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "away.py", *map(str, first)],
            cwd=folder,
            env={**os.environ, "PREFECTX": "prefect.skip", "PREFECT_API_URL": url, **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            yield Script(folder, process)
        finally:
            process.kill()


@pytest.fixture
def door(prefect_server: PrefectServer) -> Generator[Door]:
    port = urlsplit(prefect_server.api_url).port
    assert port is not None
    with Door(port) as one:
        yield one


def outputs(folder: Path, first: int) -> list[tuple[int, bool]]:
    """Return the outputs that a run has kept, and whether each has its record."""
    items = [item(f"{folder}/working/kept/{number}") for number in range(first, first + 4)]
    return [(load(one), record_of(one) is not None) for one in items]


def test_flow_goes_on_without_its_server_and_all_is_kept_whether_or_not_it_comes_back(
    door: Door, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    """It is away while tasks run; then it comes back, and of the next run it knows no end."""
    with script(tmp_path, door, 0, 10, PREFECT_CLIENT_MAX_RETRIES="2") as running:
        back = running.next_line()
        running.expect("before")
        door.shut()
        running.go_on()
        running.expect("meanwhile")
        door.open()
        running.go_on()
        running.expect("[[0, 1, 2, 3], [0, 1, 2]]")
        # All that happened while it was away.
        assert len(prefect_server.task_runs(back, expect=7)) == 7
        running.expect("ended")
        running.go_on()
        gone = running.next_line()
        running.expect("before")
        door.shut()
        running.go_on()
        running.expect("meanwhile")
        running.go_on()
        running.expect("[[10, 11, 12, 13], [0, 1, 2]]")
    (ended,) = prefect_server.flow_runs(back)
    (running_still,) = prefect_server.flow_runs(gone)
    assert (ended.state_name, running_still.state_name) == ("Completed", "Running")
    said = (tmp_path / "errors").read_text()
    assert said.count("It has not recorded that the flow 'away' has ended") == 1
    assert outputs(tmp_path, 0) == [(number, True) for number in range(4)]
    assert outputs(tmp_path, 10) == [(number, True) for number in range(10, 14)]


@pytest.mark.nightly
@pytest.mark.parametrize("has_reported", [True, False])
def test_server_that_was_away_for_ten_seconds_misses_runs_only_if_prefect_says_so(
    door: Door, tmp_path: Path, prefect_server: PrefectServer, has_reported: bool
) -> None:
    """Prefect drops all its reports if it cannot connect for the first one in about 8 seconds."""
    with script(tmp_path, door, 0) as running:
        identity = running.next_line()
        running.expect("before")
        if has_reported:
            prefect_server.task_runs(identity, expect=2)
        door.shut()
        running.go_on()
        running.expect("meanwhile")
        threading.Event().wait(12)
        door.open()
        running.go_on()
        running.expect("[[0, 1, 2, 3], [0, 1, 2]]")
        running.expect("ended")
        running.go_on()
        assert running.process.wait(PATIENCE) == 0
    said = (tmp_path / "errors").read_text()
    is_lost = "Service 'EventsWorker' failed with" in said
    assert not (has_reported and is_lost)
    assert len(prefect_server.task_runs(identity)) == (0 if is_lost else 7)
    (run,) = prefect_server.flow_runs(identity)
    assert run.state_name == "Completed"
    assert outputs(tmp_path, 0) == [(number, True) for number in range(4)]


def test_tagged_tasks_without_their_server_fail_in_words_and_the_others_go_on(
    door: Door, tmp_path: Path
) -> None:
    """Prefect alone waits for its server once for each of them, one after the other."""
    with get_client(sync_client=True) as client:
        # Prefect asks nothing of a tag that it knows to have no limit.
        client.create_concurrency_limit("limited", 10)
    with script(tmp_path, door, text=TAGGED, PREFECT_CLIENT_MAX_RETRIES="1") as running:
        running.expect("before")
        door.shut()
        running.go_on()
        running.expect("""({"('ServerUnreachable', True)"}, 6, 0)""")
    assert "It has not recorded that the flow 'away' has ended" in (tmp_path / "errors").read_text()


@pytest.mark.parametrize(
    "how", [Door.post_doorman, pytest.param(Door.shut, marks=pytest.mark.nightly)]
)
def test_flows_in_two_threads_end_with_their_results_without_their_server(
    door: Door, tmp_path: Path, how: Callable[[Door], None]
) -> None:
    """One of them is async, the other has a flow within; a proxy may answer for the server."""
    with script(tmp_path, door, text=AT_ONCE, PREFECT_CLIENT_MAX_RETRIES="1") as running:
        running.expect("before")
        how(door)
        running.go_on()
        running.expect("[('coroutine', [10, 11, 12, 13]), ('nested', [0, 1, 2, 3, 4])]")
        assert running.process.wait(PATIENCE) == 0
    said = (tmp_path / "errors").read_text()
    for name in ("below", "nested", "coroutine"):
        assert said.count(f"It has not recorded that the flow {name!r} has ended") == 1
    assert "of this process are dropped" in said


@pytest.mark.usefixtures("prefect_server")
def test_the_flows_own_error_of_a_connection_is_not_taken_for_a_lost_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = httpx.ConnectError("no such host")

    @flow
    def download() -> None:
        raise error

    with pytest.raises(httpx.ConnectError) as caught:
        download()
    assert caught.value is error
    assert "cannot be used any more" not in caplog.text


def test_a_prefect_that_hides_its_reports_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventsWorker, "instance", object)
    assert private.unsent_reports() is None
    assert private.drop_reports() is None
