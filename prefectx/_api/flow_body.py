"""`flow_body_of`: the function of a flow, within a run."""

from __future__ import annotations

import inspect
from contextvars import Context, copy_context
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from prefectx._calls.here import in_task
from prefectx._calls.run import begin_flow, flow_body
from prefectx._runners import current_runner
from prefectx._runners.run_block import end_run_after
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.rerun import rerun_on
from prefectx._values.item import load_items

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def flow_body_of(fn: Callable[..., Any], reasons: frozenset[str]) -> Callable[..., Any]:
    """Return a function of the same kind that runs `fn` within a run."""
    if inspect.isasyncgenfunction(fn):
        return fn
    if inspect.isgeneratorfunction(fn):

        def generator_body(*args: Any, **kwargs: Any) -> Any:
            # Between two elements the caller's context is current, not the flow's.
            inside = copy_context()
            run = inside.run(begin_flow)
            inside.run(rerun_on(reasons).__enter__)
            with end_run_after(run):
                return (yield from _run_in_context(inside, fn(*args, **kwargs)))

        update_wrapper(generator_body, fn)
        return generator_body

    if inspect.iscoroutinefunction(fn):

        async def async_body(*args: Any, **kwargs: Any) -> Any:
            with (
                flow_body() as run,
                replace_context(context_names()),
                rerun_on(reasons),
                end_run_after(run),
            ):
                result = current_runner().settle_returned(await fn(*args, **kwargs))
            return load_items(result) if in_task() else result

        update_wrapper(async_body, fn)
        return async_body

    def body(*args: Any, **kwargs: Any) -> Any:
        with (
            flow_body() as run,
            replace_context(context_names()),
            rerun_on(reasons),
            end_run_after(run),
        ):
            result = current_runner().settle_returned(fn(*args, **kwargs))
        return load_items(result) if in_task() else result

    update_wrapper(body, fn)
    return body


def _run_in_context(
    inside: Context, generator: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    sent: Any = None
    while True:
        try:
            element = inside.run(generator.send, sent)
        except StopIteration as end:
            return end.value
        try:
            sent = yield element
        except GeneratorExit:
            inside.run(generator.close)
            raise
