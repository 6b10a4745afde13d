"""The current mode, and where it applies."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from patience import PATIENCE

from prefectx import MODES, Item, context, current_mode, flow, gcontext, task, use_mode
from prefectx.errors import PrefectxError, UnknownMode

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache")


def test_there_are_five_modes() -> None:
    assert MODES == ("function", "cache", "prefect.skip", "prefect.cache", "prefect")


@pytest.mark.parametrize("mode", MODES)
def test_the_environment_names_the_mode(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", mode)
    assert current_mode() == mode


def test_without_the_variable_the_mode_is_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECTX", raising=False)
    assert current_mode() == "function"


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", "")
    assert current_mode() == "function"


@pytest.mark.parametrize("mode", MODES)
def test_use_mode_wins_over_the_environment(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", "cache")
    with use_mode(mode) as given:
        assert given == current_mode() == mode
    assert current_mode() == "cache"


def test_use_mode_hides_a_wrong_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", "cash")
    with use_mode("function"):
        assert current_mode() == "function"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("cash", "cache"), ("prefect.cached", "prefect.cache"), ("Function", "function")],
)
def test_an_unknown_mode_is_told_the_nearest_name(
    wrong: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = rf"\. Did you mean '{right}'\? The modes are: function, cache, prefect\.skip, "
    with (
        pytest.raises(UnknownMode, match=rf"'{wrong}' \(from use_mode\(\)\){told}"),
        use_mode(wrong),
    ):
        pass
    monkeypatch.setenv("PREFECTX", wrong)
    with pytest.raises(UnknownMode, match=rf"'{wrong}' \(from \$PREFECTX\){told}"):
        current_mode()


def test_a_mode_like_no_other_is_told_which_there_are() -> None:
    with (
        pytest.raises(UnknownMode, match=r"\(from use_mode\(\)\)\. The modes are"),
        use_mode("zzz"),
    ):
        pass


def test_an_unknown_mode_is_a_value_error_too() -> None:
    assert issubclass(UnknownMode, ValueError)
    assert issubclass(UnknownMode, PrefectxError)


def test_a_wrong_variable_stops_the_call_not_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    @task
    def one() -> int:
        return 1

    monkeypatch.setenv("PREFECTX", "cash")
    with pytest.raises(UnknownMode):
        one()


def test_modes_nest_and_are_undone_by_exceptions() -> None:
    with use_mode("function"):
        with suppress(KeyError), use_mode("prefect"):
            assert current_mode() == "prefect"
            raise KeyError
        assert current_mode() == "function"
        with use_mode("cache"):
            assert current_mode() == "cache"
        assert current_mode() == "function"


def test_one_imported_task_runs_in_every_mode(tmp_target: Targets) -> None:
    @task
    def one() -> int:
        return 1

    with use_mode("function"):
        assert one() == 1
    with use_mode("cache"):
        assert isinstance(one(), Item)
    with use_mode("function"):
        assert one() == 1


def test_the_mode_holds_inside_flows_and_tasks(tmp_target: Targets) -> None:
    @task(target=None)
    def where() -> str:
        return current_mode()

    @flow
    def asks() -> object:
        return current_mode(), where(), where.submit()

    with use_mode("function"):
        assert asks() == ("function", "function", "function")


def test_threads_do_not_see_each_others_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECTX", "cache")
    together = Barrier(3)

    def seen(mode: str) -> str:
        with use_mode(mode):
            together.wait(timeout=PATIENCE)
            found = current_mode()
            together.wait(timeout=PATIENCE)
        return found + "/" + current_mode()

    with ThreadPoolExecutor(3) as pool, use_mode("prefect"):
        found = list(pool.map(seen, ["function", "prefect", "prefect.skip"]))
    assert found == ["function/cache", "prefect/cache", "prefect.skip/cache"]


def test_a_thread_that_is_given_the_context_sees_its_mode() -> None:
    with ThreadPoolExecutor(1) as pool, use_mode("prefect.skip"):
        context = contextvars.copy_context()
        assert pool.submit(context.run, current_mode).result() == "prefect.skip"


def test_coroutines_do_not_see_each_others_modes() -> None:
    async def seen(mode: str, arrived: asyncio.Event, other: asyncio.Event) -> str:
        with use_mode(mode):
            arrived.set()
            await other.wait()
            return current_mode()

    async def both() -> tuple[str, str]:
        left, right = asyncio.Event(), asyncio.Event()
        one, two = await asyncio.gather(seen("function", left, right), seen("prefect", right, left))
        return one, two

    with use_mode("cache"):
        assert asyncio.run(both()) == ("function", "prefect")
        assert current_mode() == "cache"


def test_use_mode_and_context_decorate_functions() -> None:
    @use_mode("function")
    @context(day="monday")
    def both() -> tuple[str, object]:
        return current_mode(), gcontext["day"]

    with use_mode("cache"):
        assert both() == both() == ("function", "monday")
        assert current_mode() == "cache"


def test_one_use_mode_may_be_entered_within_itself() -> None:
    function = use_mode("function")
    with use_mode("cache"):
        with function, function:
            assert current_mode() == "function"
        assert current_mode() == "cache"


def test_runs_are_logged_where_no_mode_is_set(
    tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECTX", raising=False)
    monkeypatch.setenv("PREFECTX_RUNS_LOG", str(tmp_target.path / "runs.log"))
    assert task(target=None)(lambda x: x)(1) == 1
    assert (tmp_target.path / "runs.log").read_text().count("lambda") == 1
