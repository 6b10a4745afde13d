"""`assert_modes_agree`: what it runs, what it says, what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import current_mode, flow, load, task, use_mode
from prefectx.errors import UnknownMode
from prefectx.stores import Filestore
from pytest_prefectx import ModesDisagree, assert_modes_agree
from pytest_prefectx.agree.agree import modes_to_compare

if TYPE_CHECKING:
    from pytest_prefectx.server.client import PrefectServer


@task
def rows(size: int) -> list[int]:
    return list(range(size))


@task
def largest_first(rows: list[int]) -> list[int]:
    rows.sort(reverse=True)
    return rows


@task(target="out/{funcname}")
def plus_one(x: int) -> int:
    return x + 1


@flow
def tidy(size: int) -> dict[str, list[int] | int]:
    return {"rows": rows(size), "sum": sum(load(rows(size)))}


@flow
def untidy(size: int) -> tuple[list[int], list[int]]:
    found = rows(size)
    return largest_first(found), found


@flow
def picky(x: int) -> int:
    if x < 0:
        msg = f"{x} is negative"
        raise ValueError(msg)
    return x


def disagreement(*args: Any, **kwargs: Any) -> ModesDisagree:
    with pytest.raises(ModesDisagree) as caught:
        assert_modes_agree(*args, **kwargs)
    return caught.value


def test_agreement_is_silent() -> None:
    assert_modes_agree(tidy, 3)
    assert_modes_agree(rows, size=3)
    assert_modes_agree(lambda size: [load(rows(size)), size], 3)


def test_message_names_modes_arguments_path_and_reason() -> None:
    told, why, advice = str(disagreement(untidy, 2)).rsplit("\n", 2)
    assert told.splitlines() == [
        "modes disagree on untidy(2)",
        "",
        "  function:               ([1, 0], [1, 0])",
        "  cache, with no targets: ([1, 0], [0, 1])",
        "  at [1][0]: another value: 1, 0",
    ]
    line = largest_first.fn.__code__.co_firstlineno
    assert why == (
        f"Why (changes-argument): the task largest_first (test_agree.py:{line}) changes its"
        " argument 'rows' in place, at rows[0] (0, then 1). Whoever else holds that object sees"
        " the change if the task has run; a hit changes nothing, and a task that is given an Item"
        " loads a copy of its own."
    )
    assert advice == "Do: change a copy and return it; copy.deepcopy(rows) is always right."


def test_several_calls_are_made_on_the_same_targets() -> None:
    @flow
    def plus(x: int) -> int:
        return plus_one(x)

    error = disagreement(plus, calls=[(1,), (2,)])
    assert error.reason is not None
    assert error.reason.kind == "shared-target"
    assert "  in the calls plus(1); plus(2)" in str(error).splitlines()
    assert "plus_one(x=1) and plus_one(x=2)" in str(error)


def test_calls_of_a_task_are_made_in_one_run() -> None:
    error = disagreement(plus_one, calls=[(1,), (2,)])
    assert "TargetCollision" in str(error)
    assert error.reason is not None
    assert error.reason.kind == "shared-target"


def test_exception_that_is_the_same_everywhere_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        assert_modes_agree(picky, -1)


def test_exception_may_be_declared() -> None:
    assert_modes_agree(picky, calls=[(1,), (-1,)], raises=ValueError)
    with pytest.raises(ValueError, match="negative"):
        assert_modes_agree(picky, calls=[(1,), (-1,)], raises=KeyError)


def test_other_exception_in_one_mode_is_a_disagreement() -> None:
    @flow
    def moody() -> int:
        if current_mode() == "cache":
            raise KeyError(1)
        raise ValueError(1)

    error = disagreement(moody)
    assert "  function:               raised ValueError: 1" in str(error)
    assert "  cache, with no targets: raised KeyError: 1" in str(error)


def test_data_in_one_mode_and_an_exception_in_another_is_a_disagreement() -> None:
    @flow
    def moody() -> int:
        if current_mode() == "cache":
            raise KeyError(1)
        return 1

    assert "  function:               1" in str(disagreement(moody))


def test_what_cannot_be_explained_is_said_plainly() -> None:
    @flow
    def has_records() -> bool:
        plus_one(1)
        return Path(".prefectx").exists()

    error = disagreement(has_records)
    assert error.reason is None
    assert str(error).endswith("Why: none of the causes that prefectx looks for was found.")


def test_disagreement_is_told_even_if_the_search_for_its_reason_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def vanished(case: object) -> None:
        raise FileNotFoundError("side.txt")

    monkeypatch.setattr("pytest_prefectx.agree.agree.explain", vanished)
    error = disagreement(current_mode)
    assert error.reason is None
    note = "The search for the reason failed: FileNotFoundError: side.txt"
    assert error.__notes__ == [note]


def test_each_call_is_given_its_own_copy_of_the_arguments() -> None:
    seen: list[list[int]] = []

    @flow
    def spoil(values: list[int]) -> int:
        seen.append(list(values))
        values.clear()
        return 1

    given = [1, 2]
    assert_modes_agree(spoil, given)
    assert given == [1, 2]
    assert all(values == [1, 2] for values in seen)


def test_targets_lie_in_a_temporary_folder_which_is_gone_afterwards() -> None:
    here = os.getcwd()
    folders: set[str] = set()

    @flow
    def where() -> list[int]:
        folders.add(os.getcwd())
        return rows(2)

    assert_modes_agree(where)
    disagreement(lambda: [where(), current_mode()])
    assert os.getcwd() == here
    assert here not in folders
    assert not any(map(os.path.exists, folders))


def test_outputs_outside_the_temporary_folder_are_warned_of(tmp_path: Path) -> None:
    @task(target=f"{tmp_path}/{{x}}")
    def kept(x: int) -> int:
        return x

    @task(target="kept/{x}", store=Filestore(tmp_path))
    def elsewhere(x: int) -> int:
        return x

    with pytest.warns(UserWarning, match="task 'kept' stores its outputs outside"):
        assert_modes_agree(kept, 1)
    with pytest.warns(UserWarning, match="task 'elsewhere' stores its outputs outside"):
        assert_modes_agree(elsewhere, 1)


def test_threads_of_the_flow_run_in_the_mode_too() -> None:
    @task(target="half/{x // 2}")
    def half(x: int) -> float:
        return x / 2

    @flow
    def halves() -> list[float]:
        with ThreadPoolExecutor(1) as pool:
            return list(pool.map(lambda x: load(half(x)), range(4)))

    assert "cache, " in str(disagreement(halves))


def test_what_cannot_be_copied_is_handed_on() -> None:
    lock, marker = threading.Lock(), object()

    @flow
    def locked(lock: Any, given: object) -> bool:
        with lock:
            return given is marker

    assert_modes_agree(locked, lock, marker)
    with pytest.raises(AssertionError, match="function:               True"):
        assert_modes_agree(lambda given: given is marker and current_mode() == "function", marker)


def test_a_flow_that_leaves_the_folder_is_brought_back() -> None:
    @flow
    def moved() -> list[str]:
        os.makedirs("sub", exist_ok=True)
        os.chdir("sub")
        return ["done"]

    assert_modes_agree(moved, calls=[()])


def test_a_flow_may_switch_to_another_mode() -> None:
    @flow
    def inner(x: int) -> tuple[list[int], bool]:
        with use_mode("cache"):
            return load(rows(x)), rows.item(x).exists()

    assert_modes_agree(inner, 1)


def test_a_target_that_is_a_folder_is_lost_as_a_whole() -> None:
    @task(store=None, target="tables/{number}")
    def tables(number: int) -> str:
        for name in ("a", "b"):
            path = Path(f"tables/{number}/{name}.txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return f"tables/{number}"

    @task(target="read/{funcname}")
    def read(folder: str) -> list[str]:
        return sorted(path.read_text() for path in Path(folder).iterdir())

    assert_modes_agree(flow(lambda: read(tables(1))))


def test_a_cancelled_task_is_not_blamed() -> None:
    @task
    async def slow(x: int) -> int:
        await asyncio.sleep(x)
        return x

    @task(target="out/{funcname}")
    def last(x: int) -> int:
        return x

    @flow
    async def impatient(x: int) -> Any:
        try:
            await asyncio.wait_for(slow(60), 0.01)
        except TimeoutError:
            return last(x)

    error = disagreement(impatient, calls=[(1,), (2,)])
    assert error.reason is not None
    assert error.reason.kind == "shared-target"


def test_async_flows_and_tasks_are_awaited() -> None:
    @task
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @flow
    async def both(x: int) -> tuple[int, int]:
        return await asyncio.gather(later(x), later(x + 1))

    assert_modes_agree(both, 1)
    assert_modes_agree(later, 1)


@pytest.mark.asyncio
async def test_it_works_while_an_event_loop_is_running() -> None:
    @flow
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x

    assert_modes_agree(later, 1)


def test_flow_may_be_a_generator() -> None:
    @flow
    def each(size: int) -> object:
        yield from load(rows(size))

    assert_modes_agree(each, 3)


def test_mode_in_force_is_compared_too() -> None:
    assert modes_to_compare(None) == tuple(dict.fromkeys(["function", "cache", current_mode()]))
    assert modes_to_compare(["cache", "function", "cache"]) == ("cache", "function")


def test_bad_use_is_refused() -> None:
    with pytest.raises(UnknownMode, match=r"'cach' \(from modes=\). Did you mean 'cache'"):
        assert_modes_agree(tidy, 1, modes=["function", "cach"])
    for few in ([], ["cache"], ["cache", "cache"]):
        with pytest.raises(ValueError, match="leaves nothing to compare"):
            assert_modes_agree(tidy, 1, modes=few)
    with pytest.raises(TypeError, match="not both"):
        assert_modes_agree(tidy, 1, calls=[(1,)])
    with pytest.raises(ValueError, match=r"calls=\[\] has no call to compare"):
        assert_modes_agree(tidy, calls=[])


@pytest.mark.prefectx("prefect.skip", "prefect.cache", "prefect")
def test_prefect_modes_are_compared_when_the_test_runs_in_one(
    prefectx_mode: str, prefect_server: PrefectServer
) -> None:
    name = f"tidy-in-{prefectx_mode.replace('.', '-')}"
    assert_modes_agree(tidy.with_options(name=name), 3)
    assert prefect_server.flow_runs(flow_name=name)


@pytest.mark.prefectx("prefect.cache")
def test_calls_of_a_task_take_one_flow_run(
    prefectx_mode: str, prefect_server: PrefectServer
) -> None:
    @task
    def square(x: int) -> int:
        return x * x

    assert_modes_agree(square, calls=[(x,) for x in range(5)])
    cold = prefect_server.flow_runs(flow_name="calls of square")[0]
    assert len(prefect_server.task_runs(cold.id)) == 5
