"""Workers whose surroundings are not the client's: another current folder, another key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import clustered
import pytest
from schedulers import address_of

from prefectx import flow, last_run, load
from prefectx.dask import task_runner
from prefectx.errors import UntrustedTarget
from prefectx.stores.formats.signing import SIGNING_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from distributed import Client

    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("prefect.skip")


def set_key(key: str) -> None:
    os.environ[SIGNING_KEY] = key


def remove_key() -> None:
    os.environ.pop(SIGNING_KEY, None)


@pytest.fixture
def key_of_workers(cluster_client: Client) -> Iterator[str]:
    cluster_client.run(set_key, "that of the workers")
    yield "that of the workers"
    cluster_client.run(remove_key)


def sums_on(client: Client) -> Any:
    @flow(task_runner=task_runner(address=address_of(client)))
    def sums(count: int) -> Any:
        return clustered.total(load(clustered.double.map(range(count))))

    return sums


def test_workers_in_another_folder_keep_outputs_where_the_flow_was_called(
    cluster_client: Client, tmp_target: Targets, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cluster_client.run(os.chdir, str(elsewhere))
    assert load(sums_on(cluster_client)(3)) == 6
    assert len(tmp_target.items()) == 4
    assert list(elsewhere.iterdir()) == []


def test_another_signing_key_on_the_workers_is_an_error_and_nothing_is_made_anew(
    cluster_client: Client, key_of_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = sums_on(cluster_client)
    monkeypatch.setenv(SIGNING_KEY, "that of the client")
    for ran in (2, 0):
        with pytest.raises(UntrustedTarget, match="workers of a cluster"):
            sums(2)
        report = last_run()
        assert report is not None
        assert report["double"].ran == ran
    monkeypatch.setenv(SIGNING_KEY, key_of_workers)
    assert load(sums(2)) == 2


def test_workers_without_the_key_are_told_of_too(
    cluster_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNING_KEY, "that of the client")
    with pytest.raises(UntrustedTarget, match=r"no signature.*workers of a cluster"):
        sums_on(cluster_client)(2)
