"""Completion, `help` and signatures: public names only and all of them, each option in a line."""

from __future__ import annotations

import inspect
import pydoc
import re
from typing import TYPE_CHECKING

import pytest

import prefectx
from prefectx import flow, task
from prefectx._naming.options import FLOW_OPTIONS, TASK_OPTIONS

if TYPE_CHECKING:
    from prefectx._api.task import Task

pytestmark = pytest.mark.prefectx("cache")


@task
def read(path: str, *, pages: int = 1) -> list[str]:
    """Read a file."""
    return [path] * pages


@flow
def report(path: str, *, pages: int = 1) -> list[str]:
    return read(path, pages=pages)


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_package_completes_its_public_names_and_modules_and_nothing_else() -> None:
    modules = {"dask", "errors", "logs", "records", "stores"}
    assert public(dir(prefectx)) - modules - {"cli"} == set(prefectx.__all__)
    assert modules <= set(dir(prefectx))


@pytest.mark.parametrize("name", sorted(public(dir(prefectx))))
def test_each_name_that_the_package_completes_is_there(name: str) -> None:
    assert getattr(prefectx, name) is not None


def test_the_package_knows_its_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", prefectx.__version__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'taks'"):
        _ = prefectx.taks


@pytest.mark.parametrize(
    ("decorator", "options"), [(task, TASK_OPTIONS), (flow, FLOW_OPTIONS)], ids=["task", "flow"]
)
def test_help_gives_each_option_a_line(decorator: object, options: frozenset[str]) -> None:
    _, text = pydoc.plain(pydoc.render_doc(decorator)).split("\n", 1)
    lines = re.findall(r"(?m)^ *(\w+): \S.*\.$", text)
    assert sorted(lines) == sorted(options)
    assert ">>> " in text
    assert not re.search(r"\b_[a-z]\w+", text), "a private name"


def test_help_is_of_the_decorator_whatever_options_it_was_given() -> None:
    assert "rerun_on: " in pydoc.plain(pydoc.render_doc(task(target="x/{base}")))


@pytest.mark.parametrize("decorated", [read, report], ids=["task", "flow"])
def test_the_signature_is_the_functions(decorated: Task[..., object]) -> None:
    assert inspect.signature(decorated) == inspect.signature(decorated.fn)


def test_help_of_a_task_begins_with_its_signature_and_its_docstring() -> None:
    text = pydoc.plain(pydoc.render_doc(read))
    assert f"read{inspect.signature(read.fn)}" in text
    assert "Read a file." in text


def test_a_task_completes_what_users_call_and_nothing_internal() -> None:
    names = public(dir(read))
    assert {"fn", "name", "submit", "map", "item", "with_options"} <= names
    assert not {"naming", "code", "become_class_method", "qualified_name"} & names


def test_a_flow_completes_what_prefects_have() -> None:
    names = public(dir(report))
    assert {"fn", "name", "with_options", "serve", "deploy", "visualize"} <= names
    assert not {"body", "bound_to", "options"} & names


def test_a_functions_own_attributes_are_completed() -> None:
    def marked() -> None: ...

    marked.priority = 1  # type: ignore[attr-defined]
    assert "priority" in dir(task(marked))


@pytest.mark.parametrize(("ours", "name"), [(read, "Task"), (report, "Flow")])
def test_every_public_method_of_prefects_is_completed(ours: object, name: str) -> None:
    prefect = pytest.importorskip("prefect")
    theirs = public(dir(getattr(prefect, name)))
    # What says what kind of method Prefect has found is no use to users.
    theirs = {name for name in theirs if not name.startswith("is")}
    assert theirs <= public(dir(ours))
