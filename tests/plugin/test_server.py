"""The ephemeral Prefect server: real flows, real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

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

# A conftest is where Prefect is imported first in many a suite.
CONFTEST = """
from prefect import flow

def pytest_collection_modifyitems(config):
    from pytest_prefectx.session import SESSION
    print("\\nstarts while tests are collected:", config.stash[SESSION].server is not None)

def pytest_unconfigure():
    import random
    from websockets.asyncio import connection
    print("\\nas before:", connection.random is random)
"""

EVERY_KIND = '''
"""
>>> from flows import total
>>> total(2)
3
"""
import os, random, subprocess, sys, threading, unittest
import pytest
from prefect.client.orchestration import get_client
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
    assert {run.state.name for run in runs} == {"Completed"}
    assert [run.name.split("-")[0] for run in runs] == ["add"] * 5
    assert runs == sorted(runs, key=lambda run: run.start_time)
    assert prefect_server.task_runs(flow_run, name="other") == []
    assert flow_run in {run.id for run in prefect_server.flow_runs(flow_name="total")}
    with pytest.raises(TimeoutError, match="has 5 task_runs of 6 expected"):
        prefect_server.task_runs(flow_run, expect=6, timeout=0)
    with pytest.raises(TimeoutError, match="has 0 flow_runs of 1 expected"):
        prefect_server.flow_runs(name="nobody", expect=1, timeout=0)

def test_none_is_told_from_not_yet(prefectx_mode, prefect_server):
    flow_run = run_of(flow(lambda: None, name="empty"))
    assert prefect_server.task_runs(flow_run) == []

def test_nothing_but_what_ran_is_recorded(prefectx_mode, prefect_server):
    assert {run.name.split("-")[0] for run in prefect_server.task_runs()} == {"add"}

def test_many_task_runs_are_read_whole(prefectx_mode, prefect_server):
    runs = prefect_server.task_runs(run_of(total, 250))
    assert len({run.id for run in runs}) == len(runs) == 250

def test_process_pools_inherit_it(prefectx_mode, prefect_server):
    pooled = total.with_options(task_runner=ProcessPoolTaskRunner(max_workers=1))
    assert len(prefect_server.task_runs(run_of(pooled, 2), expect=2)) == 2

def test_subprocesses_inherit_it(prefectx_mode, prefect_server):
    code = "from flows import run_of, total; print(run_of(total, 2))"
    flow_run = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    assert len(prefect_server.task_runs(flow_run, expect=2)) == 2

def test_threads_inherit_it(prefectx_mode, prefect_server):
    found = []
    def thread():
        found.append(len(prefect_server.task_runs(run_of(total, 1))))
    started = threading.Thread(target=thread)
    started.start()
    started.join()
    assert found == [1]

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

def test_a_client_needs_no_await(prefect_client, prefect_server):
    assert str(prefect_client.api_url).rstrip("/") == prefect_server.api_url
    assert prefect_client.read_flow_run(flow_run := run_of(total, 1)).id == flow_run

@pytest.mark.asyncio
async def test_asyncio(prefectx_mode, prefect_server, prefect_client):
    @flow
    async def waits(): return await add.submit(1).result_async()

    state = await waits(return_state=True)
    flow_run = state.state_details.flow_run_id
    assert len(prefect_server.task_runs(flow_run)) == 1
    assert prefect_client.read_flow_run(flow_run).id == flow_run
    async with get_client() as client:
        assert (await client.read_flow_run(flow_run)).id == flow_run

@pytest.fixture
def anyio_backend(): return "asyncio"

@pytest.mark.anyio
async def test_anyio(prefectx_mode, prefect_server):
    assert total(1) == 1

class TestUnittest(unittest.IsolatedAsyncioTestCase):
    def test_plain(self): assert total(2) == 3

    async def test_async(self):
        assert PREFECT_API_URL.value() == os.environ["PREFECT_API_URL"]
'''


def test_prefect_items_run_on_one_isolated_server(example: Callable[..., Example]) -> None:
    """Flows of every kind of item reach it; the user's own files and settings are left alone."""
    users = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_PROFILE": "production"}
    project = example(EVERY_KIND, flows=FLOW, conftest=CONFTEST, env=users)
    run = project.run("--doctest-modules", "--prefectx-mode=prefect").ends(passed=17)
    run.says("starts while tests are collected: True", "as before: True").starts_servers(1)
    run.never_says("*Logging error*", "*closed file*")


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
    example: Callable[..., Example], arguments: list[str]
) -> None:
    """Neither a process nor a file is made for what is not selected."""
    project = example(
        """
        import pytest

        def test_it(prefectx_mode): assert not prefectx_mode.startswith("prefect")

        @pytest.mark.skip
        def test_skipped(prefectx_mode): pass

        @pytest.mark.prefectx("cache")
        def test_cached(request): pass
        """
    )
    project.run(*arguments).exits(0).starts_servers(0)


@pytest.mark.nightly
def test_one_xdist_worker_gets_its_server_too(example: Callable[..., Example]) -> None:
    """No second worker comes later, on whose account the controller would look again."""
    project = example("def test_it(prefect_server): pass")
    project.run("-n1", "--prefectx-mode=prefect").ends(passed=1).starts_servers(1)


def test_xdist_workers_share_one_server(example: Callable[..., Example]) -> None:
    """The controller starts it once a worker has found that it needs it; all read the same."""
    project = example(
        """
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
        flows=FLOW,
    )
    project.run("-n2", "--prefectx-mode=prefect").ends(passed=4).starts_servers(1)
    lines = [line.split() for line in (project.folder / "log").read_text().splitlines()]
    assert {worker for worker, _ in lines} == {"gw0", "gw1"}
    assert len({url for _, url in lines}) == 1


@pytest.mark.nightly
def test_a_server_nobody_could_foresee_is_started_when_asked_for(
    example: Callable[..., Example],
) -> None:
    """A worker of pytest-xdist that asks after the collection gets a server of its own."""
    project = example(
        """
        from flows import run_of, total

        def test_it(request):
            server = request.getfixturevalue("prefect_server")
            assert len(server.task_runs(run_of(total, 1))) == 1
        """,
        flows=FLOW,
    )
    project.run("-n1").ends(passed=1).starts_servers(0)


@pytest.mark.nightly
def test_prefect_logs_to_the_present_stream_whichever_test_brought_it_in(
    example: Callable[..., Example],
) -> None:
    """The flow is made in the mode `function`, so nothing has imported Prefect before."""
    project = example(
        """
        import pytest
        from prefectx import flow, get_run_logger

        @flow
        def says(): get_run_logger().warning("hello")

        @pytest.mark.parametrize("n", range(2))
        def test_it(prefectx_mode, capsys, n):
            says()
            told = capsys.readouterr().err
            assert " - hello\\n" in told or prefectx_mode == "function"
        """
    )
    project.run("--prefectx-mode=function,prefect").ends(passed=4)


def test_a_dask_cluster_uses_the_server_and_counts_runs(example: Callable[..., Example]) -> None:
    """Its workers are processes that know the server and the log of runs from their start.

    No Prefect mode is enabled, so Prefect is imported with the user's own profile.
    """
    project = example(
        """
        import os
        from distributed import Client
        from prefect.settings import get_current_settings
        from flows import run_of, total
        from tasks import pid

        def test_plain(dask_cluster, tmp_target):
            with Client(dask_cluster.scheduler_address) as client:
                pids = set(client.gather(client.map(lambda x: pid(x), range(10))))
                urls = client.run(lambda: os.environ["PREFECT_API_URL"])
            assert len(pids) == 2 and os.getpid() not in pids
            assert tmp_target.runs == {"pid": 10}
            assert set(urls.values()) == {os.environ["PREFECT_API_URL"]}

        def test_flows_in_its_workers(prefect_server, dask_cluster):
            with Client(dask_cluster.scheduler_address) as client:
                flow_run = client.submit(run_of, total, 2).result()
            assert len(prefect_server.task_runs(flow_run, expect=2)) == 2

        def test_the_users_profile_is_not_in_force(prefect_server):
            settings = get_current_settings()
            assert settings.api.key is None
            assert settings.api.url == prefect_server.api_url
        """,
        flows=FLOW,
        tasks="""
        import os
        import prefectx

        @prefectx.task
        def pid(x): return os.getpid()
        """,
    )
    project.run().ends(passed=3).starts_servers(1)
