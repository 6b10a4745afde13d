"""The search for Prefect's API, and the error if it is not there."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import socket
import subprocess
import sys
import threading
import warnings
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from patience import PATIENCE
from prefect.settings import PREFECT_API_URL, temporary_settings
from simple_tasks import double

from prefectx import flow, load, use_mode
from prefectx.errors import ServerUnreachable
from pytest_prefectx.server.server import template

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = pytest.mark.prefectx("prefect.cache")


@pytest.fixture(autouse=True)
def fresh_folder(tmp_target: Targets, prefect_server: PrefectServer) -> object:
    return tmp_target


@flow
def doubles() -> object:
    return double.submit(1)


SCRIPT = """
import sys
from prefect.settings import PREFECT_API_URL
from prefect.task_runners import ProcessPoolTaskRunner
from prefectx import flow, load, task
sys.path.insert(0, {helpers!r})
from shipped import double

@task(target=None)
def where():
    return PREFECT_API_URL.value()

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def places():
    return where(), where.submit(), double(3)

if __name__ == "__main__":
    print(load(places()))
    print(load(places())[2])
"""


def use_migrated_database(home: Path) -> None:
    """Spare a server that starts there the making of its database, which takes most of its time."""
    home.mkdir(exist_ok=True)
    shutil.copy(template(), home / "prefect.db")


def run_script(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(helpers=str(Path(__file__).parents[1] / "helpers")))
    inherited = {name: value for name, value in os.environ.items() if "PREFECT_API" not in name}
    use_migrated_database(tmp_path / "home")
    return subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**inherited, "PREFECT_HOME": str(tmp_path / "home"), **environment},
    )


class Refuser:
    """A real socket that hangs up on whoever calls, and counts the calls."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.calls = 0
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/api"
        self.thread = threading.Thread(target=self._refuse)
        self.thread.start()

    def _refuse(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            with connection:
                if connection.recv(4) == b"stop":
                    return
                self.calls += 1

    def close(self) -> None:
        with socket.create_connection(self.socket.getsockname()) as caller:
            caller.sendall(b"stop")
        self.thread.join()
        self.socket.close()


def test_url_that_does_not_answer_is_an_error_at_once() -> None:
    with closing(Refuser()) as refuser, temporary_settings({PREFECT_API_URL: refuser.url}):
        with pytest.raises(ServerUnreachable, match=f"{refuser.url}.*prefect server start"):
            doubles()
        assert refuser.calls == 1
        with pytest.raises(ServerUnreachable):
            double(1)
        assert refuser.calls == 2


def test_closed_port_is_an_error_at_once() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with (
        temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}),
        pytest.raises(ServerUnreachable, match="refused"),
    ):
        doubles()


def test_skipped_calls_outside_flows_need_no_server() -> None:
    with use_mode("cache"):
        double(5)
    with (
        closing(Refuser()) as refuser,
        temporary_settings({PREFECT_API_URL: refuser.url}),
        use_mode("prefect.skip"),
    ):
        assert load(double(5)) == 10
        assert refuser.calls == 0


@pytest.mark.usefixtures("no_usual_server")
def test_without_a_server_a_temporary_one_is_started_and_said_so(tmp_path: Path) -> None:
    done = run_script(tmp_path)
    assert done.returncode == 0, done.stderr
    places, again = done.stdout.splitlines()
    in_flow, in_worker, result = eval(places)  # noqa: S307 - printed by the script above
    assert in_flow == in_worker
    assert in_flow.startswith("http://127.0.0.1:")
    assert (result, again) == (6, "6")
    said = [line for line in done.stderr.splitlines() if "Starting a temporary one" in line]
    assert len(said) == 1
    assert "waiting at most 120 s until it answers" in said[0]
    assert "prefect server start" in done.stderr
    assert not _answers(int(in_flow.rsplit(":", 1)[1].removesuffix("/api")))


@pytest.mark.usefixtures("no_usual_server")
def test_temporary_server_that_cannot_start_is_an_error_as_soon_as_it_has_died(
    tmp_path: Path,
) -> None:
    """It is not waited for, and what killed it is part of the error."""
    (tmp_path / "nowhere").touch()
    done = run_script(
        tmp_path,
        PREFECT_API_DATABASE_CONNECTION_URL=f"sqlite+aiosqlite:///{tmp_path}/nowhere/prefect.db",
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="100000",
    )
    assert done.returncode == 1
    error = done.stderr.rpartition("ServerUnreachable: ")[2]
    assert error.startswith("the temporary Prefect server did not start")
    assert "unable to open database file" in done.stderr


@pytest.mark.usefixtures("no_usual_server")
def test_forbidden_temporary_server_is_an_error(tmp_path: Path) -> None:
    done = run_script(tmp_path, PREFECT_SERVER_EPHEMERAL_ENABLED="false")
    assert done.returncode == 1
    assert "ServerUnreachable" in done.stderr.splitlines()[-1]
    assert "prefect server start" in done.stderr


def test_server_at_the_usual_port_is_used(tmp_path: Path, usual_port: int) -> None:
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "server")}
    environment.pop("PREFECT_API_URL", None)
    use_migrated_database(tmp_path / "server")
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--no-services",
            "--port",
            str(usual_port),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
    ) as server:
        try:
            _wait_until_healthy(server)
            done = run_script(tmp_path)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    places = eval(done.stdout.splitlines()[0])  # noqa: S307 - printed by the script above
    assert places == ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200/api", 6)
    assert "temporary" not in done.stderr


def _wait_until_healthy(server: subprocess.Popen[str]) -> None:
    import httpx

    while server.poll() is None:
        try:
            httpx.get("http://127.0.0.1:4200/api/health", timeout=PATIENCE).raise_for_status()
        except httpx.ConnectError:
            continue
        return
    pytest.fail(server.communicate()[0])


def _answers(port: int) -> bool:
    with closing(socket.socket()) as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_message_tells_the_whole_way_out() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}),
        pytest.raises(ServerUnreachable) as raised,
    ):
        doubles()
    assert str(raised.value) == (
        "PREFECT_API_URL is set to http://127.0.0.1:1/api, which does not answer ([Errno 111]"
        ' Connection refused). Start a server with "prefect server start", or set'
        " PREFECT_API_URL to the address of a running one."
    )


def test_an_async_flow_closes_its_clients() -> None:
    """Prefect's own leaves a sync client to the garbage collector, which `-W error` tells."""

    @flow
    async def later(value: int) -> int:
        return value

    @flow
    async def both() -> object:
        return await asyncio.gather(later(1), later(2))

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        assert asyncio.run(both()) == [1, 2]
        gc.collect()
    assert [str(one.message) for one in told if issubclass(one.category, ResourceWarning)] == []
