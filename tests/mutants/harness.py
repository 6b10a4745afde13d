"""Correct flows, on which all modes agree unless prefectx has a bug.

Run by `python tests/mutants`, with a copy of prefectx first on the path, which has one bug or none.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy
import pandas
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import prefectx
from prefectx import context, current_mode, flow, load, task, unmapped, use_mode
from prefectx.errors import TargetCollision, TargetReplaced, UnsupportedValue
from prefectx.stores import Filestore, MemoryStore
from pytest_prefectx import ModeMachine, assert_modes_agree, check_flow
from pytest_prefectx.agree.programs import Arguments, Program
from pytest_prefectx.search.machine.process import run_in_new_process
from pytest_prefectx.search.strategies import TWINS

if TYPE_CHECKING:
    from pytest_prefectx import Targets


def the_same(examples: int, parent: settings | None = None) -> settings:
    """Always the same examples; and a bug need not be made small to count."""
    return settings(
        parent,
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )


FEW = the_same(40)


@dataclass(frozen=True)
class Reading:
    place: str
    value: Any


@task
def kept(value: Any) -> Any:
    return [type(value).__name__, value]


@task
def nothing(value: Any) -> None:
    return None


@task(target="{funcname}/{base}.json")
def size(text: str) -> int:
    return len(text)


@task
def loudness(text: str) -> int:
    return len(text)


@task(target="{funcname}/{base}.txt")
def shout(text: str) -> str:
    return text.upper()


@task(target="{funcname}/{base}.bytes")
def encoded(text: str) -> bytes:
    return text.encode()


@task
def double(x: int) -> int:
    return 2 * x


@task
def scaled(x: int, factor: int = 1) -> int:
    return x * factor


@task
def total(values: list[int], start: int = 0) -> int:
    return start + sum(values)


@task
def refused(x: int) -> int:
    if x % 2:
        raise LookupError(x)
    return x


@task
def within(value: Any) -> Any:
    """Call other tasks, which give data here."""
    return [repr(kept(value)), repr(nothing(value)), nothing.submit(value).result() is None]


@task(target=None)
def fresh(value: Any) -> Any:
    return (value, "never kept")


@task
async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    return Reading("later", value)


@task(target="{funcname}", rerun_on={"inputs"})
def newest(value: Any) -> Any:
    return [value]


@task(target="{funcname}", rerun_on={"inputs"})
def newest_of_newest(values: list[object]) -> Any:
    return [*values, "again"]


@task(target="{funcname}.json")
def latest(x: int) -> int:
    return x


@task(store=None, target="plots/{x}.svg")
def plot(x: int) -> Path:
    path = Path(f"plots/{x}.svg")
    path.parent.mkdir(exist_ok=True)
    path.write_text("<svg")
    if x > 3:
        raise LookupError(x)
    path.write_text(f"<svg>{x}</svg>")
    return path


@task
def read(path: Path) -> str:
    return path.read_text()


@flow
def values(value: Any) -> list[object]:
    return [kept(value), kept(load(kept(value))), within(value), fresh(value), nothing(value)]


@flow
def nested(value: Any) -> Any:
    """Give what is kept of a value that is in a container."""
    return {"one": values(value), "list": kept([value]), "reading": kept(Reading("a", value))}


@flow
def mixed(value: Any) -> list[object]:
    """See the order of what has one."""
    return [kept(value), kept([value]), [*map(repr, value)]]


@flow
def texts(text: str) -> list[object]:
    return [size(text), shout(text), encoded(text), loudness(shout(text))]


@flow
def futures(numbers: list[int]) -> list[object]:
    """Check what plain code cannot get wrong, for both modes could get it wrong alike."""
    mapped = double.map(numbers)
    assert load(mapped) == [2 * x for x in numbers]
    assert load(mapped.result()) == [2 * x for x in numbers]
    first, second = double.submit(10), double.submit(20)
    assert [load(second.result()), load(first.result())] == [40, 20]
    from_first: Any = total(mapped, start=first)  # type: ignore[call-overload]
    assert load(from_first) == 20 + 2 * sum(numbers)
    pairs = scaled.map(numbers, factor=unmapped(3))
    assert load(pairs) == [3 * x for x in numbers]
    if numbers and current_mode() == "cache":
        assert double.item(numbers[0]).exists()
    sums: Any = total
    return [mapped, sums([first, second]), sums(values=mapped, start=second)]


@flow
def failures(x: int) -> Any:
    failed = refused.submit(x)
    with pytest.raises(LookupError) if x % 2 else context():
        double(x, wait_for=[failed])
    with pytest.raises(LookupError) if x % 2 else context():
        double(failed)
    return [double(x), refused(x)]


@flow
def given_names(x: int, factor: int) -> list[object]:
    with context(base="report-7"):
        first = newest(x)
    return [first, scaled.map([x], [factor]), scaled(double(x), factor), double(double(x))]


@task(target="{funcname}/{base}")
def counted(x: int) -> int:
    return x


@task
def times(x: int, factor: int = 1) -> int:
    return x * factor


@flow
def taken_over(x: int, factor: int) -> list[object]:
    with context(base=f"number-{x}"):
        number = counted(x)
    return [times(number), times(number, factor), times(number, factor=factor + 1)]


@flow
def remade(x: int) -> list[object]:
    """Have made anew what is not to be trusted."""
    item = latest.item(x)
    if item.exists():
        item.delete()
    return [latest(x), newest_of_newest(newest(x))]


@flow
def changed_in_place(x: int) -> int:
    numbers = load(kept([x, 1]))
    result: int = sum(numbers[1])
    numbers.clear()
    return result


@flow
def pictures(x: int) -> list[object]:
    return [plot(x), read(plot(x))]


@flow
async def asynchronous(value: Any) -> list[object]:
    one, other = await asyncio.gather(later(value), later([value]))
    return [one, other, await later(one)]


@task(target="shared/{day}")
def count(day: str, shop: str) -> int:
    return len(shop)


@flow
def two_shops(day: str) -> list[int]:
    return [count(day, "north"), count(day, "west")]


@task(target="shared/{day}")
def visitors(day: str) -> int:
    return 7


@flow
def visitors_of(day: str) -> Any:
    return visitors(day)


@flow
def loudness_of(text: str) -> Any:
    return loudness(text)


@task(target="{funcname}.json")
def tuple_in_json() -> tuple[int, ...]:
    return (1, 2)


TWIN = st.sampled_from(TWINS)
NUMBER = st.integers(-1, 5)
TEXT = st.text("ab\r\né", max_size=4)
CONTAINER = st.lists(TWIN, max_size=3) | st.dictionaries(TEXT, NUMBER, max_size=3)


class ValuesMachine(ModeMachine):
    flow = nested
    arguments = st.tuples(TWIN)


class TextsMachine(ModeMachine):
    flow = texts
    arguments = st.tuples(TEXT)


class PicturesMachine(ModeMachine):
    flow = pictures
    arguments = st.tuples(NUMBER)
    raises = LookupError


class RemadeMachine(ModeMachine):
    flow = remade
    arguments = st.tuples(NUMBER)
    # It deletes a target that another run may just be about to load.
    concurrent_run = None  # type: ignore[assignment]


class ThreadsMachine(ValuesMachine):
    """Leaves it to threads, which meet by luck, so often that it is none."""

    full_disk = crash = truncate = corrupt = new_process = None  # type: ignore[assignment]
    lose = call_twins = switch_mode = None  # type: ignore[assignment]


MACHINES = [TextsMachine, ThreadsMachine, RemadeMachine, PicturesMachine, ValuesMachine]


def test_the_copy_is_what_is_tested() -> None:
    wanted = os.environ.get("PREFECTX_COPY")
    assert wanted is None or prefectx.__file__.startswith(wanted)


@pytest.mark.parametrize(
    ("subject", "calls"),
    [
        (values, [(None,), (0.0,), (-0.0,), (0,), (False,)]),
        (nested, [(0.0,), (-0.0,), (float("nan"),), (0,), (False,), (None,)]),
        (mixed, [({"a": 1, "b": 2},), ({"b": 2, "a": 1},), ([1],), ((1,),)]),
        (texts, [("a\r\nb",), ("a\nb",), ("",)]),
        (futures, [([1, 2, 3],), ([3, 2, 1],), ([],)]),
        (given_names, [(1, 2), (1, 3), (2, 2)]),
        (taken_over, [(1, 2), (1, 3), (2, 2)]),
        (remade, [(1,), (2,), (1,)]),
        (changed_in_place, [(1,), (1,)]),
        (asynchronous, [(1,), (True,)]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_modes_agree(subject: Any, calls: Any) -> None:
    assert_modes_agree(subject, calls=calls)


@pytest.mark.parametrize("subject", [failures, pictures])
def test_modes_agree_on_failures(subject: Any) -> None:
    assert_modes_agree(subject, calls=[(2,), (1,), (4,), (1,), (5,)], raises=LookupError)


# On these calls modes do not agree; each is refused, which is better than other data.
def test_what_would_give_other_data_is_refused(tmp_target: Targets) -> None:
    with use_mode("cache"):
        with pytest.raises(TargetCollision):
            two_shops("monday")
        with pytest.raises(UnsupportedValue):
            tuple_in_json()
        loudness(shout("a"))
        count("tuesday", "north")
        # In later runs.
        with pytest.raises(TargetCollision):
            loudness_of("a")
        with pytest.raises(TargetCollision):
            visitors_of("tuesday")


@pytest.mark.parametrize("store", [Filestore, MemoryStore])
def test_an_item_never_loads_another_calls_data(store: Any, tmp_target: Targets) -> None:
    @task(target="shared/one", store=store())
    def one(x: int) -> int:
        return x

    @flow
    def call(x: int) -> Any:
        return one(x)

    with use_mode("cache"):
        first, hit = call(1), call(1)
        first.delete()
        call(2)
        for item in (first, hit):
            with pytest.raises(TargetReplaced):
                item.load()


def _error(filename: str) -> OSError:
    return FileNotFoundError(2, "No such file", filename)


def _scaler(factor: int) -> Any:
    class Scaler:
        def scale(self, x: int) -> int:
            return factor * x

    return Scaler


def _frame(value: float) -> Any:
    return pandas.DataFrame({"a": [1.0] * 500 + [value], "b": range(501)})


def _scaled_frame(factor: int) -> Any:
    frame = pandas.DataFrame({"a": [1.0]})
    # Not as an attribute, which pandas warns of.
    vars(frame)["_factor"] = factor
    return frame


LOOK_ALIKE: dict[str, Any] = {
    "long texts": lambda n: "x" * 100_000 + str(n),
    "long bytes": lambda n: b"x" * 100_000 + bytes([n]),
    "arrays": lambda n: numpy.append(numpy.zeros(5_000), n),
    "frames": _frame,
    "attributes of frames": _scaled_frame,
    "exceptions": lambda n: _error(f"file {n}"),
    "classes": _scaler,
    "objects": lambda n: Reading("a", Reading("b", n)),
}


@pytest.mark.parametrize("kind", LOOK_ALIKE)
def test_values_that_look_alike_have_two_targets(kind: str) -> None:
    make = LOOK_ALIKE[kind]
    assert kept.item(make(1)).target == kept.item(make(1)).target
    assert kept.item(make(1)).target != kept.item(make(2)).target


CODE: dict[str, str] = {
    "attribute of a function": "def h(x): return x\nh.limit = {}\ndef t(x): return h.limit",
    "registered class": "import abc\nclass B(abc.ABC): pass\n"
    "B.register([int, str, float][{}])\ndef t(x): return isinstance(x, B)",
    "derived class": "class B: pass\nclass C(B):\n    n = {}\n"
    "def t(x): return [k.n for k in B.__subclasses__()]",
    # Without source, a docstring is part of the byte code.
    "docstring": "def h(x): return x\nh.__doc__ = 'Number {}.'\ndef t(x): return h.__doc__",
    "closure": "def make(n):\n    def t(x): return n\n    return t\nt = make({})",
}


@pytest.mark.parametrize("kind", CODE)
def test_code_that_looks_alike_is_told_apart(kind: str) -> None:
    def code_of(number: int) -> str:
        module = ModuleType("alike")
        sys.modules["alike"] = module
        exec(CODE[kind].format(number), vars(module))  # noqa: S102 - the code above
        return task(module.t).code.hash

    assert code_of(1) == code_of(1)
    assert code_of(1) != code_of(2)


settings_here: dict[str, int] = {}


def by_settings(x: int) -> int:
    return x * settings_here["rate"]


def test_what_a_task_only_reads_is_code() -> None:
    found: list[str] = []
    for rate in (1, 2, 1):
        settings_here["rate"] = rate
        found.append(task(by_settings).code.hash)
    assert found[0] == found[2] != found[1]


def test_a_link_to_another_file_is_another_input(tmp_target: Targets) -> None:
    @task
    def text(path: Path) -> str:
        return path.read_text()

    @flow
    def current() -> Any:
        return text(Path("current"))

    # As of two files that were unpacked at the same moment.
    moment = time.time_ns() + 50_000_000
    for name in ("monday", "friday"):
        Path(name).write_text(name)
        os.utime(name, ns=(moment, moment))
    Path("current").symlink_to("monday")
    # What has changed just before is read at each look.
    while time.time_ns() < moment + 50_000_000:
        pass
    with use_mode("cache"):
        current()
        Path("current").unlink()
        Path("current").symlink_to("friday")
        with pytest.warns(match="is older than its input"):
            current()


# Agreement says nothing of how often something runs.
def test_what_is_done_is_not_done_again(tmp_target: Targets) -> None:
    calls = [Arguments((value,)) for value in (None, float("nan"), "a", set("abcdefghijkl"), 1)]
    program = Program(values, calls)
    once = program.run("cache")
    runs = tmp_target.runs
    assert all(a.differs_from(b) is None for a, b in zip(once, program.run("cache"), strict=True))
    for call in calls:
        assert run_in_new_process(Program(values, [call]), tmp_target.path)
    again = tmp_target.runs - runs
    assert again == {"fresh": 2 * len(calls)}


@pytest.mark.parametrize("machine", MACHINES)
def test_machine(machine: type[ModeMachine]) -> None:
    few = the_same(20, machine.TestCase.settings)
    run_state_machine_as_test(machine, settings=few)


def test_checked_values() -> None:
    check_flow(nested, TWIN, settings=FEW)


def test_checked_containers() -> None:
    check_flow(mixed, CONTAINER, settings=FEW)


def test_checked_futures() -> None:
    check_flow(futures, st.lists(NUMBER, max_size=3), settings=FEW)


def test_checked_remakes() -> None:
    check_flow(remade, NUMBER, settings=FEW)


def test_checked_failures() -> None:
    check_flow(failures, NUMBER, raises=LookupError, settings=FEW)
