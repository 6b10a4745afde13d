"""The entry of a task's call: a fast path for plain calls in mode `function`.

In mode `function`, a call with plain arguments must cost little more than a wrapper of one line. So
it only checks everything that could make it another kind of call, and sets nothing. If the function
logs, the run's name is found on the stack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.here import run_here
from prefectx._calls.leaving import before_leaving, leave_call, leave_coroutine
from prefectx._calls.nesting import register_calls
from prefectx._logs.run_names import register_entry
from prefectx._logs.runs_log import RUNS_LOG
from prefectx._runners import current_runner, runner_override
from prefectx._settings.environment import environment
from prefectx._settings.mode import MODE, function_mode_values, override
from prefectx._settings.project import read_project
from prefectx._values.item import load_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx._naming.decorated import AnyTask

# Types that cannot hold Items or futures.
_LITERALS: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
_MODE: Final = MODE.key
_RUNS_LOG: Final = RUNS_LOG.key


def entry_of(task: AnyTask) -> Callable[..., Any]:
    """Return the function that runs when the task is called."""
    if task.is_async and not task.is_generator:
        return _async_entry(task)
    # If the run's name cannot be rendered, the function must not run.
    if task.is_generator or task.naming.names_runs:
        return _entry_in_mode(task)
    # Bound once, because they are used at each call.
    fn, mode_here, look_up, run_under_way = task.fn, override.get, environment.get, run_here.get

    def call(*args: Any, **kwargs: Any) -> Any:
        # Without an exception, a `try` costs nothing.
        try:
            mode = mode_here()
            if mode is None:
                is_plain = look_up(_MODE) in function_mode_values
            else:
                is_plain = mode == "function" and runner_override.get() is None
            if kwargs or not is_plain or _RUNS_LOG in environment or run_under_way() is not None:
                return _call(task, args, kwargs)
            for value in args:
                if type(value) not in _LITERALS:
                    return _call(task, args, kwargs)
            value = fn(*args)
            return value if type(value) in _LITERALS else load_result(value)
        except BaseException as error:
            before_leaving(error, f"task {task.name!r}")
            raise

    register_entry(call.__code__)
    register_calls(call.__code__)
    return call


def _entry_in_mode(task: AnyTask) -> Callable[..., Any]:
    def call_in_mode(*args: Any, **kwargs: Any) -> Any:
        with leave_call(f"task {task.name!r}"):
            return _call(task, args, kwargs)

    register_calls(call_in_mode.__code__)
    return call_in_mode


def _async_entry(task: AnyTask) -> Callable[..., Any]:
    def call_later(*args: Any, **kwargs: Any) -> Any:
        with leave_call(what := f"task {task.name!r}"):
            running = _call(task, args, kwargs)
        return leave_coroutine(running, what)

    return call_later


def _call(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not function_mode_values:
        read_project(task.fn)
    return current_runner().call(task, args, kwargs)
