"""Many objects, hashed column by column: what a thousand of them have in common is done once.

The elements of a list are sorted by type. Those of a list of lists become one list of all elements
and one of the lengths, those of a list of objects one list an attribute, and so on for the elements
of those, until there is nothing but plain data, which becomes bytes that are hashed once. What has
no such columns is left to the walk.
"""

from __future__ import annotations

import copyreg
import enum
from itertools import chain
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.attributes import (
    attributes_of,
    has_only_attributes,
    is_cached,
    is_reduced_by_standard_library,
    slots_of,
    wraps_code,
)
from prefectx._identity.column_routes import route_of
from prefectx._identity.given_fields import FIELDS_SET, given_fields_count
from prefectx._identity.names import importable_name
from prefectx._identity.parts import library
from prefectx._identity.plain_data import (
    TooLarge,
    are_plain_without_nan,
    as_bytes,
    as_numbers,
    marshal_plain,
    most_in,
)
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefectx._identity.column_routes import Route

# Deeper data are walked one level, and tried again.
_DEEPEST: Final = 8
_WIDEST: Final = 16
_SORTABLE: Final = frozenset({int, str, bytes})


def as_columns(values: list[Any]) -> tuple[bytes, list[Any], tuple[Any, ...]]:
    """Return values as bytes, those in them that must be walked, in an order, and their code.

    Their code is the classes and functions that became names.

    Raises:
        TooLarge: There is too much in them, or too deep.
    """
    columns = _Columns(most_in(values))
    level = [values]
    for _ in range(_DEEPEST):
        columns.inside = []
        for column in level:
            if column:
                columns.add(column)
        level = columns.inside
        if not level:
            return as_bytes(columns.written), columns.others, columns.code()
    raise TooLarge


class _Columns:
    """The columns written so far.

    Attributes:
        written: Plain data; what was written tells what follows.
        others: Values that must be walked.
        inside: The columns of the next level.
    """

    def __init__(self, most: int) -> None:
        self.written: list[Any] = []
        self.others: list[Any] = []
        self.inside: list[list[Any]] = []
        self._left = most
        self._routes: dict[type, Route] = {}
        self._functions: list[Any] = []

    def code(self) -> tuple[Any, ...]:
        """Return the classes of the values so far, and the functions and tasks among them."""
        # Built-in types have names without a module.
        kinds = (kind for kind, route in self._routes.items() if "." in route.name)
        return (*kinds, *self._functions)

    def add(self, values: list[Any]) -> None:
        """Write a column of at least one value."""
        kinds = dict.fromkeys(map(type, values))
        for kind in kinds:
            if kind not in self._routes:
                self._routes[kind] = route_of(kind)
        routes = list(dict.fromkeys(map(self._routes.__getitem__, kinds)))
        if len(routes) == 1:
            self._add_of_one_route(routes[0], values)
            return
        numbers = {kind: routes.index(self._routes[kind]) for kind in kinds}
        order = list(map(numbers.__getitem__, map(type, values)))
        groups: list[list[Any]] = [[] for _ in routes]
        for number, value in zip(order, values, strict=True):
            groups[number].append(value)
        self.written.append(bytes(order) if len(routes) < 256 else order)  # noqa: PLR2004
        for route, group in zip(routes, groups, strict=True):
            self._add_of_one_route(route, group)

    def _add_of_one_route(self, route: Route, values: list[Any]) -> None:
        self.written += (route.what, route.name, len(values))
        _WRITERS[route.what](self, values)

    def atoms(self, values: list[Any]) -> None:
        numbers = as_numbers(values)
        self.written.append(values if numbers is None else numbers)

    def texts(self, values: list[Any]) -> None:
        self.written.append(list(map(str, values)))

    def zones(self, values: list[Any]) -> None:
        """Write time zones, of which there are often a thousand times the same."""
        try:
            self.written.append(_once_each(_what_makes, values))
        except Exception:  # noqa: BLE001 - the walk says what is wrong
            self.walked(values)

    def complexes(self, values: list[complex]) -> None:
        self.inside += [[value.real for value in values], [value.imag for value in values]]

    def sequences(self, values: list[Any]) -> None:
        self._flattened(values)

    def dicts(self, values: list[dict[Any, Any]]) -> None:
        self._flattened(values)
        self.inside.append([element for value in values for element in value.values()])

    def sets(self, values: list[Any]) -> None:
        kinds = set(map(type, chain.from_iterable(values)))
        lengths = self._lengths(values)
        if len(kinds) == 1 and kinds <= _SORTABLE:
            self.written += ("sorted", lengths)
            self.atoms(list(chain.from_iterable(map(sorted, values))))
        elif are_plain_without_nan(list(chain.from_iterable(values))):
            self.written += ("marshalled", marshal_plain(values))
        else:
            self.walked(values)

    def named(self, values: list[Any]) -> None:
        """Write classes and functions by their names; walk those that have none."""
        names = _once_each(importable_name, values)
        first = names[0]
        self.written.append(first if first and names.count(first) == len(names) else names)
        self.others += [value for value, name in zip(values, names, strict=True) if name is None]
        self._functions += dict(zip(map(id, values), values, strict=True)).values()

    def members(self, values: list[enum.Enum]) -> None:
        """Write the members of an enumeration, each of which is one object."""
        members = dict(zip(map(id, values), values, strict=True))
        numbers = {key: number for number, key in enumerate(members)}
        self.written.append(list(map(numbers.__getitem__, map(id, values))))
        self.inside.append([member.name for member in members.values()])
        self.inside.append([member.value for member in members.values()])

    def scalars(self, values: list[Any]) -> None:
        numpy: Any = library("numpy")
        self.others.append(numpy.array(values))

    def instances(self, values: list[Any]) -> None:
        if not _is_rebuilt_from_attributes(values[0]):
            self.reduced(values)
            return
        self.written.append("attributes")
        self._attributes(values)

    def models(self, values: list[Any]) -> None:
        self._attributes(values, "" if given_fields_count() else FIELDS_SET)

    def reduced(self, values: list[Any]) -> None:
        """Write what pickle would store."""
        try:
            found = list(map(methodcaller("__reduce_ex__", 4), values))
        except Exception:  # noqa: BLE001 - the walk says what is wrong
            self.walked(values)
            return
        if any(isinstance(each, str) for each in found):
            self.walked(values)
            return
        made, arguments, states, elements, pairs = zip(
            *((*each, None, None, None)[:5] for each in found), strict=True
        )
        self._take(2 * len(values))
        self._functions += [value for value in values if wraps_code(value)]
        self.written.append("reduced")
        self.inside += [list(made), list(arguments)]
        kind = type_of(values[0])
        if has_only_attributes(kind):
            self._attributes(values)
        else:
            self._optional(states)
            if is_reduced_by_standard_library(kind):
                self._attributes(values)
        self._optional([None if each is None else list(each) for each in elements])
        self._optional([None if each is None else list(each) for each in pairs])

    def walked(self, values: list[Any]) -> None:
        self.written.append("walked")
        self.others += values

    def _optional(self, values: Sequence[Any]) -> None:
        # Nearly always there are none.
        if any(value is not None for value in values):
            self.inside.append(list(values))
        else:
            self.written.append(None)

    def _flattened(self, values: Sequence[Any]) -> None:
        """Write the lengths of lists, and leave their elements for the next level."""
        lengths = self._lengths(values)
        self.written.append(lengths)
        if type(lengths) is int and lengths <= _WIDEST:
            # One column for each place: they often have one type each.
            self.inside += map(list, zip(*values, strict=True))
        else:
            self.inside.append(list(chain.from_iterable(values)))

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooLarge

    def _lengths(self, values: Sequence[Any]) -> int | list[int]:
        """Return the lengths of lists; a number if they are all the same."""
        lengths = list(map(len, values))
        # Before they are put together: one long list may be there many times.
        self._take(sum(lengths))
        first = lengths[0]
        return first if lengths.count(first) == len(lengths) else lengths

    def _attributes(self, values: list[Any], without: str = "") -> None:
        self._take(len(values))
        columns = _attribute_columns(values)
        if columns is not None:
            columns.pop(without, None)
            self.written.append(list(columns))
            self.inside += columns.values()
            return
        # Each object has others.
        rows = list(map(attributes_of, values))
        for row in rows:
            row.pop(without, None)
        self.written.append(None)
        self.inside += [list(map(list, rows)), [list(row.values()) for row in rows]]


def _once_each(function: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    """Call a function once for each object, however often it is there."""
    objects = dict(zip(map(id, values), values, strict=True))
    found = {key: function(value) for key, value in objects.items()}
    return list(map(found.__getitem__, map(id, values)))


def _what_makes(value: Any) -> str:
    return repr(value.__reduce_ex__(4)[1])


def _attribute_columns(values: list[Any]) -> dict[str, list[Any]] | None:
    """Return the attributes of objects of one class by name, sorted; None if they differ."""
    kind = type_of(values[0])
    members = slots_of(kind)
    try:
        columns: dict[str, list[Any]] = {
            name: list(map(member.__get__, values)) for name, member in members.items()
        }
    except AttributeError:  # a slot was never set
        return _columns_of_rows(list(map(attributes_of, values)))
    if kind.__dictoffset__:
        rows: list[dict[str, Any]] = [value.__dict__ for value in values]
        orders = set(map(tuple, rows))
        names = orders.pop()
        if orders or not all(type(name) is str and name not in members for name in names):
            return _columns_of_rows(list(map(attributes_of, values)))
        for name in names:
            if not is_cached(kind, name):
                columns[name] = [row[name] for row in rows]
    return {name: columns[name] for name in sorted(columns)}


def _columns_of_rows(rows: list[dict[str, Any]]) -> dict[str, list[Any]] | None:
    orders = set(map(tuple, rows))
    names = orders.pop()
    if orders or not all(type(name) is str for name in names):
        return None
    return {name: [row[name] for row in rows] for name in names}


def _is_rebuilt_from_attributes(value: Any) -> bool:
    """Tell whether pickle makes an object of its class alone, and then sets its attributes."""
    try:
        made, arguments, *rest = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - the walk says what is wrong
        return False
    is_of_class = made is copyreg.__newobj__ and arguments == (type(value),)  # type: ignore[attr-defined]
    return is_of_class and not any(part is not None for part in rest[1:])


_WRITERS: Final[dict[str, Callable[[_Columns, list[Any]], None]]] = {
    name: getattr(_Columns, name)
    for name in (
        *("atoms", "texts", "zones", "complexes", "sequences", "dicts", "sets", "named", "members"),
        *("scalars", "instances", "models", "reduced", "walked"),
    )
}
