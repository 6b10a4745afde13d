"""A Filestore on the protocol of Google Cloud Storage, on a server that runs here."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from gcs_server import BUCKET, gcs_server

from prefectx import flow, load, task
from prefectx.stores import Filestore, Store
from pytest_prefectx import StoreContract, Targets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, object]]:
    """What a Filestore needs to find the server."""
    with pytest.MonkeyPatch.context() as patch, gcs_server() as found:
        # Else gcsfs asks a second service, which this server does not have, for the bucket's kind.
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        yield found


@pytest.fixture
def on_gcs(options: dict[str, object]) -> Filestore:
    """A store in a folder of its own."""
    return Filestore(f"gs://{BUCKET}/{uuid.uuid4().hex}", storage_options=options)


class TestContract(StoreContract):
    @pytest.fixture
    def store(self, on_gcs: Filestore) -> Store:
        return on_gcs


@pytest.mark.prefectx("cache")
def test_a_warm_flow_finds_all_by_one_listing(on_gcs: Filestore, tmp_target: Targets) -> None:
    @task(store=on_gcs)
    def double(x: int) -> int:
        return 2 * x

    @flow
    def mapped() -> object:
        return double.map([1, 2, 3])

    for _ in range(2):
        assert load(mapped()) == [2, 4, 6]
    assert tmp_target.runs == {"double": 3}
