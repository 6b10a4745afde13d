"""The given fields of pydantic models: they count where a project looks at them."""

from __future__ import annotations

import linecache
import sys
from contextvars import ContextVar
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from prefectx._identity.packages import is_of_one_package
from prefectx._settings.scoped import ScopedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FIELDS_SET: Final = "__pydantic_fields_set__"
_NAMES: Final = ("exclude_unset", "fields_set")

_counts: ContextVar[bool] = ContextVar("prefectx_given_fields", default=False)


def given_fields_count() -> bool:
    """Tell whether a digest has to differ for models of which other fields were given."""
    return _counts.get()


def count_given_fields() -> ScopedValue:
    """Let them count for the body of a `with` statement."""
    return ScopedValue(_counts, value=True)


def has_models(found: Iterable[Any]) -> bool:
    """Tell whether there is a pydantic model among classes."""
    model = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return model is not None and any(
        isinstance(kind, type) and issubclass(kind, model) for kind in found
    )


def looks_at_given_fields(fn: Callable[..., Any]) -> bool:
    """Tell whether a function's project names what shows the fields that were given.

    That is `exclude_unset` or `model_fields_set`, in any module that is loaded: the function may
    return the model, for another one to look at.
    """
    home = str(getattr(fn, "__module__", ""))
    module = sys.modules.get(home)
    if module is None:
        project = _Project(home)
    else:
        project = _PROJECTS.get(module) or _PROJECTS.setdefault(module, _Project(home))
    return project.looks() or any(named in text for text in _names_in(fn) for named in _NAMES)


class _Project:
    """The modules of a project, each of which is searched once: every task of it asks.

    Args:
        home: The name of a module of the project.
    """

    def __init__(self, home: str) -> None:
        self._home = home
        self._searched: set[tuple[str, int]] = set()
        self._looks = False

    def looks(self) -> bool:
        """Tell whether any module that is loaded names what shows the fields."""
        self._looks = self._looks or any(map(self._looks_in, list(sys.modules)))
        return self._looks

    def _looks_in(self, name: str) -> bool:
        module = sys.modules.get(name)
        if (name, id(module)) in self._searched:
            return False
        file: str | None = getattr(module, "__file__", None)
        is_own = is_of_one_package(name, self._home)
        if file or not is_own:
            # A notebook gets more functions with each cell.
            self._searched.add((name, id(module)))
        if not is_own:
            return False
        texts: Iterable[str] = linecache.getlines(file) if file else _names_in_functions(module)
        return any(named in text for text in texts for named in _NAMES)


_PROJECTS: Final[WeakKeyDictionary[Any, _Project]] = WeakKeyDictionary()


def _names_in_functions(module: Any) -> Iterator[str]:
    """Yield the names in the functions of a notebook or a prompt, which has no file."""
    for value in list(_attributes_of(module).values()):
        yield from _names_in(value)


def _names_in(value: Any) -> Iterator[str]:
    attributes = _attributes_of(value)
    while (wrapped := attributes.get("__wrapped__")) is not None:
        value, attributes = wrapped, _attributes_of(wrapped)
    if isinstance(value, FunctionType):
        yield from _names_in_code(value.__code__)
    elif isinstance(value, type):
        for attribute in attributes.values():
            if isinstance(attribute, FunctionType):
                yield from _names_in_code(attribute.__code__)


def _attributes_of(value: Any) -> Mapping[str, Any]:
    """Return the attributes that a function, a task or a class has itself."""
    found: Mapping[str, Any] = getattr(value, "__dict__", {})
    return found


def _names_in_code(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in_code(constant)
        else:
            # The names of keyword arguments are in a tuple.
            yield str(constant)
