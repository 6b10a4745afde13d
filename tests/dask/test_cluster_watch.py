"""A flow that waits for a cluster without workers, or for one that does not answer, says so."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

import clustered
import doomed
import pytest
from aftermath import Aftermath

from prefectx import flow, load
from prefectx.dask import task_runner

if TYPE_CHECKING:
    from distributed import LocalCluster

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("prefect.skip"), pytest.mark.nightly]


@pytest.fixture
def aftermath(dask_cluster: LocalCluster, tmp_target: Targets) -> object:
    after = Aftermath(tmp_target, dask_cluster)
    yield after
    after.end()


def said(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in record.getMessage() for record in caplog.records)


def test_calls_that_wait_for_workers_say_so_once_and_go_on_when_there_are_some(
    aftermath: Aftermath, caplog: pytest.LogCaptureFixture
) -> None:
    _, address = aftermath.start_scheduler()

    @flow(task_runner=task_runner(address=address))
    def waiting() -> object:
        future = clustered.zeros.submit(3)
        with caplog.at_level(logging.WARNING):
            told = "has no workers, and 1 call waits for it. Start one with"
            doomed.eventually(lambda: said(caplog, told), "the warning")
        aftermath.start_worker(address)
        return future.result()

    assert load(waiting()) == bytes(3)
    assert said(caplog, "has no workers") == 1


def test_calls_that_wait_for_a_scheduler_that_hangs_say_so(
    aftermath: Aftermath, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler, address = aftermath.start_scheduler()
    aftermath.start_worker(address)

    @flow(task_runner=task_runner(address=address))
    def waiting() -> object:
        clustered.zeros.submit(2).result()
        os.kill(scheduler.pid, signal.SIGSTOP)
        try:
            future = clustered.zeros.submit(3)
            with caplog.at_level(logging.WARNING):
                told = "does not answer, and 1 call waits for it. Its scheduler hangs"
                doomed.eventually(lambda: said(caplog, told), "the warning")
        finally:
            os.kill(scheduler.pid, signal.SIGCONT)
        return future.result()

    assert load(waiting()) == bytes(3)
