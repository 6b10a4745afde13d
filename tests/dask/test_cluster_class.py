"""Clusters of other classes than Dask's own."""

from __future__ import annotations

import pickle

import pytest

from prefectx.dask import task_runner


def test_a_class_that_workers_lack_is_no_trouble_there() -> None:
    """Flows travel with their task runners; only who makes the cluster needs its class."""
    runner = task_runner(cluster_class="no_such_package.Cluster", n_workers=3)
    travelled = pickle.loads(pickle.dumps(runner)).duplicate()
    assert travelled.cluster_class == "no_such_package.Cluster"
    assert travelled.cluster_kwargs == {"n_workers": 3}
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        _ = travelled.client


def test_an_address_and_a_class_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="address"):
        task_runner(address="tcp://127.0.0.1:1", cluster_class="no_such_package.Cluster")
