"""Values that code reads, by their place in a value of a module: `config["rate"]`, `args.rate`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from prefectx._identity.attributes import attributes_of, slots_of
from prefectx._identity.libraries import is_plain_model
from prefectx._identity.objects_with_code import is_immutable
from prefectx._identity.plain_data import ATOMS, TooLarge, kinds_in
from prefectx._types import type_of
from prefectx._values.containers import is_dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

ABSENT: Final = object()

#: Containers that code reads by a key or an element, as the tests of types see them.
CONTAINERS: Final = (dict, list, set, deque, bytearray)
_ELEMENTS: Final = (*CONTAINERS, tuple, frozenset)
# Objects that have nothing but what was put into them.
_NAMESPACES: Final = frozenset(
    {
        *("types.SimpleNamespace", "argparse.Namespace"),
        *("configparser.ConfigParser", "configparser.RawConfigParser"),
    }
)
_LIBRARIES: Final = frozenset({"numpy", "pandas", "polars", "pyarrow"})
_TABLES: Final = frozenset(
    {
        *("ndarray", "DataFrame", "Series", "Index", "ExtensionArray"),
        *("Table", "RecordBatch", "Array", "ChunkedArray"),
    }
)
_MOST: Final = 10_000
_SNAPSHOT: Final = 32


class Step(NamedTuple):
    """A step from a value to one in it.

    Attributes:
        is_attribute: Whether it is an attribute, or else an element.
        key: The name of the attribute, the key, or the place.
    """

    is_attribute: bool
    key: Any

    def __str__(self) -> str:
        return f".{self.key}" if self.is_attribute else f"[{self.key!r}]"


def step_into(value: Any, step: Step) -> Any:
    """Return the attribute or element of a value; ABSENT if it has none."""
    try:
        if step.is_attribute:
            return _attribute(value, step.key)
        # A `defaultdict` would make an element.
        if not isinstance(value, CONTAINERS) or (isinstance(value, dict) and step.key not in value):
            return ABSENT
        return value[step.key]  # type: ignore[index] # pyright: ignore[reportIndexIssue]
    except Exception:  # noqa: BLE001 - what it raises, the task will meet
        return ABSENT


def value_at(value: Any, steps: Iterable[Step]) -> Any:
    """Return what is some steps away from a value; ABSENT if there is nothing."""
    for step in steps:
        value = step_into(value, step)
    return value


def _attribute(value: Any, name: str) -> Any:
    own: dict[str, Any] = getattr(value, "__dict__", {})
    if name in own:
        return own[name]
    member = slots_of(type_of(value)).get(name)
    try:
        return ABSENT if member is None else member.__get__(value)
    except AttributeError:  # it was never set
        return ABSENT


def is_data(value: Any) -> bool:
    """Tell whether a value is data throughout, not a connection, a lock or what holds one."""
    left = _MOST

    def test(part: Any, depth: int) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            return True
        if type_of(part) in ATOMS or _is_table(part):
            return True
        if isinstance(part, _ELEMENTS):
            return depth > 0 and all(test(each, depth - 1) for each in _elements(part))
        if is_immutable(part):
            return True
        if not _is_of_fields(part):
            return False
        return depth > 0 and all(test(each, depth - 1) for each in attributes_of(part).values())

    try:
        if kinds_in([value]) is not None:
            return True
    except TooLarge:
        pass
    return test(value, _DEEPEST)


_DEEPEST: Final = 20


def _elements(value: Any) -> Iterable[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else value


def _is_table(value: Any) -> bool:
    return any(
        base.__qualname__ in _TABLES and base.__module__.partition(".")[0] in _LIBRARIES
        for base in type_of(value).__mro__
    )


def _is_of_fields(value: Any) -> bool:
    kind = type_of(value)
    if is_dataclass(value) or is_plain_model(kind) or hasattr(kind, "__attrs_attrs__"):
        return True
    return f"{kind.__module__}.{kind.__qualname__}" in _NAMESPACES


def snapshot(value: Any) -> tuple[Any, ...]:
    """Return what is in a small container, to notice that it was changed; () for other values."""
    if not isinstance(value, CONTAINERS) or len(cast("Any", value)) > _SNAPSHOT:
        return ()
    return tuple(_elements(value))
