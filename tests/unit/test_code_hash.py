"""Versions of a task's code: changes that count, changes that do not, and the part that changed."""

from __future__ import annotations

import gc
import importlib
import linecache
import sys
import threading
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

import prefectx
from prefectx import task
from prefectx._identity.code_hash import code_fingerprints
from prefectx._identity.syntax import syntax_tree
from prefectx._identity.task_identity import task_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

HELPERS = """
LIMITS = [1, 2]

def clean(x):
    return scale(x) + 1

def scale(x):
    return x * LIMITS[0]

def unused(x):
    return x

class Base:
    factor = 3

    def helped(self):
        return clean(self.factor)
"""

TASKS = '''
import functools
from pkg import helpers
from pkg.helpers import Base, clean

STEP = 2
seen = {}

def called(x, step=STEP):
    """Add."""
    # Quietly.
    return clean(x) + step

def through_a_module(x):
    return helpers.clean(x)

def imports_within(x):
    from pkg.helpers import clean
    return clean(x)

def imports_a_module_within(x):
    from . import helpers as h
    return h.clean(x)

def named(x):
    return list(map(helpers.clean, x))

def constant(x):
    return x + STEP

def caches(x):
    seen[x] = x
    return x

class Method(Base):
    width = {"a": 1}

    def run(self, x):
        return self.helped() + x

def make(config):
    def made(x):
        return x * config["n"]
    return made

made = make({"n": 2})

def counter():
    count = 0
    def counted(x):
        nonlocal count
        count += 1
        return count
    return counted

counted = counter()

def partly(x):
    return functools.partial(clean)(x)

def quoted(x):
    return f"{clean(x)!r:>{STEP}}"

def asks(x):
    return (lambda y: clean(y))(x)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., object]]:
    """Write the package anew, with changes, and import it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def imported(*changes: tuple[str, str]) -> object:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pkg"]:
            del sys.modules[name]
        (tmp_path / "pkg").mkdir(exist_ok=True)
        (tmp_path / "pkg/__init__.py").touch()
        for name, text in {"helpers": HELPERS, "tasks": TASKS}.items():
            for before, after in changes:
                text = text.replace(before, after)  # noqa: PLW2901
            (tmp_path / f"pkg/{name}.py").write_text(text)
        importlib.invalidate_caches()
        linecache.clearcache()
        return importlib.import_module("pkg.tasks")

    yield imported
    for name in [name for name in sys.modules if name.partition(".")[0] == "pkg"]:
        del sys.modules[name]


def changed(package: Callable[..., ModuleType], name: str, *changes: tuple[str, str]) -> set[str]:
    """Return the names of what has changed for a function of the package."""
    function = attrgetter(name)
    old = code_fingerprints(function(package()))
    new = code_fingerprints(function(package(*changes)))
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


USERS_OF_CLEAN = (
    *("called", "through_a_module", "imports_within", "imports_a_module_within", "named"),
    *("partly", "quoted", "asks"),
)


class TestHelpers:
    @pytest.mark.parametrize("name", USERS_OF_CLEAN)
    def test_helpers_that_are_called_named_or_imported_count(
        self, package: Callable[..., ModuleType], name: str
    ) -> None:
        assert changed(package, name, ("scale(x) + 1", "scale(x) + 2")) == {"pkg.helpers.clean"}

    @pytest.mark.parametrize("name", USERS_OF_CLEAN)
    def test_helpers_of_helpers_count(self, package: Callable[..., ModuleType], name: str) -> None:
        changes = [("x * LIMITS[0]", "x - LIMITS[0]"), ("[1, 2]", "[1, 3]")]
        assert changed(package, name, *changes) == {"pkg.helpers.scale", "pkg.helpers.LIMITS"}

    def test_helpers_of_methods_count_as_do_attributes_of_their_classes(
        self, package: Callable[..., ModuleType]
    ) -> None:
        for change, name in {
            ("factor = 3", "factor = 4"): "pkg.helpers.Base.factor",
            ('"a": 1', '"a": 2'): "pkg.tasks.Method.width",
            ("scale(x) + 1", "0 * scale(x)"): "pkg.helpers.clean",
            ("clean(self.factor)", "-clean(self.factor)"): "pkg.helpers.Base.helped",
        }.items():
            assert changed(package, "Method.run", change) == {name}

    def test_helpers_that_are_not_used_do_not_count(
        self, package: Callable[..., ModuleType]
    ) -> None:
        assert not changed(package, "called", ("unused(x):\n    return x", "unused(x): 0"))

    def test_helpers_in_a_file_beside_it_count_and_those_of_other_libraries_do_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "aside_helper.py").write_text("def double(x): return 2 * x\n")
        (tmp_path / "aside.py").write_text(
            "import json\nfrom aside_helper import double\n"
            "def run(x): return json.dumps(double(x))\n"
        )
        found = code_fingerprints(importlib.import_module("aside").run)
        # Of another library it counts which one it is.
        assert set(found) == {"aside.run", "aside.json", "aside_helper.double"}

    def test_helpers_of_prefectx_itself_do_not_count_wherever_it_lies(self) -> None:
        """Here it lies beside this module, as in a repository that holds both."""

        def loads(item: object) -> object:
            return prefectx.load(item)

        names = {f"{__name__}.{loads.__qualname__}", f"{__name__}.prefectx", "prefectx.load"}
        assert set(code_fingerprints(loads)) <= names

    def test_helpers_of_a_library_that_a_function_imports_are_not_imported_to_look_at_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may be large, or not installed where the task does not run."""
        for folder in ("site-packages", "mine"):
            (tmp_path / folder).mkdir()
            monkeypatch.syspath_prepend(tmp_path / folder)
        (tmp_path / "site-packages/rarely.py").write_text("def used(x): return x\n")
        (tmp_path / "mine/rare_helper.py").write_text("def double(x): return 2 * x\n")
        (tmp_path / "mine/rare.py").write_text(
            "def run(x):\n    import rarely\n    from rare_helper import double\n"
            "    return rarely.used(double(x))\n"
        )
        found = code_fingerprints(importlib.import_module("rare").run)
        assert set(found) == {"rare.run", "rare_helper.double"}
        assert "rarely" not in sys.modules


class TestValues:
    def test_values_of_constants_defaults_and_closures_count(
        self, package: Callable[..., ModuleType]
    ) -> None:
        changes = [("STEP = 2", "STEP = 3"), ('"n": 2', '"n": 3')]
        for name, found in {
            "constant": "pkg.tasks.STEP",
            "called": "pkg.tasks.called, default of step",
            "made": "pkg.tasks.make.<locals>.made, config of its closure",
        }.items():
            assert changed(package, name, *changes) == {found}

    def test_values_that_the_task_itself_changes_do_not_count(
        self, package: Callable[..., ModuleType]
    ) -> None:
        found = package()
        before = task(found.caches).code.hash, task(found.counted).code.hash
        found.caches(1)
        found.counted(1)
        assert (task(found.caches).code.hash, task(found.counted).code.hash) == before


class TestSource:
    @pytest.mark.parametrize("name", USERS_OF_CLEAN)
    def test_comments_docstrings_layout_and_lines_do_not_count(
        self, package: Callable[..., ModuleType], name: str
    ) -> None:
        changes = [
            ("# Quietly.", "# Loudly."),
            ('"""Add."""', '"""Subtract."""'),
            ("import functools\n", "import functools\n\n\n"),
            ("return clean(x)", "return (\n        clean(x)\n    )"),
            ("    return scale(x) + 1", '    """Doc."""\n\n    return scale(x) + 1  # more'),
        ]
        assert not changed(package, name, *changes)

    @pytest.mark.parametrize(
        "change",
        [("+ step", "- step"), ("+ step", "+ 2 * step"), ("x, step=", "x, y=0, step=")],
    )
    def test_source_of_the_function_itself_counts(
        self, package: Callable[..., ModuleType], change: tuple[str, str]
    ) -> None:
        assert "pkg.tasks.called" in changed(package, "called", change)

    def test_source_that_was_edited_since_it_was_imported_is_not_taken_for_what_runs(
        self, package: Callable[..., ModuleType], tmp_path: Path
    ) -> None:
        """The file may be edited while a long flow runs the code of before."""
        imported = package()
        edited = tmp_path / "pkg/tasks.py"
        edited.write_text(edited.read_text().replace("+ step", "- step"))
        linecache.checkcache()
        running = task(imported.called).code.hash
        assert running != task(package(("+ step", "- step")).called).code.hash

    @pytest.mark.parametrize("python", ["3.12", "3.13"])
    def test_source_gives_the_same_tree_in_other_versions(self, python: str) -> None:
        """Run by hand where they are installed: tests of this project run in one version."""
        import shutil
        import subprocess

        from prefectx._identity import syntax

        if (found := shutil.which(f"python{python}")) is None:
            pytest.skip(f"no Python {python} here")
        code = (
            "import ast, importlib.util, sys\n"
            f"spec = importlib.util.spec_from_file_location('s', {syntax.__file__!r})\n"
            "module = importlib.util.module_from_spec(spec)\n"
            "spec.loader.exec_module(module)\n"
            "print(module._text(ast.parse(sys.stdin.read())))"
        )
        done = [
            subprocess.run(
                [each, "-c", code],
                input=HELPERS + TASKS,
                capture_output=True,
                text=True,
                check=False,
            )
            for each in (sys.executable, found)
        ]
        if done[1].returncode:
            pytest.skip(f"Python {python} does not start: {done[1].stderr}")
        assert done[0].stdout == done[1].stdout


class TestTasks:
    def test_tasks_called_by_tasks_count(self) -> None:
        @task
        def inner(x: int) -> int:
            return x

        def outer(x: int) -> int:
            return inner(x)

        assert any("inner" in name for name in code_fingerprints(outer))

    def test_tasks_that_close_over_other_values_are_others(self) -> None:
        def make(config: Any) -> Any:
            def made(x: int, also: object = config) -> object:
                return x * config["n"]

            return made

        texts = [task_identity(make(config)) for config in ({"n": 2}, {"n": 3}, {"n": 2})]
        assert texts[0] == texts[2] != texts[1]

    def test_tasks_that_close_over_what_has_no_value_are_told_apart_by_it(self) -> None:
        import threading

        def make(lock: object) -> Any:
            return lambda: lock

        lock = threading.Lock()
        texts = [task_identity(make(each)) for each in (lock, threading.Lock(), lock)]
        assert texts[0] == texts[2] != texts[1]

    def test_tasks_of_a_script_have_the_name_that_importing_it_gives(self, tmp_path: Path) -> None:
        import subprocess

        (tmp_path / "package").mkdir()
        (tmp_path / "package/__init__.py").touch()
        source = (
            "from prefectx._identity.task_identity import task_identity\n"
            "def clean(x): return x\n"
            "class Kept: pass\n"
            "def show():\n"
            "    from prefectx._identity.content_hash import digest\n"
            "    print(task_identity(clean), digest(clean), digest(Kept()))\n"
            "if __name__ == '__main__': show()\n"
        )
        for path, name in {"weather.py": "weather", "package/rain.py": "package.rain"}.items():
            (tmp_path / path).write_text(source)
            runs = [[path], ["-m", name], ["-c", f"import {name} as m; m.show()"]]
            shown = {
                subprocess.run(
                    [sys.executable, *run], cwd=tmp_path, capture_output=True, text=True, check=True
                ).stdout
                for run in runs
            }
            assert len(shown) == 1
            assert shown.pop().startswith(f"{name}.clean ")


def test_code_is_hashed_while_other_threads_read_code_too() -> None:
    source = "".join(
        f"def f{number}(x):\n    return [x, [{number}, [x]]]\n" for number in range(99)
    )
    failed: list[BaseException] = []

    def read() -> None:
        for number in range(10):
            try:
                syntax_tree(f"{source}\n{number}")
            except SystemError as error:
                failed.append(error)

    threshold = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    # Python 3.11 lets another thread go on in the middle only when it collects garbage.
    gc.callbacks.append(_let_others_go_on)
    threads = [threading.Thread(target=read) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(_let_others_go_on)
        gc.set_threshold(*threshold)
    assert failed == []


def _let_others_go_on(_phase: str, _info: dict[str, int]) -> None:
    time.sleep(0.0001)
