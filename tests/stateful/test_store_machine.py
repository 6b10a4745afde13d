"""`StoreMachine`: our own stores do as a dict does, and stores with a defect do not."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from prefectx.stores import Filestore, MemoryStore, SQLStore
from pytest_prefectx import StoreMachine

if TYPE_CHECKING:
    from prefectx.stores import Store

QUICK = settings(max_examples=30, database=None, derandomize=True, deadline=None)
# What is found is not made smaller.
FOUND = settings(QUICK, phases=[Phase.generate])


class InMemory(StoreMachine):
    def make_store(self) -> Store:
        return MemoryStore()


class InFolder(StoreMachine):
    def make_store(self) -> Store:
        return Filestore(tempfile.mkdtemp())


class AsJson(InFolder):
    suffix = ".json"
    values = st.integers() | st.text(max_size=5) | st.lists(st.booleans(), max_size=2)


class InTable(StoreMachine):
    def make_store(self) -> Store:
        return SQLStore(f"sqlite:///{tempfile.mkdtemp()}/targets.db")


@pytest.mark.parametrize("machine", [InMemory, InFolder, AsJson, InTable])
def test_our_own_stores_do_as_a_dict_does(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=QUICK)


class Forgetful(MemoryStore):
    def delete(self, target: str) -> None:
        pass


class Stubborn(MemoryStore):
    def save(self, target: str, value: object) -> None:
        if not self.exists(target):
            super().save(target, value)


class Flat(MemoryStore):
    def save(self, target: str, value: object) -> None:
        super().save(target.replace("/", "-"), value)


@pytest.mark.parametrize("store", [Forgetful, Stubborn, Flat])
def test_a_store_with_a_defect_is_found(store: type[MemoryStore]) -> None:
    class Machine(StoreMachine):
        def make_store(self) -> Store:
            return store()

    with pytest.raises(AssertionError, match=r"gives|loaded|exists"):
        run_state_machine_as_test(Machine, settings=FOUND)


def test_a_machine_without_a_store_is_told_what_it_needs() -> None:
    with pytest.raises(TypeError, match="needs a method make_store"):
        StoreMachine()
