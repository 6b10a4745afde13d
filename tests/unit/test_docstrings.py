"""Every example in a docstring runs and gives what it says; every public name has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from typing import Any

import pytest

import prefectx
import prefectx.logs
import prefectx.stores
import pytest_prefectx
from prefectx.records import record_of
from prefectx.stores.formats import _formats
from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache")

FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL

LOGS = ("in_run", "setup")

NAMESPACE = {
    **{name: getattr(prefectx, name) for name in prefectx.__all__},
    **{name: getattr(prefectx.stores, name) for name in prefectx.stores.__all__},
    **{name: getattr(pytest_prefectx, name) for name in pytest_prefectx.__all__},
    **{name: getattr(prefectx.logs, name) for name in LOGS},
    "logs": prefectx.logs,
    "record_of": record_of,
}

PUBLIC = {*LOGS, *prefectx.__all__, *prefectx.stores.__all__, *pytest_prefectx.__all__}

# These have no docstring of their own, or are made for you.
# An annotation has no docstring of its own.
WITHOUT_EXAMPLE = {"InFile", "MODES", "ModesDisagree", "strategies"}

# These are imported only where Prefect or Dask is used.
OPTIONAL = (
    "prefectx._runners.prefect.skip_mode",
    "prefectx._runners.prefect.server",
    "prefectx.dask",
)


def modules() -> list[object]:
    """Give every module that needs neither Prefect nor Dask."""
    packages = (prefectx, pytest_prefectx)
    infos = [i for p in packages for i in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")]
    needed = [info.name for info in infos if not info.name.startswith(OPTIONAL)]
    return [*packages, *map(importlib.import_module, needed)]


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder()
    found = [test for module in modules() for test in finder.find(module, extraglobs=NAMESPACE)]
    return [test for test in found if test.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_examples_give_what_they_say(example: doctest.DocTest, tmp_target: Targets) -> None:
    registered = dict(_formats)
    told: list[str] = []
    with prefectx.use_mode("function"), prefectx.context():
        failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=told.append)
    _formats.clear()
    _formats.update(registered)
    assert not failed, "".join(told)


@pytest.mark.parametrize("name", sorted(PUBLIC - WITHOUT_EXAMPLE))
def test_every_public_name_has_a_docstring_with_an_example(name: str) -> None:
    value = NAMESPACE[name]
    text = inspect.getdoc(value if callable(value) and not is_instance(value) else type(value))
    assert text, f"{name} has no docstring"
    assert ">>> " in text, f"the docstring of {name} has no example"


def is_instance(value: object) -> bool:
    """Tell whether `value` is an object of one of our classes, such as `task`."""
    return type(value).__module__.startswith("prefectx.")


def test_the_names_are_sorted_and_there() -> None:
    for module in (prefectx, prefectx.stores, pytest_prefectx):
        assert sorted(module.__all__) == sorted(set(module.__all__))
        assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_every_function_and_class_that_others_may_use_has_a_docstring(module: object) -> None:
    assert module.__doc__
    own = [value for value in vars(module).values() if is_of(value, module)]
    assert [value.__name__ for value in own if not value.__doc__] == []


def is_of(value: Any, module: Any) -> bool:
    return (
        (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    )
