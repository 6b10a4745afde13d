"""Figures 9, 11 and 14: what whole processes cost, in time and in memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import textwrap
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pytest

from speed.race import OURS, Row, raced_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DONE: Final = 5000
HITS: Final = 100_000
PROCESS_ROUNDS: Final = 12

FUNCTION: Final = """
def small(x):
    return {"name": "report-7", "pages": [1, 2, 3], "share": 0.5}
"""

PREFECTX: Final = f"""
from prefectx import flow, task
{FUNCTION}
small = task(target="working/{{funcname}}/{{x}}")(small)

@flow
def run():
    for x in range({DONE}):
        small(x)

run()
"""

STATS: Final = f"""
import os
for x in range({DONE}):
    os.stat(f"working/small/{{x}}")
"""

JOBLIB: Final = f"""
from joblib import Memory
{FUNCTION}
kept = Memory("joblib", verbose=0).cache(small)
for x in range({DONE}):
    if not kept.check_call_in_cache(x):
        kept(x)
"""

DISKCACHE: Final = f"""
from diskcache import Cache
{FUNCTION}
cache = Cache("diskcache")
kept = cache.memoize(typed=True)(small)
for x in range({DONE}):
    if kept.__cache_key__(x) not in cache:
        kept(x)
"""

CACHIER: Final = f"""
from cachier import cachier
{FUNCTION}
kept = cachier(cache_dir="cachier", separate_files=True)(small)
for x in range({DONE}):
    kept(x)
"""

CHECKPOINTER: Final = f"""
from checkpointer import Checkpointer
{FUNCTION}
kept = Checkpointer(directory="checkpointer", verbosity=0)(small)
for x in range({DONE}):
    if not kept.exists(x):
        kept(x)
"""

PIPEFUNC: Final = f"""
from pipefunc.cache import DiskCache, memoize, to_hashable
{FUNCTION}
cache = DiskCache("pipefunc", with_lru_cache=False)
kept = memoize(cache)(small)
for x in range({DONE}):
    if to_hashable(((x,), {{}})) not in cache:
        kept(x)
"""

EXCA: Final = f"""
import os
from collections.abc import Iterator
import pydantic
from exca import MapInfra
{FUNCTION}
class Kept(pydantic.BaseModel):
    infra: MapInfra = MapInfra(version="1")

    @infra.apply(item_uid=str)
    def process(self, items: list[int]) -> Iterator[dict]:
        yield from map(small, items)

os.makedirs("exca", exist_ok=True)
kept = Kept(infra={{"folder": "exca", "keep_in_ram": False}})
missing = [x for x in range({DONE}) if str(x) not in kept.infra.cache_dict]
list(kept.process(missing))
"""

LUIGI: Final = f"""
import pickle
from luigi import IntParameter, LocalTarget, Task
from luigi.format import Nop
{FUNCTION}
class Kept(Task):
    x = IntParameter()

    def output(self):
        return LocalTarget(f"luigi/{{self.x}}.pkl", format=Nop)

    def run(self):
        with self.output().open("w") as file:
            pickle.dump(small(self.x), file)

for x in range({DONE}):
    task = Kept(x=x)
    if not task.complete():
        task.run()
"""

PREFECT: Final = f"""
from prefect.cache_policies import INPUTS
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
{FUNCTION}
storage = LocalFileSystem(basepath="prefect")
store = ResultStore(result_storage=storage, cache_result_in_memory=False)
for x in range({DONE}):
    key = INPUTS.compute_key(task_ctx=None, inputs={{"x": x}}, flow_parameters={{}})
    if not store.exists(key):
        store.write(small(x), key)
"""

RERUNS: Final = {
    OURS: PREFECTX,
    "stat loop": STATS,
    "joblib": JOBLIB,
    "diskcache": DISKCACHE,
    "cachier": CACHIER,
    "checkpointer": CHECKPOINTER,
    "pipefunc": PIPEFUNC,
    "exca": EXCA,
    "luigi": LUIGI,
    "prefect": PREFECT,
}

Program = "Callable[[str], subprocess.CompletedProcess[str]]"


@pytest.fixture
def python(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a program in a process of its own, with bytecode as an installed package has it."""
    environment = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.getbasetemp() / "bytecode")
    environment["PREFECTX"] = "cache"

    def run(program: str) -> str:
        ended = subprocess.run(  # noqa: S603 - our own programs
            [sys.executable, "-c", textwrap.dedent(program)],
            env=environment,
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return ended.stdout

    return run


@pytest.mark.filterwarnings("ignore")
def test_9_no_op_rerun(
    python: Callable[..., Any],
    benchmark: Any,
    rounds: int,
    note: Callable[..., None],
    pytestconfig: pytest.Config,
) -> None:
    """The programs run in turns; each of them has run before, so that all is there."""
    programs = dict(list(RERUNS.items())[:2] if pytestconfig.getoption("--no-peers") else RERUNS)
    for program in programs.values():
        python(program)
    seconds: dict[str, list[float]] = {name: [] for name in programs}

    def one_round() -> None:
        for name, program in programs.items():
            seconds[name].append(cpu_of(python, program))

    benchmark.pedantic(one_round, rounds=min(rounds, PROCESS_ROUNDS))
    what = f"no-op rerun of {DONE:,} finished tasks, whole process"
    note(raced_row("9", what, "stat loop", 2.0, seconds))


FIRST_HIT: Final = """
from prefectx import task

@task(target="working/{funcname}/{x}")
def small(x):
    return x

small(7)
"""


def test_11_import(python: Callable[..., Any], rounds: int, note: Callable[..., None]) -> None:
    python("import prefectx")
    note(cpu_row("11a", "`import prefectx`", "import prefectx", 40, python, rounds))


def test_11_first_hit(python: Callable[..., Any], rounds: int, note: Callable[..., None]) -> None:
    python(FIRST_HIT)
    note(cpu_row("11b", "up to the first hit, in mode `cache`", FIRST_HIT, 50, python, rounds))


def cpu_row(  # noqa: PLR0913, PLR0917 - the columns of a row
    number: str, what: str, program: str, aim: int, python: Callable[..., Any], rounds: int
) -> Row:
    differences, bare = [], []
    for _ in range(rounds):
        one, other = cpu_of(python, "pass"), cpu_of(python, program)
        bare.append(one)
        differences.append(1000 * (other - one))
    more = median(differences)
    ours, theirs = f"+{more:.1f} ms CPU", f"{1000 * median(bare):.1f} ms CPU"
    return Row(number, what, "bare interpreter", more, aim, ours, theirs)


def cpu_of(python: Callable[..., Any], program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    python(program)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


MEMORY: Final = f"""
import gc, json, os, sys, tracemalloc
from prefectx import flow, task
{FUNCTION}
small = task(target="working/{{funcname}}/{{x}}")(small)
os.makedirs("working/small", exist_ok=True)
for x in range({HITS}):
    os.close(os.open(f"working/small/{{x}}", os.O_CREAT | os.O_WRONLY))

def traced():
    gc.collect()
    return tracemalloc.get_traced_memory()[0]

@flow
def run(keep):
    # What the first hits import is no cost of a hit.
    small(0)
    start = traced()
    given = [(small(x), None)[not keep] for x in range({HITS})]
    return (traced() - start - sys.getsizeof(given)) / {HITS}

tracemalloc.start()
kept, dropped = run(True), run(False)
before = traced()
run(False)
print(json.dumps([kept, dropped, (traced() - before) / {HITS}]))
"""


def test_14_memory(python: Callable[..., Any], note: Callable[..., None]) -> None:
    kept, dropped, after = json.loads(python(MEMORY))
    for letter, what, found, aim in (
        ("a", "memory a hit, Items kept by the flow", kept, 300),
        ("b", "the same, Items dropped: what the run knows of its targets", dropped, 300),
        ("c", "the same, when the flow has ended", after, 1),
    ):
        told = f"{found:.0f} bytes"
        note(Row(f"14{letter}", f"{what} ({HITS:,} hits)", "-", found, aim, told, "-"))
