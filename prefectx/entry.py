"""What a call of a task runs first: compiled with its signature, so that Python binds arguments.

In mode `function`, a call with plain arguments must cost no more than a wrapper of one line. So
all that could make it another is asked for in one condition, and nothing is noted: the run's name
is found on the stack if anything is logged.
"""

from __future__ import annotations

import ast
import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from prefectx.call import RUNS_LOG, data_of
from prefectx.environment import environment
from prefectx.functions import KEYWORD_ONLY, VAR_KEYWORD, VAR_POSITIONAL
from prefectx.mode import MODE, override
from prefectx.named import PREFIX
from prefectx.runners import by_environment, current_runner
from prefectx.signature import expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx.task import Task

_PLAIN: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
_UNSET: Final = frozenset(map(os.environ.encodevalue, ("", "function")))
_EACH_CALL: Final = ("return_state", "wait_for")


def entry_of(task: Task[..., Any]) -> Callable[..., Any]:
    """Return what is called in place of the task."""
    kinds = {parameter.kind for parameter in task.naming.parameters.values()}
    if kinds & {VAR_POSITIONAL, VAR_KEYWORD} or task.is_async or task.is_generator:
        return partial(_call, task)
    return _compiled(task)


def _call(task: Task[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return current_runner().call(task, args, kwargs)


def _call_with(
    task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], each: dict[str, Any]
) -> Any:
    given = {name: value for name, value in each.items() if value}
    return current_runner().call(task, args, {**kwargs, **given})


def _compiled(task: Task[..., Any]) -> Callable[..., Any]:
    parameters = task.naming.parameters
    named = [name for name in parameters if parameters[name].kind == KEYWORD_ONLY]
    args = "".join(f"{name}, " for name in parameters if name not in named)
    kwargs = ", ".join(f"{name!r}: {name}" for name in named)
    each = ", ".join(f"{name!r}: {name}" for name in _EACH_CALL)
    source = _SOURCE.format(
        # A name that cannot be rendered stops the call, so it must be rendered first.
        is_unnamed=not task.naming.names_runs,
        are_plain="".join(f" and $type({name}) in $plain" for name in parameters),
        passed=args + ", ".join(f"{name}={name}" for name in named),
        args=args,
        kwargs=kwargs,
        each=each,
    )
    runner = "($overridden_mode() is None and $runners.get($environment.get($mode)))"
    result = f"({runner} or $current_runner()).call($task, ({args}), {{{kwargs}}})"
    own: dict[str, Any] = {
        "type": type,
        "plain": _PLAIN,
        "task": task,
        "fn": task.fn,
        "data_of": data_of,
        "overridden_mode": override.get,
        "mode": MODE.key,
        "runs_log": RUNS_LOG.key,
        "environment": environment,
        "unset": _UNSET,
        "runners": by_environment,
        "current_runner": current_runner,
        "call_with": _call_with,
    }
    return task.naming.compiled(
        ast.parse(source.replace("$", PREFIX)).body,
        expression(result.replace("$", PREFIX)),
        {f"{PREFIX}{name}": value for name, value in own.items()},
        _EACH_CALL,
    )


# With names that no parameter has in place of those that start with a dollar.
_SOURCE: Final = """
if (
    {is_unnamed}
    and $overridden_mode() is None
    and ($mode not in $environment or $environment[$mode] in $unset)
    and $runs_log not in $environment
    and not (return_state or wait_for){are_plain}
):
    $value = $fn({passed})
    return $value if $type($value) in $plain else $data_of($value)
if return_state or wait_for:
    return $call_with($task, ({args}), {{{kwargs}}}, {{{each}}})
"""
