"""`StoreMachine`: a state machine that compares a store with a dict, for authors of stores."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from prefectx.errors import TargetMissing
from prefectx.stores import Store
from pytest_prefectx.contract.checks import require
from pytest_prefectx.equality import difference

# Few, so that targets are saved again, deleted and asked for; folders within one another too.
TARGETS = ("a", "b", "a b", "work/a", "work/b", "work/deep/a", "out-1")


class StoreMachine(RuleBasedStateMachine):
    """Saves, loads, deletes and lists in any order; the store must do as a dict would.

    Subclass it, and define `make_store`.

    Attributes:
        suffix: The suffix of all targets, for a store whose format depends on it.
        values: A hypothesis strategy for values that the store can store.

    Example:
        >>> from prefectx.stores import MemoryStore
        >>> class MemoryMachine(StoreMachine):
        ...     def make_store(self):
        ...         return MemoryStore()
        >>> TestMemory = MemoryMachine.TestCase
    """

    suffix: ClassVar[str] = ""
    values: ClassVar[st.SearchStrategy[Any]] = st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
        st.lists(st.integers() | st.text(), max_size=3),
    )

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.model: dict[str, Any] = {}

    def make_store(self) -> Store:
        """Return an empty store.

        Raises:
            TypeError: The subclass does not define it.
        """
        msg = f"{type(self).__name__} needs a method make_store that returns an empty store"
        raise TypeError(msg)

    @rule(data=st.data(), name=st.sampled_from(TARGETS))
    def save(self, data: st.DataObject, name: str) -> None:
        """Save a value."""
        self._save(name + self.suffix, data.draw(self.values))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def save_over_another(self, data: st.DataObject) -> None:
        """Save a value under a target that exists."""
        self._save(data.draw(st.sampled_from(sorted(self.model))), data.draw(self.values))

    def _save(self, target: str, value: Any) -> None:
        self.store.save(target, value)
        self.model[target] = value

    @rule(name=st.sampled_from(TARGETS))
    def load(self, name: str) -> None:
        """Load what was saved last; `TargetMissing` if nothing was."""
        target = name + self.suffix
        if target not in self.model:
            try:
                loaded = self.store.load(target)
            except TargetMissing:
                return
            msg = f"{target!r} does not exist, and still it is loaded, as {loaded!r}"
            raise AssertionError(msg)
        found = difference(self.model[target], self.store.load(target))
        require(found is None, f"{target!r} is loaded as another value: {found}")

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Delete a target."""
        target = data.draw(st.sampled_from(sorted(self.model)))
        self.store.delete(target)
        del self.model[target]

    @rule(name=st.sampled_from(TARGETS))
    def exists(self, name: str) -> None:
        """Ask whether a target exists."""
        target = name + self.suffix
        said = self.store.exists(target)
        require(said == (target in self.model), f"exists({target!r}) is {said}")

    @invariant()
    def lists_what_was_saved(self) -> None:
        """List the targets: those that were saved and not deleted, no others."""
        listed = sorted(self.store.list())
        require(listed == sorted(self.model), f"list() gives {listed}, not {sorted(self.model)}")


StoreMachine.TestCase.settings = settings(
    deadline=None, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]
)
StoreMachine.__module__ = "pytest_prefectx"
