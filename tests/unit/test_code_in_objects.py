"""Code that a task reaches through an object, a list or another name counts as its own does."""

from __future__ import annotations

import importlib
import linecache
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, Mock

import pytest

from prefectx import task
from prefectx._identity.code_hash import code_fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = "import collections, dataclasses, datetime, decimal, enum, functools, math, pathlib, re\n"
CLASS = "class C:\n    def __call__(self, x): return x + {}\n    go = __call__\n"
CALLER = "def run(x): return use(x)\n"
FUNCTION = "def add(x): return x + {}\n"


@pytest.fixture
def fingerprints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """The fingerprints of `run` in a module with the given text."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def found(text: str) -> object:
        (tmp_path / "code_in_objects.py").write_text(START + text)
        sys.modules.pop("code_in_objects", None)
        importlib.invalidate_caches()
        linecache.clearcache()
        return code_fingerprints(importlib.import_module("code_in_objects").run)

    return found


@pytest.mark.parametrize(
    "code",
    [
        CLASS + "use = C()\n" + CALLER,
        CLASS + "one = C()\ndef run(x): return one.go(x)\n",
        CLASS + "ONE = C()\ndef run(x): return ONE.go(x)\n",
        CLASS + "def run(x, one=C()): return one.go(x)\n",
        CLASS + "def make(c):\n    def run(x): return c.go(x)\n    return run\nrun = make(C())\n",
        CLASS + "steps = [C()]\ndef run(x): return steps[0](x)\n",
        FUNCTION + "STEPS = {{'a': add}}\ndef run(x): return STEPS['a'](x)\n",
        FUNCTION + "steps = {{'a': [add]}}\ndef run(x): return steps['a'][0](x)\n",
        FUNCTION + "steps = (add,)\ndef run(x): return steps[0](x)\n",
        FUNCTION + "use = functools.partial(functools.partial(add))\n" + CALLER,
        "@functools.singledispatch\ndef use(x): ...\n"
        "@use.register\ndef _(x: int): return x + {}\n" + CALLER,
        "class Meta(type):\n    def __call__(cls, x): return x + {}\n"
        "class use(metaclass=Meta): ...\n" + CALLER,
        CLASS + "class D:\n    call = C()\ndef run(x): return D.call(x)\n",
    ],
)
def test_functions_and_classes_that_objects_lead_to_count(
    fingerprints: Callable[[str], object], code: str
) -> None:
    assert fingerprints(code.format(1)) != fingerprints(code.format(2))
    assert fingerprints(code.format(1)) == fingerprints(code.format("1  # one"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("use = math.sqrt", "use = math.exp"),
        ("from math import sqrt as use", "from math import exp as use"),
        ("use = int", "use = float"),
        ("use = str.upper", "use = str.lower"),
        ("use = 'ab'.count", "use = 'b'.count"),
        ("import json as use", "import marshal as use"),
        ("from json import dumps as use", "from json import loads as use"),
        ("use = functools.partial(round, ndigits=1)", "use = functools.partial(round, ndigits=2)"),
        ("use = functools.partial(round, 1)", "use = functools.partial(round, 2)"),
        ("use = datetime.date(2020, 1, 1)", "use = datetime.date(2020, 1, 2)"),
        ("use = decimal.Decimal('1.0')", "use = decimal.Decimal('1.00')"),
        ("use = pathlib.Path('a')", "use = pathlib.Path('b')"),
        ("use = re.compile('a')", "use = re.compile('b')"),
        ("use = range(1)", "use = range(2)"),
        ("use = collections.namedtuple('P', 'x')(1)", "use = collections.namedtuple('P', 'x')(2)"),
        ("use = enum.Enum('E', 'A B').A", "use = enum.Enum('E', 'A B').B"),
    ],
)
def test_which_function_or_fixed_value_a_name_stands_for_counts(
    fingerprints: Callable[[str], object], before: str, after: str
) -> None:
    assert fingerprints(before + "\n" + CALLER) != fingerprints(after + "\n" + CALLER)


@pytest.mark.parametrize(("before", "after"), [("math.sqrt", "math.exp"), ("int", "str")])
def test_which_function_a_factory_was_given_counts(
    fingerprints: Callable[[str], object], before: str, after: str
) -> None:
    make = "def make(fn):\n    def run(x): return fn(x)\n    return run\nrun = make({})\n"
    assert fingerprints(make.format(before)) != fingerprints(make.format(after))


def test_what_a_task_may_change_does_not_count(fingerprints: Callable[[str], object]) -> None:
    assert fingerprints("use = [1]\n" + CALLER) == fingerprints("use = [2]\n" + CALLER)


class AnswersToAll:
    """It has whatever it is asked for, as what a mock was called with does."""

    def __getattr__(self, name: str) -> AnswersToAll:
        return AnswersToAll()


CLIENT = Mock()


def calls_a_mock(name: str) -> object:
    return CLIENT.get(name)


@pytest.mark.parametrize("client", [AnswersToAll(), [AnswersToAll()], Mock(), MagicMock()])
def test_objects_that_answer_to_every_name_have_an_end(client: Any) -> None:
    def run(name: str) -> object:
        return client.get(name)

    CLIENT.get("north")
    assert task(run).code.hash
    assert task(calls_a_mock).code.hash


def test_models_with_validators_are_the_same_in_each_process(tmp_path: Path) -> None:
    """Pydantic keeps the address of the class beside its validators."""
    (tmp_path / "models.py").write_text(
        "import sys, pydantic\n"
        "from prefectx import task\n"
        "filler = ['x' * n for n in range(int(sys.argv[1]))]\n"
        "class Model(pydantic.BaseModel):\n"
        "    size: int\n"
        "    @pydantic.field_validator('size', mode=sys.argv[2])\n"
        "    @classmethod\n"
        "    def check(cls, size): return size\n"
        "def run(x): return Model(size=x)\n"
        "print(task(run).code.hash)\n"
    )

    def printed(*args: str) -> str:
        command = [sys.executable, "models.py", *args]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    assert printed("1", "before") == printed("5000", "before") != printed("1", "after")
