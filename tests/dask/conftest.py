"""Fixtures of the tests on clusters."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from distributed import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import LocalCluster

    from pytest_prefectx import Targets


@pytest.fixture
def cluster_client(dask_cluster: LocalCluster, tmp_target: Targets) -> Iterator[Client]:
    """A client of the session's cluster, whose workers stand in the test's folder."""
    with Client(dask_cluster, set_as_default=False) as client:
        client.run(os.chdir, str(tmp_target.path))
        yield client
