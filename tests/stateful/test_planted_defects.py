"""Flows with one defect each, as downstream projects have them: the machine finds it, in time."""

from __future__ import annotations

import csv
import io
import re
import threading
from pathlib import Path
from typing import IO, Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from patience import PATIENCE

from prefectx import flow, load, task
from prefectx.errors import TargetMissing
from prefectx.stores import Filestore, Store, register_format
from pytest_prefectx import ModeMachine, ModesDisagree

NUMBERS = st.tuples(st.integers(0, 5))


def machine(subject: object, arguments: object = NUMBERS, **more: object) -> type[ModeMachine]:
    return type("Machine", (ModeMachine,), {"flow": subject, "arguments": arguments, **more})


def run(machine: type[ModeMachine], examples: int = 50, *more: Phase) -> None:
    bounded = settings(
        machine.TestCase.settings,
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.generate, *more],
    )
    run_state_machine_as_test(machine, settings=bounded)


def found(machine: type[ModeMachine], *more: Phase) -> ModesDisagree:
    with pytest.raises(ModesDisagree) as caught:
        run(machine, 50, *more)
    return caught.value


def kind_found(machine: type[ModeMachine]) -> str | None:
    reason = found(machine).reason
    return reason and reason.kind


@task(target="{funcname}/{x:d}")
def typed(x: int) -> str:
    return type(x).__name__


def test_one_and_true_share_a_target_and_the_smallest_history_is_told() -> None:
    error = found(machine(typed), Phase.shrink)
    assert error.reason
    assert error.reason.kind == "shared-target"
    assert "modes disagree on typed(False)\n  in the calls typed(0); typed(False)\n" in str(error)
    (history,) = [note for note in error.__notes__ if "first_call" in note] or error.__notes__
    steps = re.findall(r"state\.(\w+)\(", "\n".join(error.__notes__))
    assert steps == ["first_call", "call_twins", "teardown"], history


@task(target="{funcname}/{abs(x)}")
def signed(x: float) -> str:
    return repr(x)


def test_zero_and_minus_zero_share_a_target() -> None:
    assert kind_found(machine(signed, st.tuples(st.floats(0, 1)))) == "shared-target"


@task(target="latest.json")
def latest(x: int) -> int:
    return x


def test_all_calls_share_a_target() -> None:
    assert kind_found(machine(latest)) == "shared-target"


class Forgetful(Store):
    """Takes what is not for what is None."""

    kept: ClassVar[dict[str, object]] = {}

    def _at(self, target: str) -> str:
        return str(Path(target).absolute())

    def exists(self, target: str) -> bool:
        return self._at(target) in self.kept

    def load(self, target: str) -> object:
        if (value := self.kept.get(self._at(target))) is None:
            raise TargetMissing(target)
        return value

    def save(self, target: str, value: object) -> None:
        self.kept[self._at(target)] = value

    def delete(self, target: str) -> None:
        self.kept.pop(self._at(target), None)

    def list(self, prefix: str = "") -> Any:
        return [target for target in self.kept if target.startswith(prefix)]


@task(store=Forgetful)
def half(x: int) -> int | None:
    return None if x % 2 else x // 2


def test_a_store_loses_none() -> None:
    assert kind_found(machine(half)) in {"target-missing", "format"}


@task
def numbers(x: int) -> list[int]:
    return [x, 1, 0]


@task
def largest(values: list[int]) -> int:
    values.sort()
    return values[-1]


@flow
def sorted_in_place(x: int) -> list[object]:
    found = numbers(x)
    return [largest(found), found]


def test_a_task_changes_its_argument() -> None:
    assert kind_found(machine(sorted_in_place)) == "changes-argument"


def read_rows(file: IO[bytes]) -> list[list[str]]:
    with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


def write_rows(rows: list[list[object]], file: IO[bytes]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    file.write(text.getvalue().encode())


register_format(".mrows", load=read_rows, dump=write_rows)


@task(target="{funcname}/{base}.mrows")
def table(x: int) -> list[list[object]]:
    return [["x"], [str(x) if x < 4 else x]]


def test_a_format_loads_something_else() -> None:
    assert kind_found(machine(table)) == "format"


@task(store=None, target="plots/{x}.svg")
def plot(x: int) -> str:
    name = "0.svg" if x > 3 else f"{x}.svg"
    Path("plots").mkdir(exist_ok=True)
    Path(f"plots/{name}").write_text("<svg/>")
    return f"plots/{x}.svg"


def test_a_function_writes_elsewhere_than_its_target() -> None:
    assert kind_found(machine(plot)) == "target-missing"


RATES: dict[int, float] = {}


@task
def looked_up(x: int) -> int:
    RATES[x] = x / 2
    return x


@flow
def rate(x: int) -> float:
    return RATES[load(looked_up(x))]


class OftenInNewProcess(ModeMachine):
    flow = rate
    arguments = NUMBERS

    @rule(call=ModeMachine.calls)
    def new_process(self, call: Any) -> None:
        self._bench.call_in_new_process(call)


# In one process the global is there from the first call on, whatever is a hit.
def test_what_only_a_new_process_lacks_is_found() -> None:
    error = found(OftenInNewProcess)
    assert error.disagreement.trial.history == "in a new process"
    assert isinstance(error.disagreement.case.got.error, KeyError)


MEETING = threading.Barrier(2, timeout=PATIENCE)
ALONE = threading.local()
MET = threading.Event()


@task
def meeting(x: int) -> int:
    if threading.current_thread() is not threading.main_thread():
        MEETING.wait()
        MET.set()
    return x


# Two threads that did not run at the same time would wait in vain, and the barrier would break.
def test_two_threads_really_call_at_the_same_time() -> None:
    run(machine(meeting, st.tuples(st.just(1)), raises=()), 20)
    assert MET.is_set()


class Lenient(Filestore):
    """Takes an unfinished file for a target."""

    def list(self, prefix: str = "") -> Any:
        yield from super().list(prefix)
        yield from (str(path) for path in Path().rglob(".prefectx-*.tmp"))


@task(store=Lenient)
def listed(x: int) -> int:
    return x


def test_a_store_takes_an_unfinished_file_for_a_target() -> None:
    with pytest.raises(AssertionError, match=r"the unfinished file .* counts as a target"):
        run(machine(listed))


class Repairing(Filestore):
    """Makes something up where it cannot read."""

    def load(self, target: str) -> object:
        try:
            return super().load(target)
        except Exception:
            return 0


@task(store=Repairing)
def repaired(x: int) -> int:
    return x + 1


def test_a_store_makes_up_what_it_cannot_read() -> None:
    with pytest.raises(AssertionError, match="and still it is loaded, as 0"):
        run(machine(repaired))
