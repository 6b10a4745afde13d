"""The runner of the mode `prefect.cache`: each task run checks its target first."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.states import Failed, Pending
from prefect.task_engine import run_task
from prefect.utilities.engine import resolve_to_final_result
from prefect.utilities.visualization import get_task_viz_tracker

from prefectx._calls.call import Call
from prefectx._calls.commands import commands_for_failure
from prefectx._calls.freshness import is_done
from prefectx._calls.run import note_submitted
from prefectx._runners.base import Runner
from prefectx._runners.lookup import HERE
from prefectx._runners.prefect.arguments import CallArguments, as_list, fill_objects
from prefectx._runners.prefect.body import StoringBody
from prefectx._runners.prefect.cached_run import can_record, record_hit
from prefectx._runners.prefect.flow import as_prefect_flow, call_flow
from prefectx._runners.prefect.flow_task_runner import (
    flattens_annotations,
    flow_task_runner,
    lookup_of_flow,
    placement,
    runs_in_threads,
    runs_on_this_machine,
)
from prefectx._runners.prefect.future import (
    FinishedFuture,
    HitFuture,
    cancelled_state,
    explain,
    result_of_run,
    settle_failures,
    upstream_error,
    upstream_futures,
)
from prefectx._runners.prefect.lost_server import note_flow_end
from prefectx._runners.prefect.prefect_mode import PrefectRunner
from prefectx._runners.prefect.run_log import note_log, watch
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.tagged_tasks import limits, wait_for_limits
from prefectx._runners.prefect.task import PREFECT_TASK, as_prefect_task
from prefectx._runners.prefect.task_for_call import task_for_call
from prefectx._runners.run_block import run_flow
from prefectx._values.annotations import may_fail
from prefectx._values.containers import replace
from prefectx._values.coroutines import run_coroutine
from prefectx.errors import PrefectxError

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture

    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx._runners.lookup import Lookup
    from prefectx._settings.mode import Mode


class PrefectCacheRunner(PrefectRunner):
    """Mode `prefect.cache`: the task run itself checks the target."""

    mode: ClassVar[Mode] = "prefect.cache"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task in Prefect's engine, here."""
        return_state = kwargs.pop("return_state", False)
        arguments = CallArguments(task, args, kwargs)
        if (hit := self.hit(arguments)) is not None:
            return as_result(task, hit.state if return_state else hit.value)
        run = self._acall if task.is_async and not task.is_generator else self._call
        return run(arguments, return_state)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Submit the task to the flow's task runner; outside any flow, run it now."""
        return_state = kwargs.pop("return_state", False)
        arguments = CallArguments(task, args, kwargs)
        try:
            future: PrefectFuture[Any] | None = self.hit(arguments, lookup_of_flow())
            if future is None:
                wait_for_limits(task)
        except (PrefectxError, OSError) as error:
            future = FinishedFuture(Failed(message=str(error), data=error))
        future = future or self._submit(arguments)
        if not return_state:
            return future
        future.wait()
        return future.state

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task once for each element; return the futures, or the states."""
        for value in (*args, *kwargs.values()):
            if isinstance(value, FlowRun | TaskRun):
                # Prefect's own error: the state in it would be taken for that of an input.
                resolve_to_final_result(value, {})
        return Runner.map(self, task, args, kwargs)

    def hit(self, arguments: CallArguments, lookup: Lookup = HERE) -> HitFuture | None:  # noqa: ARG002
        """Record a call whose target is valid and return its future, else None.

        Other calls claim the target here, because the workers' processes do not share claims.
        """
        if (call := known_call(arguments)) is None or call.item is None:
            return None
        if not (can_record(arguments.task) and runs_on_this_machine() and is_done(call)):
            call.claim()
            return None
        return record_hit(call, arguments.run_name(), arguments.parameters, arguments.wait_for)

    def _call(self, arguments: CallArguments, return_state: bool) -> Any:
        how: dict[str, Any] = {"parameters": arguments.parameters, "wait_for": arguments.wait_for}
        with api():
            if get_task_viz_tracker() and not arguments.task.is_generator:
                return draw_call(arguments)
            wait_for_limits(arguments.task)
            with limits(arguments.task):
                if arguments.task.is_generator:
                    # Prefect refuses the state of a generator.
                    wanted: Any = "state" if return_state else "result"
                    return run_task(self._task(arguments), return_type=wanted, **how)
                state = run_task(self._task(arguments), return_type="state", **how)
        return state if return_state else result_of_run(state, arguments.upstream)

    async def _acall(self, arguments: CallArguments, return_state: bool) -> Any:
        how: dict[str, Any] = {"parameters": arguments.parameters, "wait_for": arguments.wait_for}
        with api():
            if get_task_viz_tracker():
                return await draw_call(arguments)
            await asyncio.to_thread(wait_for_limits, arguments.task)
            with limits(arguments.task):
                # A coroutine for an async task; Prefect's annotations do not say so.
                running: Any = run_task(self._task(arguments), return_type="state", **how)
                state: Any = await running
        return state if return_state else result_of_run(state, arguments.upstream)

    def _submit(self, arguments: CallArguments) -> PrefectFuture[Any]:
        task_runner = flow_task_runner()
        if task_runner is None:
            return self._submit_outside(arguments)
        parameters, wait_for = arguments.parameters, arguments.wait_for
        if flattens_annotations(task_runner):
            parameters, wait_for = replace((parameters, wait_for), _settle_failure)
        with placement(arguments.task, task_runner):
            future: PrefectFuture[Any] = task_runner.submit(
                self._task(arguments), parameters, wait_for
            )
        explain(future, arguments.upstream)
        note_submitted(future)
        if not runs_in_threads(task_runner):
            call = arguments.task, arguments.args, arguments.kwargs
            # The name of the target may depend on the context here.
            context = copy_context()
            watch(
                arguments.task,
                future,
                arguments.args,
                arguments.kwargs,
                lambda: context.run(commands_for_failure, *call),
            )
        return future

    def _submit_outside(self, arguments: CallArguments) -> PrefectFuture[Any]:
        state = self._call(arguments, return_state=True)
        if inspect.iscoroutine(state):
            state = run_coroutine(state)
        future = FinishedFuture(state)
        explain(future, arguments.upstream)
        return future

    def _task(self, arguments: CallArguments) -> Any:
        body = StoringBody.here(arguments.task, self.mode)
        return task_for_call(as_prefect_task(arguments.task), body, arguments.run_name())

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow in Prefect's engine."""
        upstream = upstream_futures([args, kwargs])
        for future in upstream:
            future.wait()
        if (failure := upstream_error(upstream)) is not None:
            if kwargs.get("return_state"):
                return Pending(name="NotReady", message=str(failure))
            raise failure
        args, kwargs = fill_objects((args, kwargs))
        if "wait_for" in kwargs:
            # Prefect asks whether there is any, which an Item does not answer.
            kwargs["wait_for"] = as_list(kwargs["wait_for"])
        with api():
            return run_flow(
                flow, args, kwargs, lambda: call_flow(as_prefect_flow(flow), args, kwargs)
            )

    def settle_returned(self, value: Any) -> Any:
        """Return what a flow's body has returned, settled; or the state of one that is cancelled.

        By Prefect's rule a flow that returns the futures of cancelled runs is cancelled.
        """
        state = cancelled_state(value)
        return super().settle_returned(value) if state is None else state

    def flow_function(self, flow: Any) -> Any:
        """Return the flow's body, which runs the function within a run."""
        note_log(flow)
        return note_flow_end(flow.body)


def draw_call(arguments: CallArguments) -> Any:
    """Return Prefect's value for a call while it draws a flow's graph."""
    return PREFECT_TASK.__call__(
        as_prefect_task(arguments.task), *arguments.args, **arguments.kwargs
    )


def known_call(arguments: CallArguments) -> Call | None:
    """Return the call if it has a target and all of its arguments are known, else None."""
    if arguments.waits or not arguments.task.naming.has_target or get_task_viz_tracker():
        return None
    return Call(arguments.task, arguments.known_args, arguments.known_kwargs)


def as_result(task: AnyTask, value: Any) -> Any:
    """Return the value of a call, or for an async task a coroutine of it."""
    if not task.is_async:
        return value

    async def finished() -> Any:
        return value

    return finished()


def _settle_failure(value: Any) -> Any:
    """Wait for a future that may fail; return its result or exception."""
    return settle_failures(value.unwrap()) if may_fail(value) else value
