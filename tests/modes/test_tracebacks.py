"""Tracebacks show the user's frames only, in every mode, inside flows and outside them."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import prefectx
from prefectx import as_completed, current_mode, flow, item, load, task

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.prefectx, pytest.mark.usefixtures("tmp_target")]


@task
def clean(number: int) -> int:
    if number == 7:
        msg = f"bad {number}"
        raise ValueError(msg)
    return number


@task
async def clean_later(number: int) -> int:
    await asyncio.sleep(0)
    return clean.fn(number)


@flow
def mapped(count: int) -> list[int]:
    return clean.map(list(range(count))).result()


@flow
def called(count: int) -> list[int]:
    return [clean(number) for number in range(count)]


@flow
async def called_later(count: int) -> list[int]:
    return [await clean_later(number) for number in range(count)]


@flow
def nested(count: int) -> list[int]:
    return load(mapped(count))


def run_async(count: int) -> list[int]:
    return asyncio.run(called_later(count))


def frames(error: BaseException | None) -> list[tuple[str, str]]:
    """Return the file and function of each frame of an exception's traceback."""
    assert error is not None
    found = traceback.extract_tb(error.__traceback__)
    return [(frame.filename, frame.name) for frame in found]


def error_of(call: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one, the caller checks
        call()
    return caught.value


def frames_of(start: Any, count: int) -> list[tuple[str, str]]:
    """Run a flow that fails; return the frames above this test's."""
    error = error_of(lambda: start(count))
    assert str(error) == "bad 7"
    return frames(error)[2:]


@pytest.mark.parametrize("start", [called, mapped, nested])
def test_tracebacks_show_the_frames_of_the_user_only(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = frames_of(start, 8)
    assert {file for file, _ in found} == {__file__}
    assert ("called" if start is called else "clean") in {name for _, name in found}
    if start is called:
        assert next(name for _, name in found) == "called"
    monkeypatch.setenv("PREFECTX_TRACEBACKS", "full")
    assert {file for file, _ in frames_of(start, 8)} > {__file__}


def test_tracebacks_of_async_flows_show_the_frames_of_the_user_only() -> None:
    found = frames_of(run_async, 8)
    ours = [file for file, _ in found if "prefect" in file and file != __file__]
    assert ours == []


def test_tracebacks_of_a_task_outside_flows_show_the_frames_of_the_user_only() -> None:
    assert frames_of(lambda count: clean(count), 7)[-1][1] == "clean"  # noqa: PLW0108
    assert {file for file, _ in frames_of(clean, 7)} == {__file__}


def test_what_was_handled_on_the_way_shows_no_frames_of_ours() -> None:
    @flow
    def wraps() -> None:
        try:
            clean(7)
        except ValueError as error:
            raise LookupError(7) from error

    assert {file for file, _ in frames(error_of(wraps).__cause__)} == {__file__}


async def result_in_a_coroutine() -> Any:
    return clean.submit(7).result()


#: Outside any flow, which in mode prefect may not submit.
SUBMITTED: dict[str, Callable[[], Any]] = {
    "result of submit": lambda: clean.submit(7).result(),
    "load of submit": lambda: load(clean.submit(7)),
    "load of a list": lambda: load([clean.submit(7)]),
    "result of map": lambda: clean.map([1, 7]).result(),
    "result of an element": lambda: clean.map([1, 7])[1].result(),  # noqa: PLW0108
    "load of map": lambda: load(clean.map([1, 7])),
    "as completed": lambda: [future.result() for future in as_completed([clean.submit(7)])],
    "future of a failed argument": lambda: clean.submit(clean.submit(7)).result(),
    "async task": lambda: clean_later.submit(7).result(),
    "in a coroutine": lambda: asyncio.run(result_in_a_coroutine()),
}

LOADED: dict[str, Callable[[], Any]] = {
    "load": lambda: load(item("nothing/here")),
    "load of a list": lambda: load([item("nothing/here")]),
    "Item.load": lambda: item("nothing/here").load(),
    "Item.result": lambda: item("nothing/here").result(),
    "Item.delete": lambda: item("nothing/here").delete(),
    "Item as data": lambda: item("nothing/here") + 1,  # type: ignore[operator]
    "attribute of an Item": lambda: item("nothing/here").columns,  # type: ignore[attr-defined]
    "Item compared": lambda: item("nothing/here") == 1,
}


def refused(how: Callable[..., Any]) -> BaseException:
    return error_of(lambda: how(1, 2, 3))


def is_all_the_users(error: BaseException) -> bool:
    """Tell whether an exception, and each that is shown with it, has the user's frames only."""
    shown = [error]
    while (behind := shown[-1].__cause__ or _context(shown[-1])) is not None:
        shown.append(behind)
    files = {file for one in shown for file, _ in frames(one)}
    return not [file for file in files if "prefect" in file and file != __file__]


def _context(error: BaseException) -> BaseException | None:
    return None if error.__suppress_context__ else error.__context__


@pytest.mark.prefectx("function", "cache", "prefect.skip", "prefect.cache")
@pytest.mark.parametrize("call", SUBMITTED.values(), ids=SUBMITTED.keys())
def test_a_future_outside_flows_raises_with_the_frames_of_the_user_only(
    call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = error_of(call)
    assert str(error) == "bad 7"
    assert is_all_the_users(error)
    assert error.__context__ is None
    assert frames(error)[-1][1] == "clean"
    monkeypatch.setenv("PREFECTX_TRACEBACKS", "full")
    assert not is_all_the_users(error_of(call))


@pytest.mark.parametrize("call", LOADED.values(), ids=LOADED.keys())
def test_an_item_raises_with_the_frames_of_the_user_only(
    call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = error_of(call)
    assert is_all_the_users(error)
    assert frames(error)[-1] == (__file__, "<lambda>")
    monkeypatch.setenv("PREFECTX_TRACEBACKS", "full")
    assert not is_all_the_users(error_of(call))


def test_a_call_that_does_not_fit_is_refused_with_the_frames_of_the_user_only() -> None:
    assert is_all_the_users(refused(clean.submit))
    assert is_all_the_users(refused(clean.item))
    assert is_all_the_users(error_of(lambda: clean.map([1], [2])))


@pytest.mark.prefectx("function", "cache")
def test_the_exception_of_a_state_has_the_frames_of_the_user_only() -> None:
    state: Any = clean(7, return_state=True)
    assert {file for file, _ in frames(state.result(raise_on_failure=False))} == {__file__}
    assert is_all_the_users(error_of(state.result))


def test_the_failures_of_the_last_run_have_the_frames_of_the_user_only() -> None:
    @flow
    def goes_on() -> int:
        return len([clean(7, return_state=True), clean.submit(1)])

    assert load(goes_on()) == 2
    report = prefectx.last_run()
    assert report is not None
    [failure] = report.failures
    assert {file for file, _ in frames(failure.error)} == {__file__}, current_mode()
