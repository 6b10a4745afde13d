"""Tasks that hold Python's lock for longer than Dask's scheduler bears a silent worker."""

from __future__ import annotations

import datetime
import importlib
import os
from typing import TYPE_CHECKING, Any

import apart
import dask
import pytest
from dask.utils import parse_timedelta
from distributed import Client, LocalCluster
from handles import flow_run_id_of
from prefect_dask import DaskTaskRunner
from schedulers import address_of

from prefectx import flow, load
from prefectx.dask import task_runner
from prefectx.dask.keepalive import cluster_config, raise_ttl
from prefectx.errors import InvalidDuration

pytestmark = pytest.mark.prefectx("prefect.cache")

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer

SILENT: int = 7
"""Seconds; a ttl is at least 10 heartbeats, which is 5 seconds in a small cluster."""


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, prefectx_runs_log: Path, prefect_server: PrefectServer
) -> Generator[LocalCluster]:
    """A cluster whose tasks fail as soon as they have lost one worker."""
    folder = str(tmp_path_factory.mktemp("impatient"))
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        # Also how often the scheduler looks for silent workers.
        "distributed.scheduler.worker-ttl": "1s",
        "temporary-directory": folder,
    }
    with dask.config.set(settings):
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", local_directory=folder
        )
    with cluster:
        yield cluster


@pytest.fixture
def patient(cluster: Any, tmp_target: Targets) -> Generator[Client]:
    """A client of it, whose workers may be silent for minutes, as they are on a busy machine."""
    cluster.scheduler.worker_ttl = 300
    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        client.run(os.chdir, str(tmp_target.path))
        # That takes some seconds too.
        client.run(importlib.import_module, "prefect_dask")
        yield client


@pytest.fixture
def impatient(cluster: Any, patient: Client) -> Client:
    """A client of it, whose workers may be silent for 5 seconds."""
    cluster.scheduler.worker_ttl = 1
    return patient


@pytest.mark.nightly
def test_of_two_that_hold_the_lock_for_too_long_only_the_isolated_one_ends(
    impatient: Client, tmp_target: Targets
) -> None:
    @flow(task_runner=DaskTaskRunner(address=address_of(impatient)))
    def long() -> Any:
        plain, isolated = apart.hold.submit(10 * SILENT), apart.hold_apart.submit(SILENT)
        plain.wait()
        return plain.state.is_completed(), load(isolated)

    ended, held = load(long())
    assert not ended
    assert held > SILENT - 1
    assert tmp_target.items() == [f"held/{SILENT}-0"]


def test_a_task_that_holds_the_lock_ends_once_the_ttl_is_raised(impatient: Client) -> None:
    @flow(task_runner=task_runner(address=address_of(impatient), keepalive="1 min"))
    def long() -> Any:
        return apart.hold.submit(SILENT)

    assert load(long()) > SILENT - 1
    assert raise_ttl(impatient, "30s") == (60, 60), "never lowered"


def test_a_ttl_that_is_off_stays_off() -> None:
    with (
        dask.config.set({"distributed.scheduler.worker-ttl": None}),
        LocalCluster(n_workers=0, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        assert raise_ttl(client, datetime.timedelta(hours=1)) == (None, None)


def test_what_is_created_with_keepalive_has_it_from_the_start() -> None:
    patient = task_runner(n_workers=0, keepalive="6h", cluster_kwargs={"dashboard_address": ":0"})
    with patient:
        created: Any = patient.client.cluster
    assert created.scheduler.worker_ttl == 21_600
    assert dask.config.get("distributed.scheduler.worker-ttl") == "5 minutes"


def test_no_worker_gets_a_lifetime() -> None:
    assert list(cluster_config("6h")) == ["distributed.scheduler.worker-ttl"]


def test_dask_reads_what_is_written_for_it() -> None:
    (ttl,) = cluster_config(0.25).values()
    assert parse_timedelta(ttl) == 0.25


def test_what_is_no_span_of_time_is_refused_before_anything_is_changed() -> None:
    with pytest.raises(InvalidDuration):
        task_runner(keepalive="soon")


def test_signs_of_life_come_from_workers_that_ran_before(
    patient: Client, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's setting holds there, and the line has the run's id."""
    monkeypatch.setenv("PREFECTX_STILL_RUNNING", "50ms")

    @flow(task_runner=DaskTaskRunner(address=address_of(patient)))
    def long() -> Any:
        return apart.wait_until_told.submit("report-7")

    state = long(return_state=True)
    line, run_id = load(state.result())
    assert line.startswith("still running: wait_until_told report-7, ")
    runs = prefect_server.task_runs(flow_run_id_of(state), expect=1)
    assert [str(run.id) for run in runs] == [run_id]
