"""Objects that hold futures, taken apart for Prefect, which finds futures in plain containers only.

Prefect would pass other objects on with the futures in them, build them anew by their class's
`__init__`, which may take other arguments, or fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard

from prefectx._runners.prefect.future import is_prefect_future
from prefectx._types import type_of
from prefectx._values.annotations import may_fail
from prefectx._values.containers import is_walked, replace
from prefectx._values.handles import is_prefect_annotation

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: Final = frozenset({list, tuple, set, frozenset, dict})


class _Place:
    """The place of a future in a template."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Assembly:
    """An object with places for the futures that were in it; the first element of a list.

    The other elements are the futures, which Prefect waits for and replaces by their results.

    Args:
        template: The object.
    """

    __slots__ = ("template",)

    def __init__(self, template: Any) -> None:
        self.template = template


def take_apart(value: Any, convert: Callable[[Any], Any]) -> Any:
    """Return an `Assembly` and futures, in a list, if `value` is no plain container and holds some.

    Args:
        value: The value.
        convert: Converts what else is in it.
    """
    kind: Any = type_of(value)
    if kind in _PLAIN or not is_walked(kind) or is_prefect_future(value):
        return value
    if is_prefect_annotation(value, "BaseAnnotation"):
        # A named tuple, whose class says what Prefect does with what is in it.
        return value
    futures: list[Any] = []

    def place(part: Any) -> Any:
        if part is value:
            return part
        found = convert(part)
        if not (is_prefect_future(found) or may_fail(found)):
            return found
        futures.append(found)
        return _Place(len(futures) - 1)

    template = replace(value, place)
    return [Assembly(template), *futures] if futures else value


def is_taken_apart(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether `value` is a list of `take_apart`."""
    return type_of(value) is list and bool(value) and type_of(value[0]) is Assembly


def put_together(value: list[Any], restore: Callable[[Any], Any]) -> Any:
    """Return the object from a list of `take_apart` with the results of its futures.

    Args:
        value: The list.
        restore: Returns the result of a part.
    """
    assembly, *results = value

    def fill(part: Any) -> Any:
        return replace(results[part.index], restore) if type(part) is _Place else restore(part)

    return replace(assembly.template, fill)
