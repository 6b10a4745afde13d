"""Values that are easily lost: each is given back as it was, or refused."""

from __future__ import annotations

import math
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from patience import PATIENCE
from processes import running

from prefectx import load, task
from prefectx.errors import UnsupportedValue
from prefectx.stores import Filestore
from pytest_prefectx import Targets, identical

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("folder")]


class Fragile(Exception):
    """Its arguments are not those that it is made from."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path}:{line}")


class Sturdy(Exception):
    def __init__(self, path: str, line: int) -> None:
        super().__init__(path, line)


@task(target="out/value")
def give(make: Any) -> Any:
    return make()


@pytest.mark.parametrize(
    "value",
    [
        *(None, False, True, 0, -0.0, math.nan, math.inf, "", b"", [], (), {}, set(), frozenset()),
        *(Ellipsis, NotImplemented, int, len, range(3), 1j, 2**10_000, "\ud800", "\0"),
        *(ValueError("a", 1), StopIteration(2), KeyError("k"), Sturdy("a", 1)),
        ExceptionGroup("both", [ValueError(1), OSError(2, "two")]),
        {"deep": [{"er": (None, [math.nan])}]},
    ],
)
def test_it_is_given_back_and_its_task_runs_once(value: object, tmp_target: Targets) -> None:
    for _ in range(2):
        assert identical(load(give(lambda: value)), value)
    assert tmp_target.runs == {"give": 1}


def test_a_value_that_holds_itself_is_given_back() -> None:
    def knot() -> list[object]:
        found: list[object] = [1]
        found.append(found)
        return found

    found = load(give(knot))
    assert found[0] == 1
    assert found[1] is found


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: (n for n in [1]), "cannot pickle 'generator' object"),
        (lambda: lambda: 1, "cannot be pickled"),
        (threading.Lock, "cannot pickle '_thread.lock' object"),
        (lambda: [Fragile("a", 1)], "of type Fragile can be pickled, but not unpickled"),
    ],
    ids=["generator", "lambda", "lock", "exception"],
)
def test_what_cannot_be_given_back_is_refused(make: Callable[[], object], why: str) -> None:
    with pytest.raises(UnsupportedValue, match=why) as caught:
        give(make)
    assert "Target 'out/value' was not written." in caught.value.__notes__
    assert list(Filestore().list()) == []


def test_a_value_nested_too_deep_is_refused() -> None:
    def deep() -> list[object]:
        found: list[object] = []
        for _ in range(100_000):
            found = [found]
        return found

    with pytest.raises(UnsupportedValue, match="recursion"):
        give(deep)
    assert list(Filestore().list()) == []


@pytest.mark.nightly
def test_two_gigabytes_are_given_back(tmp_path: Path) -> None:
    size = 2**31 + 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    if shutil.disk_usage(tmp_path).free < 2 * size or memory < 3 * size:
        pytest.skip("needs 4 GB of free disk and 6 GB of free memory")
    value = bytes(size)
    store = Filestore()
    store.save("large", value)
    assert store.load("large") == value
    store.delete("large")


SCRIPT = """
import enum
import sys
from dataclasses import dataclass
from prefectx import load, task

SCALE = 2

class Base:
    def scaled(self):
        return SCALE * self.x

@dataclass(frozen=True)
class Point(Base):
    x: int

    class Inner:
        pass

class Color(enum.Enum):
    RED = 1

def helper(x):
    return SCALE * x

class Failure(Exception):
    pass

@task(target="out/value")
def make():
    return [Point(3), Color.RED, helper, Point, Point.Inner(), Failure("no")]

def run():
    return make()

if __name__ == "__main__":
    point, color, function, kind, inner, failure = load(make())
    # Also where an earlier process made them, they are of the classes that are here.
    assert point == Point(3) and type(point) is Point and kind is Point
    assert color is Color.RED and function is helper and type(inner) is Point.Inner
    assert type(failure) is Failure
    print(point.scaled())
"""
ELSEWHERE = """
from prefectx.stores import Filestore
point, color, function, kind, inner, failure = Filestore().load("out/value")
assert type(point) is kind and kind.Inner is type(inner)
print(point, point.scaled(), color, function(4), repr(failure))
"""
WITHOUT_CLOUDPICKLE = "import sys; sys.modules['cloudpickle'] = None\n"


def output_of(code: str, *arguments: object) -> str:
    with running(code, *arguments) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert errors == ""
    return output


class TestObjectsOfAScript:
    def test_the_script_itself_finds_its_own_classes_again(self) -> None:
        Path("script.py").write_text(SCRIPT)
        code = "import subprocess, sys; subprocess.run([sys.executable, 'script.py'], check=True)"
        assert output_of(code) == output_of(code) == "6\n"

    def test_another_process_has_them_by_value(self) -> None:
        Path("script.py").write_text(SCRIPT)
        code = "import subprocess, sys; subprocess.run([sys.executable, 'script.py'], check=True)"
        output_of(code)
        Path("script.py").unlink()
        assert output_of(ELSEWHERE) == "Point(x=3) 6 Color.RED 8 Failure('no')\n"

    def test_a_session_without_a_file_finds_the_class_that_is_there(self) -> None:
        """As in a notebook whose kernel was started again."""
        assert output_of(SCRIPT) == output_of(SCRIPT) == "6\n"

    def test_processes_that_a_script_spawns_share_its_classes(self) -> None:
        spawn = """
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        item = pool.apply(run)
        assert type(load(item)[0]) is Point
"""
        made_by_the_child = SCRIPT.replace(
            "    point, color, function, kind, inner, failure = load(make())",
            spawn + "\n    point, color, function, kind, inner, failure = load(make())",
        )
        Path("script.py").write_text(made_by_the_child)
        code = "import subprocess, sys; subprocess.run([sys.executable, 'script.py'], check=True)"
        assert output_of(code) == "6\n"
        assert output_of(ELSEWHERE).startswith("Point(x=3) 6")

    def test_without_cloudpickle_the_script_itself_finds_them(self) -> None:
        assert output_of(WITHOUT_CLOUDPICKLE + SCRIPT) == "6\n"
        assert output_of(WITHOUT_CLOUDPICKLE + SCRIPT) == "6\n"

    @pytest.mark.parametrize("where", ["saved", "loaded"])
    def test_without_cloudpickle_another_process_is_told_what_to_install(self, where: str) -> None:
        output_of(WITHOUT_CLOUDPICKLE + SCRIPT if where == "saved" else SCRIPT)
        reader = """
try:
    from prefectx.errors import MissingExtra
    from prefectx.stores import Filestore
    Filestore().load("out/value")
except MissingExtra as error:
    print(error)
"""
        output = output_of(reader if where == "saved" else WITHOUT_CLOUDPICKLE + reader)
        assert "which a notebook defines" in output
        assert 'pip install "prefectx[pickle]"' in output
        assert Path("out/value").exists()

    def test_what_cannot_be_kept_by_value_is_kept_by_name(self) -> None:
        script = """
import threading
from prefectx import load, task

LOCK = threading.Lock()

class Guarded:
    def guard(self):
        return LOCK

@task(target="out/value")
def make():
    return Guarded()

assert type(load(make())) is Guarded
"""
        output_of(script)
        output_of(script)
        reader = """
from prefectx.errors import MissingExtra
from prefectx.stores import Filestore
try:
    Filestore().load("out/value")
except MissingExtra as error:
    print(error)
"""
        output = output_of(reader)
        assert "could not be stored by value: cannot pickle '_thread.lock' object" in output
        assert "Define it in a module that can be imported" in output
