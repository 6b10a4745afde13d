"""Values that look alike, by kind: a careless cache takes each for the next."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import math
import os
import re
import struct
import types
import uuid
import zoneinfo
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def scaler(n: int) -> Any:
    class Scaler:
        def scale(self, x: int) -> int:
            return n * x

    return Scaler


def by_class_attribute(n: int) -> Any:
    class Scaler:
        factor = n

    return Scaler


def by_metaclass(n: int) -> Any:
    class Meta(type):
        factor = n

    return Meta("Scaler", (), {})


def made_dataclass(default: int) -> Any:
    return dataclasses.make_dataclass("Made", [("x", int, default)])


def made_enum(value: int) -> Any:
    return enum.Enum("Made", {"A": value})


def made_tuple(*fields: str) -> Any:
    return collections.namedtuple("Made", fields)  # noqa: PYI024 - the kind that is tested


def adder(n: Any) -> Any:
    def add(x: Any) -> Any:
        return x + n

    return add


def with_default(n: Any) -> Any:
    def add(x: Any, y: Any = n) -> Any:
        return x + y

    return add


def counter(n: int) -> Any:
    def count() -> int:
        nonlocal n
        n += 1
        return n

    return count


def exec_with(n: int) -> Any:
    namespace: dict[str, Any] = {"N": n, "__name__": "elsewhere"}
    exec("def add(x): return x + N", namespace)  # noqa: S102 - code of our own making
    return namespace["add"]


class Adds:
    def __init__(self, n: object) -> None:
        self.n = n

    def add(self, x: Any) -> Any:
        return x + self.n


class Slotted:
    __slots__ = ("__private", "x")

    def __init__(self, x: object, private: object = 0) -> None:
        self.x = x
        self.__private = private


class SlottedError(ValueError):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        super().__init__("wrong")
        self.code = code


def caused(cause: BaseException | None) -> Exception:
    error = ValueError("wrong")
    error.__cause__ = cause
    return error


def after(context: BaseException | None) -> Exception:
    error = ValueError("wrong")
    error.__context__ = context
    return error


def noted(note: str) -> Exception:
    error = ValueError("wrong")
    error.add_note(note)
    return error


class Words(list[str]):
    def __init__(self, words: list[str], language: str) -> None:
        super().__init__(words)
        self.language = language


class Number(int):
    pass


class Day(datetime.date):
    """What pickle stores of it leaves out its attributes, as of a Counter."""


class Tally(collections.Counter[str]):
    pass


def named(value: Any, name: str) -> Any:
    value.name = name
    return value


class Above:
    __slots__ = ("x",)


class Below(Above):
    __slots__ = ("x",)

    def __init__(self, above: int, x: int) -> None:
        Above.x.__set__(self, above)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
        self.x = x


class Noted(PurePosixPath):
    __slots__ = ("name_of_it",)
    name_of_it: str


def noted_path(note: str) -> Noted:
    path = Noted("a/b")
    path.name_of_it = note
    return path


class Reduced(Exception):
    """What it says is not in its arguments, as with errors of libraries in C."""

    def __reduce__(self) -> Any:
        return Reduced, (), _HIDDEN[id(self)]


_HIDDEN: dict[int, Any] = {}


def hidden(value: object) -> Exception:
    error = Reduced()
    _HIDDEN[id(error)] = value
    _KEPT.append(error)
    return error


_KEPT: list[Any] = []


def annotated(kind: object) -> Any:
    def convert(x: object) -> Any:
        return x

    convert.__annotations__ = {"x": kind}
    return convert


class Names(set[str]):
    pass


def is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return not isinstance(value, Adds | Slotted)


class Access(enum.Flag):
    READ = 1
    WRITE = 2


def opened(content: bytes, position: int) -> io.BytesIO:
    file = io.BytesIO(content)
    file.seek(position)
    return file


def date(hour: int = 2, zone: str = "Europe/Berlin", fold: int = 0) -> datetime.datetime:
    tz = zoneinfo.ZoneInfo(zone)
    return datetime.datetime(2024, 10, 27, hour, 30, tzinfo=tz, fold=fold)


# By kind, what makes values that look alike. No two of one kind are the same.
TWINS: dict[str, list[Callable[[], Any]]] = {
    "classes": [
        *(functools.partial(make, n) for make in (scaler, by_class_attribute) for n in (2, 3)),
        *(functools.partial(by_metaclass, n) for n in (2, 3)),
        *(functools.partial(made_dataclass, n) for n in (2, 3)),
        *(functools.partial(made_enum, n) for n in (2, 3)),
        *(functools.partial(made_tuple, *fields) for fields in ("xy", "yx", "xyz")),
    ],
    "objects of classes": [
        *(functools.partial(lambda n: scaler(n)(), n) for n in (2, 3)),
        *(functools.partial(lambda n: by_class_attribute(n)(), n) for n in (2, 3)),
        *(functools.partial(lambda n: made_dataclass(n)(1), n) for n in (2, 3)),
        *(functools.partial(lambda n: made_enum(n).A, n) for n in (2, 3)),
        *(functools.partial(lambda fields: made_tuple(*fields)(1, 2), f) for f in ("xy", "yx")),
        lambda: Slotted(1),
        lambda: Slotted(2),
        lambda: Slotted(1, private=1),
        lambda: Words(["a"], "de"),
        lambda: Words(["a"], "fr"),
        lambda: ["a"],
        lambda: Names({"a"}),
        lambda: {"a"},
        lambda: Number(1),
        lambda: Below(1, 2),
        lambda: Below(2, 2),
        lambda: Below(1, 1),
        *(functools.partial(lambda n: named(Day(2024, 1, 1), n), n) for n in "ab"),
        *(functools.partial(lambda n: named(Tally("a"), n), n) for n in "ab"),
    ],
    "functions": [
        *(functools.partial(make, n) for make in (adder, with_default, exec_with) for n in (2, 3)),
        *(functools.partial(make, {"n": n}) for make in (adder, with_default) for n in (2, 3)),
        *(functools.partial(counter, n) for n in (2, 3)),
        lambda: lambda x: x,
        lambda: lambda x: -x,
        lambda: lambda x: [y for y in x if y > 1],
        lambda: lambda x: [y for y in x if y > 2],
        lambda: functools.partial(adder(2), 1),
        lambda: functools.partial(adder(3), 1),
        lambda: functools.partial(adder(2), 2),
        lambda: functools.partial(adder(2), x=2),
        lambda: Adds(2).add,
        lambda: Adds(3).add,
        lambda: Adds.add,
        lambda: [1].append,
        lambda: [2].append,
        lambda: annotated(int),
        lambda: annotated(str),
        lambda: staticmethod(adder(2)),
        lambda: classmethod(adder(2)),
    ],
    "exceptions": [
        lambda: FileNotFoundError(2, "gone", "a"),
        lambda: FileNotFoundError(2, "gone", "b"),
        lambda: FileNotFoundError(2, "gone", "a", None, "b"),
        lambda: caused(None),
        lambda: caused(KeyError(1)),
        lambda: caused(KeyError(2)),
        lambda: after(KeyError(1)),
        lambda: noted("a"),
        lambda: noted("b"),
        lambda: SlottedError(1),
        lambda: SlottedError(2),
        lambda: ImportError("x", name="a"),
        lambda: ImportError("x", name="b"),
        lambda: UnicodeDecodeError("utf-8", b"a", 0, 1, "x"),
        lambda: UnicodeDecodeError("utf-8", b"b", 0, 1, "x"),
        lambda: StopIteration(1),
        lambda: SystemExit(1),
        lambda: ExceptionGroup("x", [KeyError(1)]),
        lambda: ExceptionGroup("x", [KeyError(2)]),
        lambda: AttributeError("x", name="a", obj=1),
        lambda: AttributeError("x", name="b", obj=1),
        lambda: hidden(1),
        lambda: hidden(2),
    ],
    "numbers": [
        *(lambda: 0, lambda: False, lambda: 0.0, lambda: -0.0, lambda: 0j, lambda: -0j),
        *(lambda: math.nan, lambda: "nan", lambda: decimal.Decimal("nan"), lambda: "0"),
        *(lambda: decimal.Decimal(0), lambda: decimal.Decimal("0.0"), lambda: Fraction(0)),
        *(lambda: None, lambda: "None", lambda: complex(math.nan, 0), lambda: complex(0, math.nan)),
    ],
    "texts and bytes": [
        *(functools.partial(lambda c: "a" * 50_000 + c + "a" * 50_000, c) for c in "abä"),
        *(functools.partial(lambda c: b"a" * 50_000 + c + b"a" * 50_000, c) for c in (b"a", b"b")),
        lambda: bytearray(b"a" * 100_001),
        lambda: memoryview(b"a" * 100_001),
        lambda: memoryview(bytearray(b"a" * 100_001)),
        lambda: "ä" * 100_000 + "a",
        lambda: "ä" * 100_000 + "b",
        lambda: "\ud800" * 70_000,
        lambda: "?" * 70_000,
    ],
    "containers": [
        lambda: list(range(5000)),
        lambda: [*range(2500), -1, *range(2501, 5000)],
        lambda: tuple(range(5000)),
        lambda: range(5000),
        lambda: set(range(5000)),
        lambda: frozenset(range(5000)),
        lambda: collections.deque(range(5000)),
        lambda: collections.deque(range(5000), 6000),
        lambda: dict.fromkeys(range(5000)),
        lambda: dict.fromkeys(reversed(range(5000))),
        lambda: collections.OrderedDict.fromkeys(range(5000)),
        lambda: types.MappingProxyType(dict.fromkeys(range(5000))),
        lambda: types.MappingProxyType(collections.OrderedDict.fromkeys(range(5000))),
        lambda: types.MappingProxyType(collections.defaultdict(int, dict.fromkeys(range(5000)))),
        lambda: collections.defaultdict(None, dict.fromkeys(range(5000))),
        lambda: collections.defaultdict(int, dict.fromkeys(range(5000))),
        lambda: collections.ChainMap({1: 2}, {3: 4}),
        lambda: collections.ChainMap({3: 4}, {1: 2}),
        lambda: array.array("i", [1, 2]),
        lambda: array.array("l", [1, 2]),
        lambda: [[1], [2, 3]],
        lambda: [[1, 2], [3]],
        lambda: [{1, 2.0}, {3}],
        lambda: [{1, 2}, {3.0}],
        *({1: 2}.keys, {2: 2}.keys, {1: 2}.values),
        *({1: 2, 3: 4}.items, {3: 4, 1: 2}.items, lambda: [(1, 2), (3, 4)]),
        *(lambda: struct.Struct("i"), lambda: struct.Struct("I")),
        lambda: slice(1, 2),
        lambda: slice(1, 2, 1),
    ],
    "dates": [
        *(date, lambda: date(hour=1), lambda: date(fold=1), lambda: date(zone="Europe/Paris")),
        lambda: date().astimezone(datetime.UTC),
        lambda: date().astimezone(zoneinfo.ZoneInfo("UTC")),
        lambda: date().replace(tzinfo=None),
        lambda: date().replace(tzinfo=None).date(),
        lambda: date().time(),
        lambda: date(fold=1).time(),
        lambda: date().isoformat(),
    ],
    "paths and others": [
        *(lambda: Path("a/b"), lambda: PurePosixPath("a/b"), lambda: PureWindowsPath("a/b")),
        *(lambda: PureWindowsPath("A/b"), lambda: "a/b", lambda: Path("a/c")),
        *(lambda: noted_path("a"), lambda: noted_path("b")),
        *(
            lambda: re.compile("a"),
            lambda: re.compile("a", re.IGNORECASE),
            lambda: re.compile(b"a"),
        ),
        *(lambda: uuid.UUID(int=1), lambda: uuid.UUID(int=2), lambda: Access.READ),
        *(lambda: Access.READ | Access.WRITE, lambda: Access.WRITE, lambda: list[int]),
        *(lambda: list[str], lambda: int | str, lambda: int | bytes, lambda: Access(0)),
        *(lambda: opened(b"ab", 0), lambda: opened(b"ab", 1), lambda: opened(b"ac", 0)),
        *(lambda: Ellipsis, lambda: NotImplemented, lambda: type(None), lambda: os, lambda: re),
    ],
}
