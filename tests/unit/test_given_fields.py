"""The given fields of pydantic models, which count where the project looks at them, else not."""

from __future__ import annotations

import importlib
import linecache
import sys
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, load, use_mode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_prefectx import Targets

pytest.importorskip("pydantic")
pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]

START = """
import dataclasses, pydantic
from prefectx import flow, task

class Inner(pydantic.BaseModel):
    b: int = 1

class Model(pydantic.BaseModel):
    a: int = 1
    inner: Inner = Inner()

@dataclasses.dataclass
class Box:
    model: Model

def both(): return Model(), Model(a=1)
def lists(): return [Model()], [Model(a=1)]
def many(): return [Model()] * 40, [Model(a=1)] * 40
def boxes(): return Box(Model()), Box(Model(a=1))
def nested(): return Model(inner=Inner()), Model(inner=Inner(b=1))
def in_order(): return [Model(), Model(a=1)], [Model(a=1), Model()]
def twice():
    one, other = both()
    return [one, other, one], [one, other, other]
"""
PAIRS = ("both", "lists", "many", "boxes", "nested", "in_order", "twice")

SEEING = [
    """
def dump(x, **how):
    if isinstance(x, list): return [dump(y) for y in x]
    return getattr(x, "model", x).model_dump(exclude_unset=True)
@task
def held(x): return dump(x)
def seen(found): return found
""",
    """
def dump(x):
    if isinstance(x, list): return [dump(y) for y in x]
    x = getattr(x, "model", x)
    return x.model_fields_set, x.inner.model_fields_set
@task
def held(x): return x
seen = dump
""",
]
NOT_SEEING = """
@task
def held(x): return repr(x)
def seen(found): return found
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """A module with the given text, in a folder of its own."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)

    def made(text: str) -> object:
        (tmp_path / "given_fields_project.py").write_text(START + text)
        monkeypatch.delitem(sys.modules, "given_fields_project", raising=False)
        linecache.clearcache()
        importlib.invalidate_caches()
        return importlib.import_module("given_fields_project")

    return made


@flow
def calls(held: Any, one: Any, other: Any) -> Any:
    return held(one), held(other)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("text", SEEING)
def test_where_the_project_looks_at_them_they_are_two_calls(
    text: str, pair: str, project: Callable[[str], Any]
) -> None:
    module = project(text)
    one, other = getattr(module, pair)()
    with use_mode("function"):
        expected = [module.seen(found) for found in calls(module.held, one, other)]
    assert expected[0] != expected[1]
    for _ in range(2):
        found = [module.seen(each) for each in load(calls(module.held, one, other))]
        assert found == expected


@pytest.mark.parametrize("pair", PAIRS)
def test_elsewhere_they_are_one_call(
    pair: str, project: Callable[[str], Any], tmp_target: Targets
) -> None:
    module = project(NOT_SEEING)
    one, other = getattr(module, pair)()
    found = load(calls(module.held, one, other))
    assert found[0] == found[1]
    assert tmp_target.runs == {"held": 1}
