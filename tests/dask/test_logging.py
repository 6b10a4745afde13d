"""Log lines of tasks on the workers of a Dask cluster that knew nothing of logging at its start."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import api_logs
import chatty
import pytest
import talking
from distributed import Client, LocalCluster
from patience import PATIENCE
from prefect.settings import PREFECT_LOGGING_EXTRA_LOGGERS, temporary_settings
from prefect_dask import DaskTaskRunner
from talking import place

from prefectx import flow, logs
from prefectx.dask import task_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api_logs import Logs
    from prefect.client.orchestration import SyncPrefectClient

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

pytestmark = [
    pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect"),
    pytest.mark.usefixtures("tmp_target"),
]

DEBUG, INFO = place(chatty, "log.debug"), place(chatty, "log.info")
COUNTS = place(talking, '"counts %s"')
WORDS = ["a", "bc", "def", "ghij"]


@pytest.fixture
def logs_of(prefect_client: SyncPrefectClient, prefect_server: PrefectServer) -> object:
    return partial(api_logs.logs_of, client=prefect_client, server=prefect_server)


def runner_on(
    cluster: LocalCluster, folder: object, kind: Callable[..., object] = DaskTaskRunner
) -> Any:
    with Client(cluster, set_as_default=False) as client:
        client.run(os.chdir, str(folder))
    return kind(address=cluster.scheduler_address)


def lines_of(word: str) -> list[tuple[str, str, str]]:
    """Return what `talking.count(word)` logs: the name of its run, the logger, the message."""
    run = f"count {word}"
    return [
        (run, "prefect.task_runs", f"Task run '{run}' | {COUNTS} - counts {word}"),
        (run, "chatty.parts", f"Task run '{run}' | chatty.parts | {DEBUG} - begins {word}"),
        (run, "chatty.parts", f"Task run '{run}' | chatty.parts | {INFO} - has done {word}"),
    ]


@pytest.mark.parametrize("kind", [DaskTaskRunner, task_runner])
@pytest.mark.nightly("prefect.cache")
def test_each_line_reaches_the_api_once(
    kind: Callable[..., object],
    prefectx_mode: str,
    dask_cluster: LocalCluster,
    tmp_target: Targets,
    logs_of: Callable[..., Logs],
) -> None:
    runner = runner_on(dask_cluster, tmp_target.path, kind)
    spread = talking.spread.with_options(task_runner=runner)
    expected = sorted(line for word in WORDS for line in lines_of(word))
    with logs.setup(["chatty"], level="DEBUG"):
        found = logs_of(spread, WORDS).lines(until=lambda there: len(there) >= len(expected))
    assert sorted(found) == expected


@pytest.mark.prefectx("prefect")
def test_prefects_setting_of_extra_loggers_reaches_workers_that_do_not_have_it(
    prefectx_mode: str,
    dask_cluster: LocalCluster,
    tmp_target: Targets,
    logs_of: Callable[..., Logs],
) -> None:
    spread = talking.spread.with_options(task_runner=runner_on(dask_cluster, tmp_target.path))
    expected = [line for word in WORDS for line in lines_of(word) if "begins" not in line[-1]]
    with logs.setup(), temporary_settings({PREFECT_LOGGING_EXTRA_LOGGERS: "chatty"}):
        found = logs_of(spread, WORDS).lines(until=lambda there: len(there) >= len(expected))
    assert sorted(found) == sorted(expected)


@pytest.mark.prefectx("prefect")
def test_threads_and_prints_of_a_task_reach_the_api(
    prefectx_mode: str,
    dask_cluster: LocalCluster,
    tmp_target: Targets,
    logs_of: Callable[..., Logs],
) -> None:
    @flow(task_runner=runner_on(dask_cluster, tmp_target.path))
    def both() -> object:
        return talking.in_threads.submit("a"), talking.prints.submit("b")

    with logs.setup(["chatty"]):
        found = logs_of(both).lines(until=lambda there: len(there) >= 3)
    prints = place(talking, "    print(")
    assert sorted(line.message for line in found) == [
        f"Task run 'print b' | {prints} - prints b",
        f"Task run 'thread a' | chatty.parts | {INFO} - has done a 1",
        f"Task run 'thread a' | chatty.parts | {INFO} - has done a 2",
    ]


SCRIPT = """
import logging
from prefectx import flow, logs, task
from prefectx.dask import task_runner
@task(target=None)
def speak() -> None:
    logging.getLogger("chatty").info("has spoken")
@flow(task_runner=task_runner(n_workers=1, threads_per_worker=1))
def one() -> object:
    return speak.submit()
if __name__ == "__main__":
    with logs.setup(["chatty"]):
        one()
"""


@pytest.mark.prefectx("prefect.skip")
def test_a_line_of_a_scripts_own_task_names_the_script_on_the_console(
    prefectx_mode: str, tmp_target: Targets, prefect_server: PrefectServer
) -> None:
    (tmp_target.path / "d.py").write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, "d.py"],
        cwd=tmp_target.path,
        env={**os.environ, "PREFECTX": prefectx_mode, "PREFECT_API_URL": prefect_server.api_url},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    told = ended.stdout + ended.stderr
    assert "d.py:7 - has spoken" in told
    assert "<dynamic-code>" not in told


@pytest.mark.prefectx("prefect")
def test_a_worker_logs_for_those_flows_that_ask_for_it(
    prefectx_mode: str,
    dask_cluster: LocalCluster,
    tmp_target: Targets,
    logs_of: Callable[..., Logs],
) -> None:
    spread = talking.spread.with_options(task_runner=runner_on(dask_cluster, tmp_target.path))

    def chatted(there: list[str]) -> bool:
        return sum("has done" in line for line in there) >= len(WORDS)

    with logs.setup(["chatty"], level="DEBUG"):
        logs_of(spread, WORDS).lines(until=chatted)
    # The lines of the second flow are behind those of the first; those of the third behind both.
    second = logs_of(spread, WORDS)
    with logs.setup(["chatty"]):
        logs_of(spread, WORDS).lines(until=chatted)
    assert second.lines() == []
    ends = "Finished in state Completed()"
    assert {text for text in second.messages() if "task run" not in text} >= {ends}
    for unwanted in ("Created task run", "has done"):
        assert not any(unwanted in text for text in second.messages())


@pytest.fixture
def bare_cluster(tmp_target: Targets, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCluster]:
    """A cluster of one worker process, started where nothing is known of a Prefect server."""
    with monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        patch.setenv("PREFECT_HOME", str(tmp_target.path / "home"))
        cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=":0",
            local_directory=str(tmp_target.path / "dask"),
        )
    with cluster:
        yield cluster


@pytest.mark.prefectx("prefect")
@pytest.mark.nightly
def test_a_worker_in_place_of_a_killed_one_logs_too(
    prefectx_mode: str, bare_cluster: Any, tmp_target: Targets, logs_of: Callable[..., Logs]
) -> None:
    """Without knowing the server, and each line once."""
    runner = runner_on(bare_cluster, tmp_target.path)

    @flow(task_runner=runner)
    def killed_once(mark: Path) -> object:
        first = talking.kills_once.submit("a", mark)
        return talking.count.submit("bc", wait_for=[first])

    mark = tmp_target.path / "killed"
    with logs.setup(["chatty"], level="DEBUG"):
        found = logs_of(killed_once, mark).lines(until=lambda there: len(there) >= 5)
    assert mark.exists()
    killed = "Task run 'kill a' | chatty.parts | "
    assert [tuple(line) for line in found] == [
        ("kill a", "chatty.parts", f"{killed}{DEBUG} - begins a"),
        ("kill a", "chatty.parts", f"{killed}{INFO} - has done a"),
        *lines_of("bc"),
    ]
