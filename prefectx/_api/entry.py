"""What a call of a task runs first: compiled with its signature, so that Python binds arguments.

In mode `function`, a call with plain arguments must cost no more than a wrapper of one line. So
all that could make it another is asked for in one condition, and nothing is noted: the run's name
is found on the stack if anything is logged.
"""

from __future__ import annotations

import os

from prefectx._calls.call import RUNS_LOG, data_of, plain_hit
from prefectx._calls.run import run_here
from prefectx._naming.signature import NOTHING, own, own_names
from prefectx._runners import by_environment, current_runner
from prefectx._settings.environment import environment
from prefectx._settings.mode import MODE, override
from prefectx._values.functions import KEYWORD_ONLY, VAR_KEYWORD, VAR_POSITIONAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from prefectx._api.task import Task

_PLAIN: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
_UNSET: Final = frozenset(map(os.environ.encodevalue, ("", "function")))


def entry_of(task: Task[..., Any]) -> Callable[..., Any]:
    """Return what is called in place of the task."""
    kinds = {parameter.kind for parameter in task.naming.parameters.values()}
    if kinds & {VAR_POSITIONAL, VAR_KEYWORD} or task.is_async or task.is_generator:
        return lambda *args, **kwargs: _call(task, args, kwargs)
    return _compiled(task)


def _call(task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    runner = current_runner()
    if runner.asks_first and not task.is_async:
        hit = plain_hit(task, args, kwargs)
        if hit is not None:
            return hit
    return runner.call(task, args, kwargs)


def _call_with(  # noqa: PLR0913, PLR0917 - what the call was given, in order
    task: Task[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    too_many: Any,
    return_state: Any,
    wait_for: Any,
) -> Any:
    if too_many is not NOTHING:
        extra = [value for value in (too_many, return_state, wait_for) if value is not NOTHING]
        parameters = task.naming.parameters
        given = {
            name: value for name, value in kwargs.items() if value is not parameters[name].default
        }
        # Raises what the function would.
        task.naming.bind(*args, *extra, **given)
    each = {"return_state": return_state, "wait_for": wait_for}
    given = {name: value for name, value in each.items() if value and value is not NOTHING}
    return current_runner().call(task, args, {**kwargs, **given})


def _compiled(task: Task[..., Any]) -> Callable[..., Any]:
    parameters = task.naming.parameters
    named = [name for name in parameters if parameters[name].kind == KEYWORD_ONLY]
    args = "".join(f"{name}, " for name in parameters if name not in named)
    kwargs = ", ".join(f"{name!r}: {name}" for name in named)
    source = _SOURCE.format(
        are_plain="".join(f" and {_is_plain(name)}" for name in parameters),
        # A name that cannot be rendered stops the call, so it must be rendered first.
        is_unnamed=not task.naming.names_runs,
        passed=args + ", ".join(f"{name}={name}" for name in named),
        args=args,
        kwargs=kwargs,
        is_result_plain=_is_plain("$value"),
    )
    result = f"$call_with($task, ({args}), {{{kwargs}}}, $too_many, return_state, wait_for)"
    names: dict[str, Any] = {
        "type": type,
        "int": int,
        "plain": _PLAIN,
        "task": task,
        "fn": task.fn,
        "data_of": data_of,
        "overridden_mode": override.get,
        "mode": MODE.key,
        "runs_log": RUNS_LOG.key,
        "environment": environment,
        "unset": _UNSET,
        "run_here": run_here.get,
        "runners": by_environment,
        "current_runner": current_runner,
        "call_with": _call_with,
        "hit_of": task.naming.hit,
    }
    return task.naming.compiled(
        own(source).splitlines(),
        own(result),
        own_names(names),
        [own("$too_many"), "return_state", "wait_for"],
    )


def _is_plain(name: str) -> str:
    # Most are, and this is quicker than looking it up.
    return f"($type({name}) is $int or $type({name}) in $plain)"


# With names that no parameter has in place of those that start with a dollar. A call with more
# arguments than the function takes has one for `too_many`: they cost less here than by name only.
_SOURCE: Final = """
if $too_many is return_state is wait_for is $nothing:
    if $overridden_mode() is not None:
        $runner = $current_runner()
    elif $runs_log not in $environment and (
        $mode not in $environment or $environment[$mode] in $unset
    ):
        if $run_here() is None and {is_unnamed}{are_plain}:
            $value = $fn({passed})
            return $value if {is_result_plain} else $data_of($value)
        $runner = $current_runner()
    else:
        $runner = $runners.get($environment.get($mode)) or $current_runner()
    if $runner.asks_first:
        $hit = $hit_of({passed})
        if $hit is not None:
            return $hit
    return $runner.call($task, ({args}), {{{kwargs}}})
"""
