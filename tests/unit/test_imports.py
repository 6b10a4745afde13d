"""The imports of prefectx, and its use where Prefect is not installed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]

HEAVY = ("prefect", "dask", "distributed", "pandas", "numpy", "fsspec", "rich", "httpx", "pydantic")

# Packages that measure coverage or the like may import anything into every process.
LIST_HEAVY = f"""
import sys
at_start = set(sys.modules)
def heavy():
    return sorted(set({HEAVY}) & (set(sys.modules) - at_start))
"""

NO_PREFECT = """
import sys
class NoPrefect:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "prefect":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoPrefect())
"""

USE = """
import asyncio
from prefectx import *
from prefectx import errors, stores

@task
def double(x, plus=0): return 2 * x + plus

@task(target="out/{x}.json", tags=["a"], retries=2)
async def later(x): return x

@task(target=None)
def count(stop): yield from range(stop)

class Scale:
    @task
    def times(self, x): return 3 * x

@flow(log_prints=True)
def chain():
    with tags("nightly"), context(day="monday"):
        get_run_logger().info("from a flow")
        one = double(1)
        many = double.map([1, 2], plus=unmapped(1))
        done, not_done = wait(many)
        handles = list(as_completed(many))
        state = double(4, return_state=True)
        return one, many, later.submit(5), Scale().times(2), list(count(2)), state.result()

def everything(mode):
    with use_mode(mode):
        return load(chain())

expected = (2, [3, 5], 5, 6, [0, 1], 8)
for mode in ("function", "cache", "cache"):
    assert everything(mode) == expected, (mode, everything(mode))
assert chain.name == "chain" and chain.with_options(name="other").name == "other"
"""


FIRST_HITS = """
import sys
before = set(sys.modules)
from prefectx import flow, task
@task(target="out/{name}")
def shout(name, times=2): return name.upper() * times
@task
def whisper(x): return x
@flow
def run(): return shout("report-7_a.1"), whisper(1)
items = run()
"""


def test_importing_brings_in_nothing_heavy(python: Callable[..., str]) -> None:
    code = LIST_HEAVY + "import prefectx, prefectx.stores, prefectx.errors; print(heavy())"
    assert python(code) == "[]"


def test_up_to_the_first_hit_nothing_is_imported_that_takes_long(
    python: Callable[..., str],
) -> None:
    """Of Python's own modules: each of these takes longer than all that a hit needs of them."""
    slow = (
        *("asyncio", "multiprocessing", "subprocess", "concurrent.futures", "email", "http"),
        *("sqlite3", "ssl", "tempfile", "unittest", "urllib.request", "shutil"),
    )
    python(FIRST_HITS)
    found = python(f"{FIRST_HITS}print(sorted(set({slow}) & (set(sys.modules) - before)))")
    assert found == "[]"
    assert python(f"{FIRST_HITS}print([item.exists() for item in items])") == "[True, True]"


def test_what_a_dask_scheduler_imports_brings_in_nothing_heavy(python: Callable[..., str]) -> None:
    assert python(LIST_HEAVY + "import prefectx.dask.worker_functions; print(heavy())") == "[]"


def test_modes_without_prefect_never_import_it(python: Callable[..., str]) -> None:
    assert python(f"{LIST_HEAVY}{USE}print(heavy())") == "[]"


def test_importing_warns_of_nothing(python: Callable[..., str]) -> None:
    assert python("import prefectx, prefectx.stores", "-W", "error") == ""


def test_importing_does_nothing_else(python: Callable[..., str], tmp_target: Targets) -> None:
    """No thread, no file, no handler, no change to the environment."""
    code = """
        import os, threading, logging, signal, sys
        def world():
            return (threading.active_count(), dict(os.environ), logging.root.handlers[:],
                    signal.getsignal(signal.SIGINT), os.getcwd(), sys.path[:])
        before = world()
        import prefectx, prefectx.stores
        assert world() == before
    """
    python(code)
    assert list(tmp_target.path.iterdir()) == []


def test_decorating_makes_no_file(python: Callable[..., str], tmp_target: Targets) -> None:
    python("from prefectx import task, flow\n@task\ndef f(x): ...\n@flow\ndef g(): ...\nf.item(1)")
    assert list(tmp_target.path.iterdir()) == []


def test_everything_works_without_prefect(python: Callable[..., str]) -> None:
    assert python(f"{NO_PREFECT}{USE}print('all of it')") == "all of it"


@pytest.mark.parametrize("mode", ["prefect.skip", "prefect.cache", "prefect"])
def test_without_prefect_its_modes_say_how_to_install_it(
    mode: str, python: Callable[..., str]
) -> None:
    code = f"""{NO_PREFECT}
import json
from prefectx import *
from prefectx.errors import MissingExtra, PrefectxError
@task
def one(): return 1
@flow
def chain(): return one()
found = []
for use in (one, one.submit, chain, get_run_logger, lambda: flow(lambda: 1)):
    with use_mode({mode!r}):
        try:
            use()
        except MissingExtra as error:
            found.append(str(error))
with use_mode("function"):
    assert chain() == 1
assert issubclass(MissingExtra, ImportError) and issubclass(MissingExtra, PrefectxError)
print(json.dumps(found))
"""
    messages = json.loads(python(code))
    assert len(messages) == 5
    assert len(set(messages)) == 1
    assert 'this mode needs Prefect: pip install "prefectx[prefect]"' in messages[0]


def test_the_mode_may_be_set_by_the_environment_alone(python: Callable[..., str]) -> None:
    code = "from prefectx import task\n@task\ndef f(x): return x\nprint(f(1))"
    assert python(code, PREFECTX="function") == "1"
    assert python(code, PREFECTX="cache") == "Item('working/f/1')"


def test_a_script_and_its_next_run_share_targets(
    python: Callable[..., str], tmp_target: Targets
) -> None:
    code = "from prefectx import task\n@task\ndef f(x): return x\nprint(f({'a', 'b'}).load())"
    for seed in ("1", "2"):
        assert set(eval(python(code, PREFECTX="cache", PYTHONHASHSEED=seed))) == {"a", "b"}  # noqa: S307
    assert tmp_target.runs == {"f": 1}


@pytest.mark.nightly
def test_every_module_can_be_imported_first(python: Callable[..., str]) -> None:
    """No import works only because another came before it."""
    import prefectx

    folder = Path(prefectx.__file__).parent
    names = [
        os.path.relpath(path, folder.parent)[:-3].replace(os.sep, ".").removesuffix(".__init__")
        for path in folder.rglob("*.py")
    ]
    assert "prefectx._runners.prefect.task" in names
    code = f"""
        import importlib, sys
        for name in {names}:
            for known in [known for known in sys.modules if known.startswith("prefectx")]:
                del sys.modules[known]
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                assert error.name.partition(".")[0] in {HEAVY}, error
    """
    python(code)
