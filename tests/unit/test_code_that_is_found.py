"""Code and values that a task reaches in any way: through texts, modules, lists and assignments."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from prefectx._identity.code_hash import code_fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEGINNING = 1_700_000_000


class Change(NamedTuple):
    """A function `t` of a project, and a change that its output depends on."""

    tasks: str
    helpers: str
    before: str
    after: str


H = "def h(x): return x + 1"
IN_H = ("x + 1", "x + 2")
M = "class M:\n    def __init__(self, r): self.r = r\n    def go(self, x): return x * self.r\n"

CHANGES: dict[str, Change] = {
    # What a module assigns to a name that is not in capitals.
    "list": Change("sizes = [1, 2]\ndef t(x): return sizes", "", "[1, 2]", "[1, 3]"),
    "dict of another module": Change(
        "from found import helpers\ndef t(x): return helpers.cfg['a']", "cfg = {'a': 1}", "1", "2"
    ),
    "dict by import": Change(
        "from found.helpers import cfg as c\ndef t(x): return c['a']", "cfg = {'a': 1}", "1", "2"
    ),
    "dict by a star": Change(
        "from found.helpers import *\ndef t(x): return cfg['a']", "cfg = {'a': 1}", "1", "2"
    ),
    "dict of a helper": Change(
        "from found.helpers import get\ndef t(x): return get()",
        "cfg = {'a': 1}\ndef get(): return cfg['a']",
        "'a': 1",
        "'a': 2",
    ),
    "object": Change(M + "m = M(2)\ndef t(x): return m.go(x)", "", "M(2)", "M(3)"),
    "object of a constant": Change(
        M + "n = 2\nm = M(n)\ndef t(x): return m.go(x)", "", "n = 2", "n = 3"
    ),
    "object of a helper": Change(
        "from found.helpers import make\nm = make()\ndef t(x): return m['r']",
        "def make(): return {'r': 2}",
        "2",
        "3",
    ),
    "method of an object": Change(M + "go = M(2).go\ndef t(x): return go(x)", "", "M(2)", "M(3)"),
    "getter": Change(
        "import operator\nget = operator.itemgetter(0)\ndef t(x): return get(x)", "", "(0)", "(1)"
    ),
    "added to": Change("sizes = [1]\nsizes += [2]\ndef t(x): return sizes", "", "[2]", "[3]"),
    "appended": Change("sizes = [1]\nsizes.append(2)\ndef t(x): return sizes", "", "2)", "3)"),
    "filled by a loop": Change(
        "sizes = {}\nfor n in (1, 2):\n    sizes[n] = n\ndef t(x): return sizes", "", "2)", "3)"
    ),
    "private list of a class": Change(
        "from found.helpers import B\nclass C(B): pass\ndef t(x): return C._sizes",
        "class B:\n    _sizes = [1]",
        "[1]",
        "[2]",
    ),
    # Modules that are used otherwise than by an attribute.
    "getattr": Change(
        "from found import helpers\ndef t(x): return getattr(helpers, 'h')(x)", H, *IN_H
    ),
    "getattr of a name": Change(
        "from found import helpers\ndef t(x): return getattr(helpers, 'h' + str(x))(x)",
        "def h1(x): return x + 1",
        *IN_H,
    ),
    "vars": Change("from found import helpers\ndef t(x): return vars(helpers)['h'](x)", H, *IN_H),
    "__dict__": Change(
        "from found import helpers\ndef t(x): return helpers.__dict__['h'](x)", H, *IN_H
    ),
    "an argument": Change(
        "from found import helpers\ndef g(m, x): return m.h(x)\ndef t(x): return g(helpers, x)",
        H,
        *IN_H,
    ),
    "a choice": Change(
        "import json\nfrom found import helpers\ndef t(x): return (helpers if x else json).h(x)",
        H,
        *IN_H,
    ),
    "a list of modules": Change(
        "from found import helpers\nMODULES = [helpers]\ndef t(x): return MODULES[0].h(x)", H, *IN_H
    ),
    "an attribute": Change(
        "from found import helpers\nclass A:\n    m = helpers\ndef t(x): return A().m.h(x)",
        H,
        *IN_H,
    ),
    "a closure": Change(
        "from found import helpers\ndef make(m):\n    def t(x): return m.h(x)\n    return t\n"
        "t = make(helpers)",
        H,
        *IN_H,
    ),
    "an alias": Change(
        "from found import helpers\ndef t(x):\n    m = helpers\n    return m.h(x)", H, *IN_H
    ),
    "the second import": Change(
        "def t(x):\n    from .helpers import (a, h)\n    return h(x)", "a = 1\n" + H, *IN_H
    ),
    # What constant texts name.
    "globals": Change("def h(x): return x + 1\ndef t(x): return globals()['h'](x)", "", *IN_H),
    "globals of a name": Change(
        "def h1(x): return x + 1\ndef t(x): return globals()['h' + str(x)](x)", "", *IN_H
    ),
    "eval": Change("def h(x): return x + 1\ndef t(x): return eval('h(x)')", "", *IN_H),
    "import_module": Change(
        "import importlib\ndef t(x): return importlib.import_module('found.helpers').h(x)", H, *IN_H
    ),
    "import_module of a neighbour": Change(
        "from importlib import import_module\n"
        "def t(x): return import_module('.helpers', __package__).h(x)",
        H,
        *IN_H,
    ),
    "sys.modules": Change(
        "import sys\nfrom found import helpers\ndef t(x): return sys.modules['found.helpers'].h(x)",
        H,
        *IN_H,
    ),
    # Inside objects of libraries.
    "named tuple": Change(
        "from found.helpers import P\ndef t(x): return P().a",
        "import collections\nP = collections.namedtuple('P', 'a', defaults=[1])",
        "[1]",
        "[2]",
    ),
    "validator": Change(
        "from found.helpers import V\ndef t(x): return V(a=x).a",
        "import pydantic, typing\ndef v(a): return a + 1\n"
        "class V(pydantic.BaseModel):\n"
        "    a: typing.Annotated[int, pydantic.AfterValidator(v)]",
        "a + 1",
        "a + 2",
    ),
}

CHANGES |= {
    # What is set on functions and classes from outside.
    "attribute of a function": Change(
        "from found.helpers import h\nh.limit = 3\ndef t(x): return h(x) + h.limit", H, "3", "4"
    ),
    "attribute of the task's function": Change(
        "def t(x): return x * t.limit\nt.limit = 3", "", "= 3", "= 4"
    ),
    "list on a function": Change(
        "from found.helpers import h\ndef t(x): return h.limits",
        H + "\nh.limits = [1, 2]",
        "[1, 2]",
        "[1, 3]",
    ),
    "attribute that a decorator sets": Change(
        "from found.helpers import retries\n@retries(3)\ndef h(x): return x\n"
        "def t(x): return h.retries",
        "def retries(n):\n    def mark(fn):\n        setattr(fn, 'retries', n)\n"
        "        return fn\n    return mark",
        "retries(3)",
        "retries(4)",
    ),
    "attribute of a class of another module": Change(
        "from found import helpers\nhelpers.C.rate = 2\ndef t(x): return x * helpers.C.rate",
        "class C:\n    rate = 1",
        "rate = 2",
        "rate = 3",
    ),
    "list of a class of another module": Change(
        "from found import helpers\nhelpers.C.rates = [2]\ndef t(x): return helpers.C.rates",
        "class C:\n    rates = [1]",
        "[2]",
        "[3]",
    ),
    "method of a class of another module": Change(
        "from found import helpers\ndef go(self, x): return x + 1\nhelpers.C.go = go\n"
        "def t(x): return helpers.C().go(x)",
        "class C:\n    def go(self, x): return x",
        *IN_H,
    ),
    "registered class": Change(
        "from found.helpers import Base\ndef t(x): return isinstance(x, Base)",
        "import abc\nclass Base(abc.ABC): pass\nBase.register(int)",
        "(int)",
        "(str)",
    ),
    "class that is registered no more": Change(
        "from found.helpers import Base\ndef t(x): return isinstance(x, Base)",
        "import abc\nclass Base(abc.ABC): pass\nBase.register(int)",
        "Base.register(int)",
        "",
    ),
    "code of a registered class": Change(
        "from found.helpers import Base\ndef t(x): return isinstance(x, Base)",
        "import abc\nclass Base(abc.ABC): pass\nclass C:\n    def go(self, x): return x + 1\n"
        "Base.register(C)",
        *IN_H,
    ),
    "derived class": Change(
        "from found.helpers import Base\n"
        "def t(x): return [kind().go(x) for kind in Base.__subclasses__()]",
        "class Base: pass\nclass A(Base):\n    def go(self, x): return x + 1",
        *IN_H,
    ),
    "derived of a derived class": Change(
        "from found.helpers import every, Base\ndef t(x): return [k.go(x) for k in every(Base)]",
        "def every(kind): return [kind, *(d for k in kind.__subclasses__() for d in every(k))]\n"
        "class Base: go = 1\nclass A(Base): pass\nclass B(A):\n    go = 2",
        "go = 2",
        "go = 3",
    ),
    "another derived class": Change(
        "from found.helpers import Base\ndef t(x): return len(Base.__subclasses__())",
        "class Base: pass\nclass A(Base): pass\nclass B: pass",
        "class B: pass",
        "class B(Base): pass",
    ),
    # Docstrings that are data.
    "docstring of a helper": Change(
        "from found.helpers import h\ndef t(x): return h.__doc__",
        "def h(x):\n    '''One.'''\n    return x",
        "One",
        "Two",
    ),
    "docstring of itself": Change(
        "def t(x):\n    '''One.'''\n    return t.__doc__", "", "One", "Two"
    ),
    "docstring by inspect": Change(
        "import inspect\nfrom found.helpers import C\ndef t(x): return inspect.getdoc(C)",
        "class C:\n    '''One.'''",
        "One",
        "Two",
    ),
    "docstring by getattr": Change(
        "from found.helpers import C\ndef t(x): return getattr(C, '__doc__')",
        "class C:\n    '''One.'''",
        "One",
        "Two",
    ),
    "a module that is loaded by its file": Change(
        "import importlib.util as util\n"
        "spec = util.spec_from_file_location('loaded', util.find_spec('found.helpers').origin)\n"
        "other = util.module_from_spec(spec)\nspec.loader.exec_module(other)\n"
        "def t(x): return other.h(x)",
        H,
        *IN_H,
    ),
    "a class of a module that is loaded by its file": Change(
        "import importlib.util as util\n"
        "spec = util.spec_from_file_location('loaded', util.find_spec('found.helpers').origin)\n"
        "other = util.module_from_spec(spec)\nspec.loader.exec_module(other)\n"
        "m = other.M(2)\ndef t(x): return m.go(x)",
        M,
        "x * self.r",
        "x + self.r",
    ),
    "a file that is run": Change(
        "import importlib.util as util, runpy\n"
        "names = runpy.run_path(util.find_spec('found.helpers').origin)\n"
        "def t(x): return names['h'](x)",
        H,
        *IN_H,
    ),
    "what a decorator sets on a class": Change(
        "from found.helpers import C\ndef t(x): return C._rates[0] * x",
        "def rated(kind):\n    kind._rates = [1]\n    return kind\n@rated\nclass C: pass",
        "[1]",
        "[2]",
    ),
    "what a base class sets on a class": Change(
        "from found.helpers import C\ndef t(x): return C._rates['a'] * x",
        "class B:\n    def __init_subclass__(cls, rate): cls._rates = {'a': rate}\n"
        "class C(B, rate=1): pass",
        "rate=1",
        "rate=2",
    ),
    "source that is read": Change(
        "import inspect\nfrom found.helpers import h\ndef t(x): return inspect.getsource(h)",
        H + "  # one",
        "# one",
        "# two",
    ),
    "docstring of a module": Change(
        "'''Usage: one.'''\ndef t(x): return __doc__", "", "one", "two"
    ),
    "docstring of another module": Change(
        "from found import helpers\ndef t(x): return helpers.__doc__",
        "'''Usage: one.'''",
        "one",
        "two",
    ),
    "docstring of a method": Change(
        "from found.helpers import C\ndef t(x): return C.go.__doc__",
        "class C:\n    def go(self):\n        '''One.'''",
        "One",
        "Two",
    ),
}

# Nothing that the function `t` depends on.
OTHERS: dict[str, Change] = {
    "another helper": Change(
        "from found import helpers\ndef t(x): return helpers.h(x)",
        H + "\ndef other(x): return 1",
        "return 1",
        "return 2",
    ),
    "a method named eval": Change(
        "def other(x): return 1\ndef t(x): return x.eval('a')", "", "return 1", "return 2"
    ),
    "an assignment to another name": Change(
        "sizes = [1]\nothers = [2]\ndef t(x): return sizes", "", "[2]", "[3]"
    ),
    "what runs in a script alone": Change(
        "sizes = [1]\ndef t(x): return sizes\nif __name__ == '__main__':\n    print(1)",
        "",
        "print(1)",
        "print(2)",
    ),
    "a docstring that nobody reads": Change(
        "def t(x):\n    '''One.'''\n    return x", "", "One", "Two"
    ),
    "a derived class that nobody looks for": Change(
        "from found.helpers import Base\ndef t(x): return Base()",
        "class Base: pass\nclass A(Base): go = 1",
        "go = 1",
        "go = 2",
    ),
    "a counter on a function": Change(
        "from found.helpers import h\ndef t(x): return h(x)",
        "def h(x):\n    h.calls += 1\n    return x\nh.calls = 0",
        "h.calls = 0",
        "h.calls = 1",
    ),
    "a call of a helper": Change(
        "from found.helpers import h\ndef t(x): return h(x)", H + "\nh(1)", "h(1)", "h(2)"
    ),
    "a comment": Change("sizes = [1]  # one\ndef t(x): return sizes", "", "# one", "# two"),
}


@pytest.fixture
def fingerprints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], dict[str, str]]]:
    """Write the project anew, in a folder of its own, and look at `t`."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folders: list[Path] = []

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "found"]:
            del sys.modules[name]

    def look(tasks: str, helpers: str) -> dict[str, str]:
        forget()
        folder = tmp_path / str(len(folders))
        folders.append(folder)
        (folder / "found").mkdir(parents=True)
        for name, text in {"__init__": "", "helpers": helpers, "tasks": tasks}.items():
            file = folder / f"found/{name}.py"
            file.write_text(textwrap.dedent(text))
            # As of a project that nobody edits while it runs.
            os.utime(file, (BEGINNING, BEGINNING))
        monkeypatch.syspath_prepend(folder)
        importlib.import_module("found.helpers")
        return code_fingerprints(importlib.import_module("found.tasks").t)

    yield look
    forget()


def changed(look: Any, change: Change) -> set[str]:
    after = [text.replace(change.before, change.after) for text in change[:2]]
    assert (change.tasks, change.helpers) != tuple(after)
    one, again, other = look(*change[:2]), look(*change[:2]), look(*after)
    assert one == again
    return {name for name in {**one, **other} if one.get(name) != other.get(name)}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_of_it_is_seen(kind: str, fingerprints: object) -> None:
    assert changed(fingerprints, CHANGES[kind])


@pytest.mark.parametrize("kind", OTHERS)
def test_a_change_of_what_it_does_not_reach_is_not_seen(kind: str, fingerprints: object) -> None:
    assert not changed(fingerprints, OTHERS[kind])


def test_what_a_module_assigns_is_named(fingerprints: object) -> None:
    found = changed(fingerprints, CHANGES["dict by import"])
    assert found == {"found.helpers.cfg, as assigned", "found.tasks.c['a']"}


def test_the_cache_of_singledispatch_is_no_code(fingerprints: Any) -> None:
    """It differed in each process."""
    helpers = (
        "import functools\n@functools.singledispatch\ndef h(x): return 0\n"
        "@h.register\ndef _(x: int): return x + 1"
    )
    tasks = "from found.helpers import h\ndef t(x): return h(x)"
    found = fingerprints(tasks, helpers)
    assert not any("cache" in name for name in found)
    sys.modules["found.helpers"].h(1)
    assert code_fingerprints(sys.modules["found.tasks"].t) == found


def test_what_was_edited_since_the_program_started_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source may say what the running program has never seen."""
    (tmp_path / "edited_since.py").write_text("sizes = [1]\ndef t(x): sizes.append(x)\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = code_fingerprints(importlib.import_module("edited_since").t)
    assert found["edited_since.sizes"] == "list"
    assert not any("as assigned" in name for name in found)


def test_functions_that_exec_makes_without_names_count() -> None:
    def made(body: str) -> Any:
        namespace: dict[str, Any] = {}
        exec(f"limit = 3\ndef h(x): return {body}\ndef t(x): return h(x) + limit", namespace)  # noqa: S102
        return code_fingerprints(namespace["t"])

    assert made("x + 1") == made("x + 1")
    assert made("x + 1") != made("x + 2")
