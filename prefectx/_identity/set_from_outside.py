"""Changes of functions and classes from outside: attributes, registered and derived classes."""

from __future__ import annotations

import inspect
from abc import ABCMeta
from contextlib import suppress
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.names import module_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

# With these, code reads docstrings as data.
_READ_DOCSTRINGS: Final = frozenset({"__doc__", "getdoc"})
# With these, also comments and layout.
_READ_SOURCE: Final = frozenset({"getsource", "getsourcelines", "getcomments"})


def attributes_of_function(fn: FunctionType) -> dict[str, Any]:
    """Return the attributes that were set on a function, by name; Python's and private ones not."""
    return {key: value for key, value in vars(fn).items() if not key.startswith("_")}


def registered_with(kind: type[Any]) -> list[type[Any]]:
    """Return the classes that were registered with an abstract base class, sorted by name."""
    if not isinstance(kind, ABCMeta):
        return []
    # The registry that `ABC._dump_registry` prints.
    references: Iterable[Any] = import_module("_abc")._get_dump(kind)[0]
    found = [each for each in (reference() for reference in references) if each is not None]
    return sorted(found, key=full_name)


def derived_classes(kind: type[Any]) -> list[type[Any]]:
    """Return the classes that `__subclasses__` finds, sorted by name."""
    # A metaclass has another `__subclasses__`, with an argument.
    return [] if issubclass(kind, type) else sorted(kind.__subclasses__(), key=full_name)


def texts_read(used: Collection[str], seen: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield the docstrings and the source of functions and classes, if code reads them as data.

    Args:
        used: The names that the code uses.
        seen: What the code refers to.
    """
    reads_docstrings = not _READ_DOCSTRINGS.isdisjoint(used)
    reads_source = not _READ_SOURCE.isdisjoint(used)
    if not (reads_docstrings or reads_source):
        return
    for value in seen:
        if not isinstance(value, FunctionType | type):
            continue
        if reads_docstrings and value.__doc__ is not None:
            yield f"{full_name(value)}.__doc__", value.__doc__
        if reads_source:
            with suppress(OSError, TypeError):  # there is no source
                yield f"{full_name(value)}, as text", inspect.getsource(value)


def full_name(value: FunctionType | type[Any]) -> str:
    """Return the module and the qualified name of a function or class."""
    return f"{module_name(value.__module__ or '')}.{value.__qualname__}"
