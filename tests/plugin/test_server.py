"""The ephemeral Prefect server: real flows, real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_prefectx import server

if TYPE_CHECKING:
    from collections.abc import Callable

FLOW = """
from prefect import flow, get_run_logger, task

@task
def add(x):
    get_run_logger().info("adding %s", x)
    return x + 1

@flow
def total(n):
    return sum(add.submit(x).result() for x in range(n))

def run_of(flow, *args):
    return flow(*args, return_state=True).state_details.flow_run_id
"""

LIBRARY, PLUGIN = "prefectx", "pytest_prefectx"

# Tells how many servers this process has started.
COUNTS_SERVERS = """
from pytest_prefectx.session import SESSION

def pytest_unconfigure(config):
    print("\\nservers:", int(config.stash[SESSION].server is not None))
"""


def wait_until(condition: Callable[[], bool], timeout: float = 60) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Tell whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_prefect_items_run_on_one_isolated_server(
    project: pytest.Pytester, leftovers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flows of every kind of item reach it; the user's own files and settings are left alone."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PREFECT_PROFILE", "production")
    project.makepyfile(flows=FLOW)
    # A conftest is where Prefect is imported first in many a suite.
    project.makeconftest(f"from prefect import flow\n{COUNTS_SERVERS}")
    project.makepyfile(
        '''
        """
        >>> from flows import total
        >>> total(2)
        3
        """
        import os, subprocess, sys, unittest
        import pytest
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, get_current_settings
        from prefect.task_runners import ProcessPoolTaskRunner
        from flows import add, flow, run_of, task, total

        @pytest.fixture(scope="session")
        def early(): return run_of(total, 1)

        @pytest.mark.prefectx
        def test_fixtures_reach_it_as_well(early, prefect_server):
            assert [run.id for run in prefect_server.flow_runs(early)] == [early]

        def test_it_records_what_ran(prefectx_mode, prefect_server):
            flow_run = run_of(total, 5)
            runs = prefect_server.task_runs(flow_run)
            assert [run.state_name for run in runs] == ["Completed"] * 5
            assert [run.name.split("-")[0] for run in runs] == ["add"] * 5
            assert runs == sorted(runs, key=lambda run: run.start_time)
            assert prefect_server.task_runs(flow_run, name="other") == []
            assert flow_run in {run.id for run in prefect_server.flow_runs(flow_name="total")}
            message = "task_runs of 6 expected"
            with pytest.raises(TimeoutError, match=message):
                prefect_server.task_runs(flow_run, expect=6, timeout=1.5)

        def test_none_is_told_from_not_yet(prefectx_mode, prefect_server):
            flow_run = run_of(flow(lambda: None, name="empty"))
            assert prefect_server.task_runs(flow_run) == []

        def test_many_task_runs_are_read_whole(prefectx_mode, prefect_server):
            flow_run = run_of(total, 250)
            runs = prefect_server.task_runs(flow_run, expect=250)
            assert len({run.id for run in runs}) == len(runs) == 250

        def test_process_pools_inherit_it(prefectx_mode, prefect_server):
            pooled = total.with_options(task_runner=ProcessPoolTaskRunner(max_workers=1))
            assert len(prefect_server.task_runs(run_of(pooled, 2), expect=2)) == 2

        def test_subprocesses_inherit_it(prefectx_mode, prefect_server):
            code = "from flows import run_of, total; print(run_of(total, 2))"
            flow_run = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
            assert len(prefect_server.task_runs(flow_run, expect=2)) == 2

        def test_nothing_of_the_users_is_in_force(prefectx_mode, prefect_server):
            assert PREFECT_API_URL.value() == os.environ["PREFECT_API_URL"]
            assert prefect_server.api_url == PREFECT_API_URL.value()
            assert prefect_server.api_url == f"{prefect_server.url}/api"
            assert str(PREFECT_HOME.value()) == os.environ["PREFECT_HOME"]
            assert "PREFECT_PROFILE" not in os.environ
            assert get_current_settings().flows.heartbeat_frequency is None

        def test_captured_streams_may_be_closed(prefectx_mode, capsys):
            total(1)
            assert "Finished in state Completed()" in capsys.readouterr().err

        def test_logging_goes_on_after_that(prefectx_mode): total(1)

        @pytest.mark.asyncio
        async def test_asyncio(prefectx_mode, prefect_server):
            @flow
            async def waits(): return await add.submit(1).result_async()

            state = await waits(return_state=True)
            assert len(prefect_server.task_runs(state.state_details.flow_run_id)) == 1

        class TestUnittest(unittest.IsolatedAsyncioTestCase):
            def test_plain(self): assert total(2) == 3

            async def test_async(self):
                assert PREFECT_API_URL.value() == os.environ["PREFECT_API_URL"]
        '''
    )
    result = project.runpytest_subprocess("--doctest-modules", "--prefectx-mode=prefect")
    result.assert_outcomes(passed=13)
    result.stdout.fnmatch_lines(["servers: 1"])
    for stream in (result.stdout, result.stderr):
        stream.no_fnmatch_line("*Logging error*")
        stream.no_fnmatch_line("*closed file*")
    assert list(leftovers.iterdir()) == []
    assert not (project.path / ".prefect").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--prefectx-mode=function,cache"],
        ["--prefectx-mode=all", "-m", "not prefectx_server"],
        ["--prefectx-mode=all", "-k", "cache and not prefect.cache and not test_cached"],
        ["--prefectx-mode=all", "--collect-only"],
        ["--prefectx-mode=prefect", "-k", "skipped or cached"],
    ],
    ids=["not enabled", "by mark", "by name", "only collected", "skipped"],
)
def test_no_server_is_started_when_no_prefect_item_runs(
    project: pytest.Pytester, leftovers: Path, arguments: list[str]
) -> None:
    """Neither a process nor a file is made for what is not selected."""
    project.makepyfile(
        """
        import pytest

        def test_it(prefectx_mode): assert not prefectx_mode.startswith("prefect")

        @pytest.mark.skip
        def test_skipped(prefectx_mode): pass

        @pytest.mark.prefectx("cache")
        def test_cached(request): pass
        """
    )
    project.makeconftest(COUNTS_SERVERS)
    result = project.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["servers: 0"])
    assert list(leftovers.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_when_pytest_is_killed(
    project: pytest.Pytester, leftovers: Path, number: signal.Signals
) -> None:
    """The server ends and its folder goes, also when a forked process outlives pytest."""
    project.makepyfile(
        flows=FLOW,
        test_it="""
        import multiprocessing, pathlib, time
        from flows import total
        from pytest_prefectx.session import SESSION

        def test_waits(prefect_server, pytestconfig):
            total(1)
            fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))
            fork.daemon = True
            fork.start()
            ids = f"{pytestconfig.stash[SESSION].server.process.pid} {fork.pid}"
            pathlib.Path("ids.tmp").write_text(ids)
            pathlib.Path("ids.tmp").rename("ids")
            time.sleep(60)
        """,
    )
    command = [sys.executable, "-m", "pytest"]
    with subprocess.Popen(command, cwd=project.path, stdout=subprocess.DEVNULL) as process:
        ids = project.path / "ids"
        wait_until(ids.exists)
        child, fork = map(int, ids.read_text().split())
        assert is_running(child)
        process.send_signal(number)
        process.wait(60)
    wait_until(lambda: not is_running(child))
    if number is signal.SIGKILL:
        assert is_running(fork)
        os.kill(fork, signal.SIGKILL)
    folders = [path for path in leftovers.iterdir() if path.name.startswith("prefectx-")]
    assert folders == []


def test_xdist_workers_share_one_server(project: pytest.Pytester, leftovers: Path) -> None:
    """The controller starts it once a worker has found that it needs it; all read the same."""
    project.makepyfile(
        flows=FLOW,
        test_it="""
        import os
        import pytest
        from flows import run_of, total

        # With as few tests as these each worker is given two.
        @pytest.mark.parametrize("n", range(4))
        def test_it(prefectx_mode, prefect_server, n):
            flow_run = run_of(total, 1)
            assert len(prefect_server.task_runs(flow_run)) == 1
            with open("log", "a") as log:
                log.write(f"{os.environ['PYTEST_XDIST_WORKER']} {prefect_server.url}\\n")
        """,
    )
    project.makeconftest(COUNTS_SERVERS)
    result = project.runpytest_subprocess("-n2", "--prefectx-mode=prefect")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["servers: 1"])
    lines = [line.split() for line in (project.path / "log").read_text().splitlines()]
    assert {worker for worker, _ in lines} == {"gw0", "gw1"}
    assert len({url for _, url in lines}) == 1
    assert list(leftovers.iterdir()) == []


def test_a_server_nobody_could_foresee_is_started_when_asked_for(
    project: pytest.Pytester, leftovers: Path
) -> None:
    """A worker of pytest-xdist that asks after the collection gets a server of its own."""
    project.makepyfile(
        flows=FLOW,
        test_it="""
        from flows import run_of, total

        def test_it(request):
            server = request.getfixturevalue("prefect_server")
            assert len(server.task_runs(run_of(total, 1))) == 1
        """,
    )
    project.makeconftest(COUNTS_SERVERS)
    result = project.runpytest_subprocess("-n1")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["servers: 0"])
    assert list(leftovers.iterdir()) == []


def test_a_dask_cluster_uses_the_server_and_counts_runs(
    project: pytest.Pytester, leftovers: Path
) -> None:
    """Its workers are processes that know the server and the log of runs from their start."""
    project.makepyfile(
        tasks="""
        import os
        import prefectx

        @prefectx.task
        def pid(x): return os.getpid()
        """,
        test_it="""
        import os
        from distributed import Client
        from tasks import pid

        def test_plain(dask_cluster, tmp_target):
            with Client(dask_cluster.scheduler_address) as client:
                pids = set(client.gather(client.map(lambda x: pid(x), range(10))))
                urls = client.run(lambda: os.environ["PREFECT_API_URL"])
            assert len(pids) == 2 and os.getpid() not in pids
            assert tmp_target.runs == {"pid": 10}
            assert set(urls.values()) == {os.environ["PREFECT_API_URL"]}

        def test_later(prefect_server): pass
        """,
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=2)
    assert [path.name for path in leftovers.iterdir() if path.name.startswith("prefectx-")] == []


def test_what_is_missing_is_named_with_its_remedy(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Prefect or distributed a test that needs them fails, and no other."""
    site = project.mkdir("site")
    installed = [
        distribution(name).locate_file(file.parts[0])
        for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
        for file in distribution(name).files or ()
        if file.parts[0] not in ("..", "__pycache__")
    ]
    ours = [Path(str(import_module(name).__file__)).parent for name in (LIBRARY, PLUGIN)]
    for path in {Path(str(path)) for path in (*installed, *ours)}:
        (site / path.name).symlink_to(path)
    monkeypatch.setenv("PYTHONPATH", str(site))
    project.makepyfile(
        """
        def test_it(prefectx_mode): pass

        def test_dask(dask_cluster): pass
        """
    )
    options = ("-p", "pytest_prefectx.plugin", "--prefectx-mode=cache,prefect", "-c", os.devnull)
    # -S: only what is linked above can be imported.
    command = [sys.executable, "-S", "-m", "pytest", f"--rootdir={project.path}", *options]
    result = project.run(*command)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            'E *MissingExtra: the modes prefect.skip, *: pip install "prefectx?prefect?"',
            'E *MissingExtra: the fixture dask_cluster * pip install "prefectx?dask?"',
        ]
    )


def test_a_server_that_fails_says_why(
    project: pytest.Pytester, leftovers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the reason and the end of the server's log; other modes still run."""
    # A folder where the template of the database should be.
    cache = project.mkdir("cache")
    monkeypatch.setenv("PREFECTX_CACHE_DIR", str(cache))
    (cache / server.template().name).mkdir()
    project.makepyfile("def test_it(prefectx_mode): pass")
    result = project.runpytest_subprocess("--prefectx-mode=function,prefect")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "E *RuntimeError: the ephemeral Prefect server did not come up: IsADirectoryError*",
            "E *Traceback (most recent call last):",
        ]
    )
    assert list(leftovers.iterdir()) == []
