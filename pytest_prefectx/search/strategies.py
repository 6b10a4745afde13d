"""Hypothesis strategies for arguments that are hard to name and to distinguish."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

from hypothesis import strategies as st

from prefectx._types import type_of
from pytest_prefectx.equality import identical

T = TypeVar("T")

TWINS: Final[tuple[Any, ...]] = (
    *(0, False, 0.0, -0.0, "0"),
    *(1, True, 1.0, "1"),
    *("", None, "None", b""),
    *(math.nan, "nan", math.inf, -math.inf),
)
"""Values that `==`, `str` or a file name may confuse."""

ODD_NAMES: Final = (
    *("", " ", ".", "..", "../", "../a", "a/../b", "./a", "a//b", "a/", "/", "/etc/passwd", "~"),
    *("C:", "C:\\a", "\\\\host\\a", "\0", "a\0b", "a\nb", "a\r", "\t", "\x1b[0m", "\udc80"),
    *("\N{SNAKE}", "\N{RIGHT-TO-LEFT MARK}a", "a\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}"),
    *("\u00e9", "e\u0301", "a", "A", "stra\u00dfe", "STRASSE", "\N{LATIN SMALL LIGATURE FI}", "fi"),
    *("CON", "nul.txt", "a.", "a ", " a", "a.pkl", ".a", ".prefectx", "-rf", "a~1", "%2e", "a=b"),
    *("{", "}", "{}", "{0}", "{{x}}", "{base}", "{os.system('x')}", "$HOME", "`x`", "*", "'", '"'),
    *("x" * 255, "x" * 256, "x" * 10_000, "\u00e9" * 200),
)
"""Names with a special meaning to a file system, a shell or a template, or that look alike."""

_BIG_INTS: Final = (2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, -(10**400))
_MOST_ELEMENTS: Final = 4
_LONG_INT: Final = 10_000


class DrawnValue(NamedTuple, Generic[T]):
    """A value from `with_twins`.

    Attributes:
        value: The value.
        is_twin: Whether it is a twin of an earlier value, possibly of another type.
    """

    value: T | Any
    is_twin: bool


def odd_names() -> st.SearchStrategy[str]:
    r"""Return a strategy of strings that are bad file names, alone and combined.

    These are paths to elsewhere, drive letters, NUL, line breaks, names that look like another or
    differ in case, names that Windows reserves, templates and code, empty and very long ones.

    Example:
        >>> from hypothesis import find
        >>> len(find(odd_names(), lambda name: "../" in name and len(name) > 3))
        4
    """
    some = st.sampled_from(ODD_NAMES)
    return some | st.text(max_size=10) | st.lists(some, min_size=2, max_size=3).map("".join)


def hard_values() -> st.SearchStrategy[Any]:
    """Return a strategy of values of built-in types that are hard to name and to distinguish.

    These are values that equal others of another type, odd names, long integers, and containers
    of these.

    Example:
        >>> from hypothesis import find
        >>> find(hard_values(), lambda value: value == 1 and type(value) is bool)
        True
    """
    twins = st.sampled_from(TWINS)
    # All branches are equally likely, so most of the values are twins.
    keys = st.one_of(twins, twins, twins, odd_names(), st.integers())
    others = st.one_of(st.sampled_from(_BIG_INTS), st.floats(), st.binary(max_size=5))
    atoms = keys | others | st.sets(keys, max_size=3) | st.frozensets(keys, max_size=3)
    flat = _containers(keys, keys)
    deep = st.recursive(atoms, lambda inner: _containers(keys, inner), max_leaves=6)
    return st.one_of(atoms, flat, deep, deep)


def _containers(
    keys: st.SearchStrategy[Any], inner: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(keys, inner, max_size=3)


def with_twins(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[list[DrawnValue[T]]]:
    """Return a strategy of one to four values, which often repeat earlier ones.

    Or they are twins of earlier ones: see `twins_of`.

    Args:
        strategy: The strategy of the other values.

    Example:
        >>> from hypothesis import find
        >>> find(with_twins(st.just(0)), lambda drawn: any(value is False for value, _ in drawn))
        [DrawnValue(value=0, is_twin=False), DrawnValue(value=False, is_twin=True)]
    """
    return _with_twins(strategy)


@st.composite
def _with_twins(draw: st.DrawFn, strategy: st.SearchStrategy[T]) -> list[DrawnValue[T]]:
    drawn: list[DrawnValue[T]] = [DrawnValue(draw(strategy), is_twin=False)]
    for _ in range(draw(st.integers(0, 3))):
        how = draw(st.sampled_from(["new", "same", "twin"]))
        if how == "new":
            drawn.append(DrawnValue(draw(strategy), is_twin=False))
            continue
        earlier = draw(st.sampled_from(drawn))
        twins = twins_of(earlier.value) if how == "twin" else []
        drawn.append(DrawnValue(draw(st.sampled_from(twins)), is_twin=True) if twins else earlier)
    return drawn


def twins_of(value: object) -> list[Any]:
    """Return the twins of a value: other values that a careless name would not distinguish.

    A twin has another type, sign, order, container type, case or normal form; a container also has
    twins with a twin of one of its first elements.

    Args:
        value: Any value. Only values of built-in types have twins.

    Example:
        >>> twins_of(0)
        [False, 0.0, -0.0, '0']
        >>> twins_of([0])
        [(0,), [False], [0.0], [-0.0], ['0']]
    """
    make = _TWINS_OF.get(type_of(value))
    twins: list[Any] = []
    for twin in make(value) if make else ():
        if not any(identical(twin, other) for other in (value, *twins)):
            twins.append(twin)
    return twins


def _none_twins(_: None) -> Iterable[Any]:
    return ("None", "", False)


def _bool_twins(value: bool) -> Iterable[Any]:
    return (int(value), float(value), str(value))


def _int_twins(value: int) -> Iterator[Any]:
    if value in {0, 1}:
        yield bool(value)
    if abs(value) < 2**53:
        yield float(value)
    yield -value if value else -0.0
    # Python refuses to convert very long integers to decimal text.
    yield str(value) if value.bit_length() < _LONG_INT else hex(value)


def _float_twins(value: float) -> Iterator[Any]:
    yield -value
    if value.is_integer():
        yield int(value)
        yield from (bool(value),) if value in {0, 1} else ()
    yield repr(value)


def _str_twins(value: str) -> Iterator[Any]:
    yield from (None,) if value in {"", "None"} else ()
    yield from (value.swapcase(), value.strip(), f"{value} ", f"{value}.")
    yield from (unicodedata.normalize(form, value) for form in ("NFC", "NFD", "NFKC"))
    yield value.encode(errors="surrogatepass")
    for kind in (int, float):
        try:
            yield kind(value)
        except ValueError:
            continue


def _bytes_twins(value: bytes) -> Iterator[Any]:
    yield bytearray(value)
    yield value.decode(errors="surrogateescape")


def _list_twins(value: list[Any]) -> Iterator[Any]:
    yield tuple(value)
    for index, element in enumerate(value[:_MOST_ELEMENTS]):
        for twin in twins_of(element):
            yield [*value[:index], twin, *value[index + 1 :]]
    yield value[::-1]


def _tuple_twins(value: tuple[Any, ...]) -> Iterator[Any]:
    yield list(value)
    yield from (tuple(twin) for twin in _list_twins(list(value)))


def _dict_twins(value: dict[Any, Any]) -> Iterator[Any]:
    pairs = list(value.items())
    yield pairs
    yield dict(pairs[::-1])
    for key, element in pairs[:_MOST_ELEMENTS]:
        yield from (value | {key: twin} for twin in twins_of(element))
        # A twin of a key may not be hashable, or may be a key already.
        for twin in filter(_is_key, twins_of(key)):
            yield {twin if other is key else other: part for other, part in pairs}


def _set_twins(value: set[Any] | frozenset[Any]) -> Iterator[Any]:
    yield frozenset(value) if isinstance(value, set) else set(value)
    yield list(value)
    kind = type_of(value)
    for element in list(value)[:_MOST_ELEMENTS]:
        for twin in filter(_is_key, twins_of(element)):
            yield kind([twin if other is element else other for other in value])


def _is_key(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


_TWINS_OF: Final[dict[type[Any], Callable[[Any], Iterable[Any]]]] = {
    type(None): _none_twins,
    bool: _bool_twins,
    int: _int_twins,
    float: _float_twins,
    str: _str_twins,
    bytes: _bytes_twins,
    list: _list_twins,
    tuple: _tuple_twins,
    dict: _dict_twins,
    set: _set_twins,
    frozenset: _set_twins,
}
