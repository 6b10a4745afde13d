"""Walkers of `identical` for Python's built-in and standard types."""

from __future__ import annotations

import copyreg
import enum
import math
import operator
import reprlib
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable
from functools import cached_property, partial, singledispatch
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final, NamedTuple, TypeAlias

from prefectx._types import type_of
from pytest_prefectx.quiet_copies import no_deprecations


class Difference(NamedTuple):
    """The first difference between two values.

    Attributes:
        path: The place, as Python code after a variable's name: `[0].total['x']`; empty for the
            values themselves.
        left: The part of the first value.
        right: The part of the second value.
        why: The difference in words.
    """

    path: str
    left: object
    right: object
    why: str


Step: TypeAlias = "str | Callable[[], str]"
Pair: TypeAlias = "tuple[Step, object, object]"
# A walk yields the next pair to compare and is sent the outcome. So deep data needs no recursion:
# a stack of walks takes the place of the call stack.
Walk: TypeAlias = "Generator[Pair, Difference | None, Difference | None]"
Walker: TypeAlias = "Callable[[Any, Any], Walk | Difference | None]"


def types_differ(left: type, right: type) -> str:
    """Return in words that two types differ, with their modules if the names are equal."""
    a, b = left.__qualname__, right.__qualname__
    if a == b:
        a, b = f"{left.__module__}.{a}", f"{right.__module__}.{b}"
    return f"type {a}, not {b}" if a != b else f"another type of the name {a}"


def each(pairs: Iterable[Pair]) -> Walk:
    """Compare pairs, up to the first difference."""
    for pair in pairs:
        if found := (yield pair):
            return found
    return None


def value_difference(a: object, b: object, why: str = "another value") -> Difference:
    """Return the difference of two values as a whole."""
    return Difference("", a, b, why)


def walker_from(same: Callable[[Any, Any], bool]) -> Walker:
    """Return a walker that calls a function."""
    return lambda a, b: None if same(a, b) else value_difference(a, b)


def _value_walker(kind: type[Any], same: Callable[[Any, Any], bool]) -> Walker:
    """Return a walker for a type of simple values, whose subclasses may add attributes."""

    def walk(a: Any, b: Any) -> Walk | Difference | None:
        if not same(a, b):
            return value_difference(a, b)
        return None if type(a) is kind else walk_attributes(a, b)

    return walk


def same_float(a: float, b: float) -> bool:
    """Tell whether two floats are equal with the same sign, or both NaN."""
    both_nan = math.isnan(a) and math.isnan(b)
    return both_nan or (a == b and math.copysign(1, a) == math.copysign(1, b))


def _same_complex(a: complex, b: complex) -> bool:
    return same_float(a.real, b.real) and same_float(a.imag, b.imag)


def _same_view(a: memoryview, b: memoryview) -> bool:
    return (a.format, a.shape, a.tobytes()) == (b.format, b.shape, b.tobytes())


def _walk_sequence(a: Any, b: Any) -> Walk:
    if len(a) != len(b):
        return value_difference(a, b, f"length {len(a)}, not {len(b)}")
    names: Any = getattr(a, "_fields", ()) if issubclass(type_of(a), tuple) else ()
    steps = [f".{name}" for name in names] or (f"[{index}]" for index in range(len(a)))
    if found := (yield from each(zip(steps, a, b, strict=True))):
        return found
    return (yield from walk_attributes(a, b, ("maxlen", "typecode")))


def _walk_dict(a: Any, b: Any) -> Walk:
    left, right = list(a.items()), list(b.items())
    if why := (yield from _keys_differ([key for key, _ in left], [key for key, _ in right])):
        return value_difference(a, b, why)
    values = zip(left, right, strict=True)
    pairs = ((partial(subscript, key), x, y) for (key, x), (_, y) in values)
    if found := (yield from each(pairs)):
        return found
    return (yield from walk_attributes(a, b, ("default_factory",)))


def subscript(key: object) -> str:
    """Return a key as a step of a path."""
    try:
        return f"[{key!r}]"
    except Exception:  # noqa: BLE001 - the key's own code may fail, or it may be too deep
        return f"[<{type(key).__qualname__}>]"


def _keys_differ(left: list[Any], right: list[Any]) -> Generator[Pair, Difference | None, str]:
    if len(left) == len(right):
        for a, b in zip(left, right, strict=True):
            if (yield "", a, b):
                break
        else:
            return ""
    why = yield from _unmatched("key", left, right)
    return why or "keys in another order"


def _walk_set(a: Any, b: Any) -> Walk:
    if why := (yield from _unmatched("element", a, b)):
        return value_difference(a, b, why)
    return (yield from walk_attributes(a, b))


def _unmatched(
    what: str, left: Iterable[Any], right: Iterable[Any]
) -> Generator[Pair, Difference | None, str]:
    """Match identical elements in any order; return a text about one without a match."""
    waiting: dict[Any, list[Any]] = defaultdict(list)
    for element in right:
        waiting[type(element), hash(element)].append(element)
    strangers: list[Any] = []
    for element in left:
        strangers.append(element)
        if (yield from _take_match(element, waiting[type(element), hash(element)])):
            strangers.pop()
    # NaN and most objects are hashed by identity, so compare the rest with all.
    rest = [element for elements in waiting.values() for element in elements]
    for element in strangers:
        if not (yield from _take_match(element, rest)):
            return f"{what} {reprlib.repr(element)} only on the left"
    return f"{what} {reprlib.repr(rest[0])} only on the right" if rest else ""


def _take_match(element: Any, among: list[Any]) -> Generator[Pair, Difference | None, bool]:
    for index, other in enumerate(among):
        if (yield "", element, other) is None:
            del among[index]
            return True
    return False


def _walk_exception(a: BaseException, b: BaseException) -> Walk:
    if found := (yield ".args", a.args, b.args):
        return found
    return (yield from walk_attributes(a, b, ("filename", "filename2")))


def _walk_method(a: Any, b: Any) -> Walk:
    names = ("__qualname__", "__func__", "__self__")
    return each((f".{name}", getattr(a, name, None), getattr(b, name, None)) for name in names)


def _walk_function(a: Any, b: Any) -> Walk | Difference | None:
    if a.__code__ != b.__code__ or a.__module__ != b.__module__:
        return value_difference(a, b)
    return _walk_made_function(a, b)


def _walk_made_function(a: Any, b: Any) -> Walk:
    """Compare the closures and defaults of two functions with the same code."""
    cells = zip(a.__closure__ or (), b.__closure__ or (), strict=True)
    kept: Iterable[Pair] = ((".__closure__", _content(x), _content(y)) for x, y in cells)
    if found := (yield from each(kept)):
        return found
    return (yield from walk_attributes(a, b, ("__defaults__", "__kwdefaults__")))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the name is not bound yet
        return None


def walk_object(a: Any, b: Any) -> Walk | Difference | None:
    """Compare two objects by their attributes."""
    kind = type_of(a)
    if _hides_state(kind):
        return _walk_hidden(a, b)
    has_state = hasattr(a, "__dict__") or any("__slots__" in vars(base) for base in kind.__mro__)
    return walk_attributes(a, b) if has_state else _equal(a, b)


def walk_attributes(a: Any, b: Any, more: Iterable[str] = ()) -> Walk:
    """Compare the attributes in `__dict__` and slots, and those in `more` if they exist."""
    left, right = _state(a, more), _state(b, more)
    for name in [*left, *right]:
        if (name in left) is not (name in right):
            side = "left" if name in left else "right"
            return value_difference(a, b, f"attribute {name!r} only on the {side}")
    return (yield from each((f".{name}", left[name], right[name]) for name in left))


def _state(value: Any, more: Iterable[str]) -> dict[str, Any]:
    kind = type_of(value)
    names = [*_slots(kind), *more]
    state = {name: getattr(value, name) for name in names if hasattr(value, name)}
    # Cached properties follow from the other attributes.
    state |= {
        name: attribute
        for name, attribute in getattr(value, "__dict__", {}).items()
        if not isinstance(getattr(kind, name, None), cached_property)
    }
    if isinstance(value, BaseException):
        # Exceptions get notes on their way between processes, which are not compared.
        state.pop("__notes__", None)
    return state


def _slots(kind: type[Any]) -> list[str]:
    """Return the names of an object's slots, with private names mangled."""
    return [
        name
        for base in reversed(kind.__mro__)
        if "__slots__" in vars(base)
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType)
    ]


def _hides_state(kind: type[Any]) -> bool:
    """Tell whether objects have more state than attributes, because they are written in C."""
    # The same test as in copyreg, for objects that cannot be pickled by default.
    references = len(_slots(kind)) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    room = object.__basicsize__ + references * tuple.__itemsize__
    return kind.__itemsize__ > 0 or kind.__basicsize__ > room


def _walk_hidden(a: Any, b: Any) -> Walk:
    if found := (yield from walk_attributes(a, b)):
        return found
    left, right = _reduce(a), _reduce(b)
    if left is None or right is None:
        # Objects such as locks and open files have no value that could be compared.
        has_own = any("__eq__" in vars(base) for base in type_of(a).__mro__[:-1])
        return _equal(a, b) if has_own else None
    return value_difference(a, b) if (yield "", left, right) else None


def _reduce(value: Any) -> tuple[Any, ...] | None:
    """Return the state that pickle would store of an object; None if it cannot be pickled."""
    reducer = copyreg.dispatch_table.get(type_of(value))
    try:
        with no_deprecations():
            reduced: Any = reducer(value) if reducer else value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - an object's own code
        return None
    if isinstance(reduced, str):
        return None
    # Constructor, arguments, state; then iterators of elements and pairs, or None.
    return (*reduced[:3], *(list(part or ()) for part in reduced[3:5]), *reduced[5:])


def _equal(a: Any, b: Any) -> Difference | None:
    try:
        return None if a == b else value_difference(a, b)
    except Exception as error:  # noqa: BLE001 - an object's own code
        why = f"== raises {type(error).__qualname__}: {error}; register_identical can say more"
        return value_difference(a, b, why)


WALKERS: Final = singledispatch(walk_object)
_KINDS: Final[dict[type[Any], Walker]] = {
    **{kind: _value_walker(kind, kind.__eq__) for kind in (int, bool, str, bytes, bytearray)},
    float: _value_walker(float, same_float),
    complex: _value_walker(complex, _same_complex),
    memoryview: walker_from(_same_view),
    **dict.fromkeys((list, tuple, deque, array), _walk_sequence),
    **dict.fromkeys((dict, MappingProxyType), _walk_dict),
    **dict.fromkeys((set, frozenset), _walk_set),
    **dict.fromkeys((type, ModuleType, enum.Enum), walker_from(operator.is_)),
    PurePath: walker_from(operator.eq),
    FunctionType: _walk_function,
    **dict.fromkeys((MethodType, BuiltinFunctionType), _walk_method),
    BaseException: _walk_exception,
}
for _kind, _walker in _KINDS.items():
    WALKERS.register(_kind, _walker)
