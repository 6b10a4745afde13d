"""Values that code has looked up: to notice when a name stands for something else."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from prefectx._identity.code_parts import content_of
from prefectx._identity.global_names import STORES, instructions
from prefectx._identity.read_values import ABSENT, snapshot, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CellType, CodeType, FunctionType

    from prefectx._identity.read_values import Step
    from prefectx._identity.reads import Root

# A cell of one of these is compared by itself: it refers to nothing that might be kept alive.
_ATOMS: Final = frozenset({type(None), bool, int, float, complex, str, bytes})


class Observed:
    """Names, attributes of classes and functions that code uses, as they were."""

    def __init__(self) -> None:
        #: What functions look up, by the namespace and the name.
        self._names: dict[tuple[int, str], tuple[Mapping[str, Any], str, Any]] = {}
        #: Attributes of classes and functions; weak, as who keeps code must not keep what has it.
        self._members: list[tuple[ref[type[Any] | FunctionType], str, Any]] = []
        #: What is read of values that can change, with what is in it if it can change itself.
        self._reads: list[tuple[Root, tuple[Step, ...], Any, tuple[Any, ...]]] = []
        #: The functions, with their code and the ids of their defaults.
        self._functions: list[tuple[ref[FunctionType], CodeType, int, int]] = []
        #: The functions that have a closure, with the place, the name and the content of a cell.
        self._cells: list[tuple[ref[FunctionType], int, str, Any]] = []
        #: The names that functions assign, of variables and of attributes.
        self.stored: set[str] = set()

    def name(self, namespace: Mapping[str, Any], name: str) -> None:
        """Note what a name of a module stands for."""
        self._names[id(namespace), name] = (namespace, name, namespace.get(name, ABSENT))

    def member(self, kind: type[Any] | FunctionType, name: str) -> None:
        """Note an attribute of a class or a function."""
        self._members.append((ref(kind), name, vars(kind).get(name, ABSENT)))

    def read(self, root: Root, steps: tuple[Step, ...], value: Any) -> None:
        """Note what code reads of a value that can change."""
        self._reads.append((root, steps, value, snapshot(value)))

    def function(self, fn: FunctionType) -> None:
        """Note a function: `%autoreload` changes its code."""
        found = instructions(fn.__code__)
        if fn.__name__ not in _MAKE_CLASSES:
            self.stored.update(str(name) for kind, name in found if kind in _STORES)
        self._functions.append((ref(fn), fn.__code__, id(fn.__defaults__), id(fn.__kwdefaults__)))
        for place, cell in enumerate(fn.__closure__ or ()):
            self._cells.append((ref(fn), place, fn.__code__.co_freevars[place], _content(cell)))

    def leave_out_what_is_stored(self) -> None:
        """Leave out what the functions assign themselves, such as a counter."""
        stored = self.stored
        self._names = {key: each for key, each in self._names.items() if each[1] not in stored}
        self._members = [each for each in self._members if each[1] not in stored]
        self._cells = [each for each in self._cells if each[2] not in stored]

    def is_current(self) -> bool:
        """Tell whether all names still stand for the same objects."""
        # Each hit asks: loops take half the time of `all`.
        for namespace, name, value in self._names.values():
            if namespace.get(name, ABSENT) is not value:
                return False
        for of_kind, name, value in self._members:
            kind = of_kind()
            if kind is not None and vars(kind).get(name, ABSENT) is not value:
                return False
        for of_fn, code, defaults, by_name in self._functions:
            fn = of_fn()
            if fn is not None and not (
                fn.__code__ is code
                and id(fn.__defaults__) == defaults
                and id(fn.__kwdefaults__) == by_name
            ):
                return False
        for root, steps, value, found in self._reads:
            if value_at(root.namespace.get(root.key, ABSENT), steps) is not value:
                return False
            now = snapshot(value)
            if len(now) != len(found) or not all(map(is_, now, found)):
                return False
        return all(map(_is_unchanged, self._cells))


# What these assign, they assign once.
_MAKE_CLASSES: Final = frozenset({"__init_subclass__", "__set_name__"})
_STORES: Final = STORES | {"STORE_ATTR", "DELETE_ATTR"}


def _is_unchanged(found: tuple[ref[FunctionType], int, str, Any]) -> bool:
    of_fn, place, _, value = found
    closure = getattr(of_fn(), "__closure__", None)
    return closure is None or _content(closure[place]) == value


def _content(cell: CellType) -> list[Any]:
    """Return what is in a cell as something to compare that keeps nothing alive."""
    # With the type, for 1 is True.
    return [
        (type(value), repr(value)) if type(value) in _ATOMS else id(value)
        for value in content_of(cell)
    ]
