"""The upgrade of a task or flow to one of Prefect's: its class, its attributes, its pickle."""

from __future__ import annotations

import copy
import functools
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefect.utilities.annotations import NotSet

from prefectx._types import type_of
from prefectx._values.references import import_by_name

if TYPE_CHECKING:
    from collections.abc import Callable

#: Values that mean to Prefect that an option is not set.
NOT_SET: Final = (None, NotSet)

_lock: Final = threading.RLock()
_SET_CLASS: Final = object.__dict__["__class__"].__set__
_OF_A_BOUND_ONE: Final = ("_bound", "_origin", "_unbound")
# Attributes that another process sets or computes by itself.
_NOT_CHANGED: Final = frozenset(
    {"_initial", "_shared_task", "_bound", "_origin", "fn", "function", "_body", "code"}
)


def attributes_of(value: Any) -> dict[str, Any]:
    """Return the `__dict__` of an object, to read and to change."""
    attributes: dict[str, Any] = value.__dict__
    return attributes


def own_class(value: Any) -> Any:
    """Return the class of prefectx that a task or flow has, or had before its upgrade."""
    return type_of(value)._own_class


class Upgrade(NamedTuple):
    """The upgrade of tasks, or that of flows.

    Attributes:
        base: `prefect.Task` or `prefect.Flow`.
        attributes: The options that can also be set as attributes.
        create: Returns an object of Prefect's own with the same function and options.
        combined_class: Returns the class that inherits from a class of prefectx and from `base`.
        bind: Gives a bound object a function of its own, bound as Prefect binds functions.
    """

    base: Any
    attributes: frozenset[str]
    create: Callable[[Any], Any]
    combined_class: Callable[[type], Any]
    bind: Callable[[Any], None]

    def apply(self, value: Any) -> Any:
        """Upgrade an object itself, unless that was done; return it."""
        if issubclass(type_of(value), self.base):
            return value
        if value._unbound is not None:
            own = attributes_of(value)
            bound = {name: own[name] for name in _OF_A_BOUND_ONE}
            attributes = {**attributes_of(self.apply(value._unbound)), **bound}
        else:
            attributes = attributes_of(self.create(value))
        kind = self.combined_class(type_of(value))
        with _lock:
            if issubclass(type_of(value), self.base):
                return value
            were_set = self.attributes & attributes_of(value).keys()
            # Another thread may use the object meanwhile, so the class is set last.
            attributes_of(value).update(attributes)
            _SET_CLASS(value, kind)
        if value._bound:
            self.bind(value)
        save_initial_attributes(value)
        for name in were_set:
            del value._initial[name]
        return value


def save_initial_attributes(value: Any) -> None:
    """Save the initial attributes, which another process sets by itself."""
    attributes_of(value)["_initial"] = {
        name: found for name, found in attributes_of(value).items() if name not in _NOT_CHANGED
    }


def changes_of(value: Any) -> dict[str, Any]:
    """Return the attributes that were set after a task or flow was created."""
    initial = value._initial
    return {
        name: found
        for name, found in attributes_of(value).items()
        if name not in _NOT_CHANGED
        and not (name in initial and initial[name] is found)
        # A cached property was computed, not set.
        and not isinstance(getattr(type_of(value), name, None), functools.cached_property)
    }


# For pickles: each gets the function that upgrades, `as_prefect_task` or `as_prefect_flow`.
def restore_by_name(
    upgrade: Callable[[Any], Any], module: str, qualified_name: str, changes: dict[str, Any]
) -> Any:
    """Return an importable task or flow, or a copy of it with other attributes."""
    found = upgrade(import_by_name(module, qualified_name))
    return _set_attributes(copy.copy(found), changes) if changes else found


def restore_variant(
    upgrade: Callable[[Any], Any],
    origin: Any,
    options: Any,
    bound: tuple[object, ...],
    changes: dict[str, Any],
) -> Any:
    """Return a variant of a task or flow, with other options or bound to an object."""
    variant = own_class(origin).restore_variant(origin, options, bound)
    return _set_attributes(upgrade(variant), changes)


def restore_state(one: Any, state: tuple[Callable[[Any], Any], Any, Any, dict[str, Any]]) -> None:
    """Initialise a task or flow that was created without its function."""
    upgrade, original, options, changes = state
    one.__setstate__((original, options))
    _set_attributes(upgrade(one), changes)


def _set_attributes(value: Any, changes: dict[str, Any]) -> Any:
    attributes_of(value).update(changes)
    return value
