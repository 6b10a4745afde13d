"""Code of functions and objects that are arguments: a change of it is told, and can be acted on."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING
from weakref import ref

import pytest

from prefectx import task, use_mode
from prefectx._calls.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_prefectx import Targets

TOOLS = """
import collections, dataclasses, enum, functools, threading, pydantic
from prefectx import task

def helper(x): return x + {number}
def add(x): return helper(x)
async def later(x): return helper(x)

class Adder:
    def __init__(self, k=0): self.k = k
    def __call__(self, x): return helper(x)
    @classmethod
    def of_class(cls, x): return helper(x)
    @staticmethod
    def static(x): return helper(x)

class Child(Adder): pass

class Slotted:
    __slots__ = ("k",)
    def __call__(self, x): return helper(x)

class Locked(Adder):
    def __init__(self): self.lock = threading.Lock()
    def __reduce__(self): raise TypeError("no")

class Pickled(Adder):
    def __reduce__(self): return Pickled, (self.k,)

@dataclasses.dataclass
class Step:
    name: str
    fn: object = None
    def __call__(self, x): return (self.fn or helper)(x)

class Model(pydantic.BaseModel):
    size: int = 0
    def __call__(self, x): return helper(x)

class Kind(enum.Enum):
    ONE = 1
    def __call__(self, x): return helper(x)

class Names(dict):
    def __call__(self, x): return helper(x)

Point = collections.namedtuple("Point", "fn")

class Named(Point):
    def __call__(self, x): return helper(x)

def maker():
    class Local:
        def __call__(self, x): return helper(x)
    return Local

@functools.cache
def cached(x): return helper(x)

@functools.wraps(add)
def wrapped(x): return helper(x)

@functools.singledispatch
def single(x): return None
@single.register
def _(x: int): return helper(x)

@task(target=None)
def inner(x): return helper(x)

class Failed(Exception):
    def __call__(self, x): return helper(x)
"""

PROGRAM = """
import asyncio, types, warnings
from prefectx import flow, load, task
import tools
from tools import *
from functools import partial

def callable_in(value):
    if type(value) is types.ModuleType:
        return vars(value)["add"]
    if type(value) is dict:
        return callable_in([*value.values()])
    if type(value) in (list, set, tuple, tools.Point):
        return callable_in([*value][-1])
    return value() if isinstance(value, type) else value

@task(target="out/{name}")
def apply(name, f):
    result = callable_in(f)(1)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result

values = {
    "function": add, "async": later, "lambda": lambda x: tools.helper(x), "class": Adder,
    "instance": Adder(1), "child": Child(), "slotted": Slotted(), "locked": Locked(),
    "pickled": Pickled(), "dataclass": Step("a"), "field": Step("a", add), "model": Model(),
    "enum": Kind.ONE, "dict": Names(a=1), "tuple": Point(add), "named": Named(1),
    "local": tools.maker()(), "cached": cached, "wrapped": wrapped, "single": single,
    "partial": partial(partial(add)), "method": Adder().__call__, "class method": Adder.of_class,
    "static": Adder.static, "task": inner, "error": Failed("a"), "list": [1, [add]],
    "in dict": {"a": {"b": (add,)}}, "set": {add}, "many": [Adder(n) for n in range(2000)],
    "module": tools,
    "column": [("a", add)] * 100, "wrapped in many": [cached] * 40, "tasks": [inner] * 40,
}
@flow
def one(name):
    return apply(name, values[name])

if __name__ == "__main__":
    warnings.simplefilter("always")
    for name in values:
        print(name, load(one(name)), sep=": ")
"""


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[..., tuple[dict[str, str], dict[str, str]]]:
    """Run the program with a number in the helper; return outputs and warnings by target."""

    def run(number: int, reasons: str = "") -> tuple[dict[str, str], dict[str, str]]:
        (tmp_path / "tools.py").write_text(TOOLS.replace("{number}", str(number)))
        (tmp_path / "program.py").write_text(PROGRAM)
        ran = subprocess.run(
            [sys.executable, "-B", "program.py"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
            env={"PREFECTX": "cache", "PATH": "", "PREFECTX_RERUN_ON": reasons},
        )
        told = [line.split("'out/")[1] for line in ran.stderr.splitlines() if "StaleTarget" in line]
        found = dict(line.split(": ") for line in ran.stdout.splitlines())
        return found, {line.split("'")[0]: line for line in told}

    return run


def test_a_helper_of_what_is_an_argument_has_changed(
    outputs: Callable[..., tuple[dict[str, str], dict[str, str]]],
) -> None:
    """Functions, classes, objects, tasks, wherever they lie in the argument."""
    first, told = outputs(1)
    assert set(first.values()) == {"2"}
    assert told == {}
    assert outputs(1) == (first, {})
    found, told = outputs(5)
    assert found == first
    assert set(told) == set(first), "each is told"
    for name, line in told.items():
        assert "was made with other code in the argument 'f'" in line, name
        assert "tools.helper" in line, name
    found, told = outputs(5, "code")
    assert (set(found.values()), told) == ({"6"}, {})


def sized(x: object) -> int:
    return 1


def test_functions_and_classes_that_were_arguments_are_not_kept_alive(tmp_target: Targets) -> None:
    """A long run may be given another closure, over much data, in each of its calls."""

    @task(target="{number}")
    def given(code: object, number: int) -> int:
        return number

    def make(number: int) -> list[object]:
        class Local:
            def method(self) -> int:
                return number

        return [lambda: number, Local]

    alive: list[ref[object]] = []
    with use_mode("cache"):
        for number in range(3):
            for index, code in enumerate(make(number)):
                given(code, 2 * number + index)
                alive.append(ref(code))
    del code
    gc.collect()
    assert [found() for found in alive] == [None] * 6


def test_arguments_without_code_of_the_project_have_none() -> None:
    import datetime

    import numpy as np
    import pandas as pd

    sized_task = task(sized)
    values = [[1, "a"], {"a": np.arange(3)}, pd.DataFrame({"a": [1]}), len, np.sum, pd.DataFrame]
    for value in [*values, datetime.date(2020, 1, 1), [datetime.date(2020, 1, 1)] * 50]:
        assert Call(sized_task, (value,), {}).identity.code == {}


def test_status_and_accept_see_the_code_of_arguments(
    outputs: Callable[..., tuple[dict[str, str], dict[str, str]]], tmp_path: Path
) -> None:
    def told(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "-B", "-m", "prefectx.cli", *command],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": "", "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        ).stdout

    outputs(1)
    assert "has changed" not in told("why", "out/function")
    outputs(5)
    text = " ".join(told("why", "out/function").split())
    assert "the code in its argument f has changed since it was made" in text
    assert "tools.helper" in text
    told("accept", "out/function", "--reason", "as before")
    assert "has changed" not in told("why", "out/function")
    assert "function" not in outputs(5)[1]
