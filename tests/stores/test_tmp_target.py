"""`tmp_target` on other stores than files: by the fixture `prefectx_store`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import load, task
from prefectx.errors import CorruptTarget, PrefectxError, UnsupportedValue
from prefectx.stores import Filestore, MemoryStore, SQLStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = pytest.mark.prefectx("cache")

STORES: dict[str, Callable[[], Store]] = {
    "folder": Filestore,
    "memory://": lambda: Filestore(f"memory://{uuid.uuid4().hex}"),
    "sqlite": SQLStore,
    "memory": MemoryStore,
}


@pytest.fixture(params=STORES)
def prefectx_store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store, fresh."""
    return STORES[request.param]()


@task(target="out/{x}.json")
def double(x: int) -> list[int]:
    return [2 * x]


class TestHarm:
    @pytest.fixture
    def made(self, tmp_target: Targets) -> Any:
        found = double.with_options(store=tmp_target.store)
        found(1), found(2)
        assert tmp_target.items() == ["out/1.json", "out/2.json"]
        return found

    def test_what_is_lost_is_made_again(self, made: Any, tmp_target: Targets) -> None:
        assert tmp_target.lose("*1*") == ["out/1.json"]
        assert tmp_target.items() == ["out/2.json"]
        assert load([made(1), made(2)]) == [[2], [4]]
        assert tmp_target.runs == {"double": 3}

    @pytest.mark.parametrize("harm", ["corrupt", "truncate"])
    def test_what_is_harmed_is_found_out(self, harm: str, made: Any, tmp_target: Targets) -> None:
        assert getattr(tmp_target, harm)("*1*") == ["out/1.json"]
        with pytest.raises(CorruptTarget):
            load(made(1))
        assert load(made(2)) == [4]


def test_the_factory_takes_a_store(
    tmp_target_factory: TargetsFactory, prefectx_store: Store
) -> None:
    with tmp_target_factory(prefectx_store) as target:
        load(double.with_options(store=prefectx_store)(1))
        assert target.items() == ["out/1.json"]


def test_a_store_of_ones_own_says_that_it_gives_no_bytes(
    tmp_target_factory: TargetsFactory,
) -> None:
    class Bare(Store):
        def exists(self, target: str) -> bool:
            raise NotImplementedError

        load = save = delete = exists  # type: ignore[assignment]

        def list(self, prefix: str = "") -> list[str]:
            return ["a"] if "a".startswith(prefix) else []

    with tmp_target_factory(Bare()) as target, pytest.raises(UnsupportedValue, match="the bytes"):
        target.corrupt()
    assert issubclass(UnsupportedValue, PrefectxError)
