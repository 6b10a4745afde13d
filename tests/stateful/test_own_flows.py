"""Our own flows on the machine: whatever is done to their targets, they give what they should."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphs import graphs, run_graphs
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from prefectx import context, flow, load, task, unmapped
from prefectx.stores import Filestore
from pytest_prefectx import ModeMachine

if TYPE_CHECKING:
    from pytest_prefectx.server.client import PrefectServer

# Other ones in each session, but for `make test`: what is not found today is found some night.
FEW = settings(ModeMachine.TestCase.settings, max_examples=5)


@task(target="working/{funcname}/{base}.json")
def words(text: str) -> list[str]:
    return text.split()


@task(target="working/{funcname}/{base}.txt")
def longest(found: list[str]) -> str:
    return max(found, key=len)


@task(target="raw/{funcname}/{base}.bytes")
def encoded(word: str) -> bytes:
    return word.encode()


@task
def nothing(word: str) -> None:
    return None


@task
def counted(found: list[str], word: str, factor: float) -> dict[str, object]:
    if not found:
        raise LookupError(word)
    return {"times": found.count(word), "weight": factor, "words": tuple(found)}


@flow
def weighed(text: str, factor: float) -> dict[str, object]:
    found = words(text)
    times = counted.map(unmapped(found), ["a", "b"], factor=unmapped(factor))
    return {"times": times, "factor": factor, "found": found}


@flow
def summary(text: str, factor: float) -> list[object]:
    found = words(text)
    best = longest.submit(found) if load(found) else None
    none = nothing(text)
    return [weighed(text, factor), best, encoded(text), none, nothing.submit(none)]


class SummaryMachine(ModeMachine):
    flow = summary
    arguments = st.tuples(st.text("ab ", max_size=5), st.floats(-1, 1))
    raises = LookupError


TestSummary = SummaryMachine.TestCase
TestSummary.settings = FEW


@task(rerun_on={"inputs"}, target="lengths/{funcname}")
async def length(text: str) -> int:
    await asyncio.sleep(0)
    return len(text)


@task(store=Filestore("elsewhere"))
async def joined(*parts: object) -> str:
    return "-".join(map(str, parts))


@flow
async def lengths(one: str, other: str) -> list[object]:
    first, second = await asyncio.gather(joined(one, other), joined(other, one))
    return [await length(first), await joined(first, second), second]


class AsyncMachine(ModeMachine):
    flow = lengths
    arguments = st.tuples(st.text("01", max_size=2), st.text("01", max_size=2))


TestAsync = AsyncMachine.TestCase
TestAsync.settings = FEW


@task(store=None, target="plots/{number}.svg")
def plot(number: int) -> Path:
    path = Path(f"plots/{number}.svg")
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<svg>{number}</svg>")
    return path


@task(store=None, target="tables/{number}")
def tables(number: int) -> str:
    folder = Path(f"tables/{number}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("one", "two"):
        (folder / name).write_text(json.dumps([number, name]))
    return str(folder)


@task
def read(path: str | Path) -> list[str]:
    files = [Path(path), *sorted(Path(path).rglob("*"))]
    return [file.read_text() for file in files if file.is_file()]


@flow
def pictures(number: int) -> list[object]:
    with context(base=f"picture-{number}"):
        return [plot(number), read(plot(number)), load(tables(number))]


class WrittenMachine(ModeMachine):
    flow = pictures
    arguments = st.tuples(st.integers(0, 3))


TestWritten = WrittenMachine.TestCase
TestWritten.settings = FEW


class Scale:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    @task
    def scaled(self, value: float) -> float:
        return self.factor * value

    @classmethod
    @task(target="units/{funcname}/{value!r}.json")
    def unit(cls, value: float) -> list[object]:
        return [cls.__name__, repr(value)]


def scales(value: float) -> list[object]:
    unit: Any = Scale.unit
    return [Scale(2).scaled(value), Scale(3).scaled(Scale(2).scaled(value)), unit(value)]


class FunctionMachine(ModeMachine):
    flow = scales
    arguments = st.tuples(st.floats())


TestFunction = FunctionMachine.TestCase
TestFunction.settings = FEW


class TaskMachine(ModeMachine):
    flow = counted
    arguments = st.tuples(st.lists(st.text("ab", max_size=2)), st.text("ab"), st.floats())
    raises = (LookupError,)


TestTask = TaskMachine.TestCase
TestTask.settings = FEW


class GraphMachine(ModeMachine):
    flow = run_graphs
    arguments = st.tuples(st.lists(graphs(3), min_size=1, max_size=2))


TestGraphs = GraphMachine.TestCase
TestGraphs.settings = FEW


# A flow run takes a fifth of a second, and what fails is not made smaller.
@pytest.mark.nightly("prefect.cache", "prefect")
@pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect")
def test_the_prefect_modes_join_in(prefectx_mode: str, prefect_server: PrefectServer) -> None:
    class PrefectMachine(ModeMachine):
        flow = weighed
        arguments = st.tuples(st.sampled_from(["a", "a b"]), st.just(0.5))
        modes = ("cache", prefectx_mode)

    few = settings(
        PrefectMachine.TestCase.settings,
        max_examples=4,
        stateful_step_count=6,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )
    before = len(prefect_server.flow_runs(flow_name="weighed"))
    run_state_machine_as_test(PrefectMachine, settings=few)
    assert len(prefect_server.flow_runs(flow_name="weighed")) > before + 2
