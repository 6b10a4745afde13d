"""`NotLoaded` for an Item that is used as data.

In mode `function` a task returns data, with which a flow's body may compute. In other modes it may
get an Item instead. Python would evaluate `if x`, `x == 3` and `x != y` silently, with another
result; other uses would raise errors that do not say what to do.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from prefectx._values.tracebacks import own_frames_hidden
from prefectx.errors import NotLoaded

if TYPE_CHECKING:
    from collections.abc import Callable

_BINARY: Final = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "matmul": "@",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "lshift": "<<",
    "rshift": ">>",
    "and": "&",
    "or": "|",
    "xor": "^",
}

# `__call__`, `__await__` and `__next__` are left out: with them, an Item would be taken for a
# function, a coroutine or an iterator. Dask calls a callable first element of a tuple, and Prefect
# awaits awaitables. Python's own errors name the Item.
USES: Final[dict[str, str]] = {
    "__bool__": "if x",
    "__len__": "len(x)",
    "__iter__": "for … in x",
    "__reversed__": "reversed(x)",
    "__contains__": "… in x",
    "__getitem__": "x[…]",
    "__setitem__": "x[…] = …",
    "__delitem__": "del x[…]",
    "__lt__": "x < …",
    "__le__": "x <= …",
    "__gt__": "x > …",
    "__ge__": "x >= …",
    **{f"__{name}__": f"x {sign} …" for name, sign in _BINARY.items()},
    **{f"__r{name}__": f"… {sign} x" for name, sign in _BINARY.items()},
    "__divmod__": "divmod(x, …)",
    "__rdivmod__": "divmod(…, x)",
    "__neg__": "-x",
    "__pos__": "+x",
    "__invert__": "~x",
    "__abs__": "abs(x)",
    "__int__": "int(x)",
    "__float__": "float(x)",
    "__complex__": "complex(x)",
    "__index__": "range(x)",
    "__round__": "round(x)",
    "__trunc__": "math.trunc(x)",
    "__floor__": "math.floor(x)",
    "__ceil__": "math.ceil(x)",
    "__bytes__": "bytes(x)",
    "__fspath__": "open(x)",
    "__array__": "numpy.asarray(x)",
    "__enter__": "with x",
    "__exit__": "with x",
    "__aenter__": "async with x",
    "__aexit__": "async with x",
}
"""The methods that Python calls on data, each with an expression that calls it."""


_JSON: Final = "json.dumps(x)"


class HasNoData:
    """A base class whose objects raise `NotLoaded` if they are used as data."""

    __slots__ = ()

    @property  # type: ignore[misc] # it is read-only
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        # json only reads the class of an unknown object, for the message of a TypeError.
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        if caller.f_globals.get("__name__") == "json.encoder":
            with own_frames_hidden:
                raise not_loaded(self, _JSON)
        return type(self)

    def __eq__(self, other: object) -> Any:
        with own_frames_hidden:
            raise not_loaded(self, "x == …")

    def __hash__(self) -> int:
        with own_frames_hidden:
            raise not_loaded(self, "hash(x)")

    def __format__(self, spec: str) -> str:
        if spec:
            with own_frames_hidden:
                raise not_loaded(self, f'f"{{x:{spec}}}"')
        return str(self)


def not_loaded(value: object, use: str) -> NotLoaded:
    """Return the error for an Item that is used as data."""
    msg = (
        f"{value!r} is an Item: use load(…) on it before {use}. Items are loaded automatically for"
        " tasks, not in the body of a flow."
    )
    return NotLoaded(msg)


def _refusal(use: str) -> Callable[..., NoReturn]:
    def refuse(self: HasNoData, *_: object, **__: object) -> NoReturn:
        with own_frames_hidden:
            raise not_loaded(self, use)

    return refuse


def _no_attribute(self: HasNoData, name: str) -> Any:
    if name == "__class__":
        with own_frames_hidden:
            raise not_loaded(self, _JSON)
    # Python and libraries look up protocols; a property that fails has raised its own error.
    if name.startswith("__") or hasattr(type(self), name):
        return object.__getattribute__(self, name)
    with own_frames_hidden:
        raise not_loaded(self, f"x.{name}")


# Set here and not in the class, so that type checkers reject such uses.
for _name, _use in USES.items():
    setattr(HasNoData, _name, _refusal(_use))
HasNoData.__getattr__ = _no_attribute  # type: ignore[attr-defined]
