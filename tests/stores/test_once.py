"""`once=True`: of all who ask for a target at once, one makes it, and the others wait for it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import outputs_of, running

from prefectx import current_mode, flow, load, task
from prefectx.errors import TargetCollision, UnsupportedValue
from prefectx.stores import Filestore, Store
from prefectx.stores.mixins import Locks

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_prefectx import Targets
    from pytest_prefectx.server.client import PrefectServer


@pytest.fixture(autouse=True)
def folder(tmp_target: Targets) -> Path:
    return tmp_target.path


RACE = """
    import random, sys
    from prefectx import task

    @task(target="out/{number}", once=ONCE)
    def square(number):
        with open("made", "a") as file:
            file.write(f"{number}\\n")
        return [number * number] * 10_000

    numbers = list(range(100))
    random.Random(int(sys.argv[1])).shuffle(numbers)
    sys.stdin.readline()
    for number in numbers:
        assert square(number).load() == [number * number] * 10_000
"""


def made() -> list[int]:
    return sorted(map(int, Path("made").read_text().split()))


@pytest.mark.prefectx("cache")
class TestRaces:
    def test_of_eight_processes_exactly_one_makes_each_of_a_hundred_targets(self) -> None:
        outputs_of(RACE.replace("ONCE", "True"), range(8))
        assert made() == list(range(100))
        assert len(list(Filestore().list("out/"))) == 100
        assert list(Path(".prefectx/locks").iterdir()) == []

    def test_without_it_several_may_make_one_and_nothing_is_torn_or_lost(self) -> None:
        outputs_of(RACE.replace("ONCE", "False"), range(8))
        assert set(made()) == set(range(100))
        for number in range(100):
            assert Filestore().load(f"out/{number}") == [number * number] * 10_000
        assert not list(Path().rglob(".prefectx-*"))

    def test_a_target_that_is_stale_is_made_anew_once(self) -> None:
        code = """
            import sys
            from prefectx import task

            @task(target="out/constant", once=True, rerun_on={"inputs"})
            def constant(number):
                with open("made", "a") as file:
                    file.write(f"{number}\\n")
                return number

            assert constant(int(sys.argv[1])).load() == int(sys.argv[1])
        """
        outputs_of(code, [1] * 4)
        assert made() == [1]
        outputs_of(code, [2] * 4)
        assert made() == [1, 2]


HOLDER = (
    f"    __name__ = {__name__!r}"
    """
    import sys
    from prefectx import task

    @task(target="out/{x}", once=True)
    def slow(x):
        print("making", flush=True)
        if sys.stdin.readline() == "fail\\n":
            raise ValueError("no")
        return "of the holder"

    slow(1)
"""
)


@task(target="out/{x}", once=True)
def slow(x: int) -> str:
    return "of the waiter"


@task(target="out/{x}", once=True)
async def slow_async(x: int) -> str:
    return "of the waiter"


async def wait_for(event: threading.Event) -> None:
    await asyncio.to_thread(event.wait, 60)
    assert event.is_set()


# The holder's task is of another module than the waiter's.
@pytest.mark.filterwarnings("ignore::prefectx.errors.StaleTarget")
@pytest.mark.prefectx("cache")
class TestWaiting:
    @pytest.mark.parametrize(
        ("end", "expected"),
        [
            (lambda holder: holder.send_signal(signal.SIGKILL), "of the waiter"),
            (lambda holder: holder.communicate("fail\n"), "of the waiter"),
            (lambda holder: holder.communicate("go on\n"), "of the holder"),
        ],
        ids=["killed", "failed", "finished"],
    )
    def test_a_waiter_takes_over_if_the_holder_has_made_nothing(
        self, end: Callable[[object], object], expected: str, waiting: threading.Event
    ) -> None:
        got: list[object] = []
        waiter = threading.Thread(target=lambda: got.append(load(slow(1))))
        with running(HOLDER) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "making\n"
            waiter.start()
            assert waiting.wait(60)
            assert got == []
            end(holder)
            waiter.join(60)
        assert got == [expected]
        assert list(Path(".prefectx/locks").iterdir()) == []

    def test_an_async_task_waits_while_the_event_loop_goes_on(
        self, waiting: threading.Event
    ) -> None:
        async def both(holder: Any) -> str:
            waiter = asyncio.create_task(slow_async(1))
            await wait_for(waiting)
            assert not waiter.done()
            holder.communicate("go on\n")
            return load(await waiter)

        with running(HOLDER.replace("slow", "slow_async")) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "making\n"
            assert asyncio.run(both(holder)) == "of the holder"

    def test_a_wait_that_is_cancelled_ends_at_once_and_holds_nothing(
        self, waiting: threading.Event
    ) -> None:
        async def cancelled() -> None:
            waiter = asyncio.create_task(slow_async(1))
            await wait_for(waiting)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter

        with running(HOLDER) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "making\n"
            asyncio.run(cancelled())
        assert not [thread for thread in threading.enumerate() if "once" in thread.name]
        assert load(slow(1)) == "of the waiter"
        assert list(Path(".prefectx/locks").iterdir()) == []

    def test_more_coroutines_than_the_loop_has_threads_share_one_run(
        self, tmp_target: Targets
    ) -> None:
        @task(once=True)
        async def needs_a_thread(x: int) -> int:
            return await asyncio.to_thread(lambda: 2 * x)

        async def many() -> list[object]:
            return await asyncio.gather(*[needs_a_thread(4) for _ in range(40)])

        assert load(asyncio.run(many())) == [8] * 40
        assert tmp_target.runs == {"needs_a_thread": 1}

    def test_a_call_that_waits_for_itself_is_refused(self) -> None:
        @task(target="out/constant", once=True)
        def recursive(depth: int) -> int:
            return depth and recursive(depth - 1)

        with pytest.raises(TargetCollision, match="would wait for itself"):
            recursive(3)

    def test_a_hit_takes_no_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slow(1)
        monkeypatch.delattr(Filestore, "lock")
        monkeypatch.delattr(Locks, "lock")
        assert load(slow(1)) == "of the waiter"

    def test_a_store_without_locks_is_refused_before_the_function_runs(
        self, tmp_target: Targets
    ) -> None:
        class Lockless(Filestore):
            def lock(self, target: str) -> AbstractContextManager[None]:
                return Store.lock(self, target)

        with pytest.raises(UnsupportedValue, match=r"has no locks, so 'out/1' cannot be made with"):
            slow.with_options(store=Lockless())(1)
        assert tmp_target.runs == {}

    def test_without_a_target_it_has_no_effect(self, tmp_target: Targets) -> None:
        always = slow.with_options(target=None)
        assert (always(1), always(1)) == ("of the waiter", "of the waiter")
        assert tmp_target.runs == {"slow": 2}

    def test_a_function_that_writes_its_target_is_alone_too(self) -> None:
        code = """
            from pathlib import Path
            from prefectx import task

            @task(target="out/text", store=None, once=True)
            def write():
                with open("made", "a") as file:
                    file.write("1\\n")
                Path("out").mkdir(exist_ok=True)
                Path("out/text").write_text("whole")
                return "out/text"

            assert Path(write().load()).read_text() == "whole"
        """
        outputs_of(code, range(4))
        assert made() == [1]


def test_two_calls_at_once_in_a_flow_make_it_once(
    prefectx_mode: str, waiting: threading.Event, tmp_target: Targets
) -> None:
    """Where tasks run in threads, the second waits; what it finds then is a hit."""

    @task(target="out/{x}", once=True)
    def first_waits(x: int) -> int:
        if current_mode() in {"prefect.skip", "prefect.cache"}:
            assert waiting.wait(60)
        return 2 * x

    @flow
    def twice() -> list[object]:
        futures = [first_waits.submit(4), first_waits.submit(4)]
        return [future.result() for future in futures]

    assert load(twice()) == [8, 8]
    keeps = prefectx_mode not in {"function", "prefect"}
    assert tmp_target.runs == {"first_waits": 1 if keeps else 2}


@pytest.mark.prefectx("prefect.cache")
def test_who_has_waited_ends_in_a_cached_state(
    waiting: threading.Event, prefect_server: PrefectServer
) -> None:
    from prefect.runtime import flow_run

    @task(target="out/{x}", once=True)
    def first_waits(x: int) -> int:
        assert waiting.wait(60)
        return 2 * x

    @flow
    def twice() -> str:
        futures = [first_waits.submit(4), first_waits.submit(4)]
        for future in futures:
            future.wait()
        return str(flow_run.get_id())

    runs = prefect_server.task_runs(twice())
    assert sorted(str(run.state_name) for run in runs) == ["Cached", "Completed"]


# The holder's task is of another module than the waiter's.
@pytest.mark.filterwarnings("ignore::prefectx.errors.StaleTarget")
@pytest.mark.prefectx("cache")
def test_a_long_wait_says_who_is_making_it(
    waiting: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("prefectx.stores.locks.waiting._SAID_AFTER", -1.0)
    with running(HOLDER) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "making\n"
        waiter = threading.Thread(target=slow, args=(1,))
        waiter.start()
        assert waiting.wait(60)
        holder.communicate("go on\n")
        waiter.join(60)
    (record,) = caplog.records
    expected = f"waiting for 'out/1', which {os.uname().nodename} pid {holder.pid} is making"
    assert record.getMessage() == expected
