"""The runners of the modes `prefect.skip`, `prefect.cache` and `prefect`."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from prefectx.errors import MissingExtra, PrefectxError

try:
    import prefect
except ModuleNotFoundError as error:
    if error.name != "prefect":
        raise
    message = (
        'this mode needs Prefect: pip install "prefectx[prefect]". The modes function and cache'
        " work without it."
    )
    raise MissingExtra(message) from error

from prefect.context import FlowRunContext
from prefect.states import Failed, Pending
from prefect.task_engine import run_task
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.visualization import get_task_viz_tracker

from prefectx._calls.call import Call
from prefectx._calls.execute import output_at
from prefectx._calls.freshness import fast_hit, is_done
from prefectx._calls.make import skip
from prefectx._calls.run import in_task, note_submitted, run_here
from prefectx._calls.running import count_coroutine, count_run
from prefectx._runners.base import Runner
from prefectx._runners.lookup import HERE, PLACEMENTS
from prefectx._runners.prefect.arguments import (
    CallArguments,
    fill_objects,
    hide_iterator,
    to_prefect,
    to_prefect_flow,
)
from prefectx._runners.prefect.cached_run import can_record, record_hit
from prefectx._runners.prefect.flow import as_prefect_flow, call_flow
from prefectx._runners.prefect.future import (
    FinishedFuture,
    HitFuture,
    explain,
    result_of_run,
    settle_failures,
    upstream_error,
    upstream_futures,
)
from prefectx._runners.prefect.logs import run_logger
from prefectx._runners.prefect.lost_server import note_flow_end
from prefectx._runners.prefect.run_log import count_state, note_log, watch
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.task import (
    PREFECT_TASK,
    Body,
    StoringBody,
    as_prefect_task,
    has_owner,
    task_for_call,
)
from prefectx._runners.run_block import run_flow
from prefectx._settings.context import context_names, replace_context
from prefectx._values.annotations import may_fail
from prefectx._values.containers import replace
from prefectx._values.coroutines import run_coroutine

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.futures import PrefectFuture

    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx._runners.lookup import Lookup
    from prefectx._settings.mode import Mode
    from prefectx._values.item import Item


class PrefectRunner(Runner):
    """Mode `prefect`: Prefect itself, with the caller's arguments."""

    mode: ClassVar[Mode] = "prefect"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Call the task as a `prefect.Task`."""
        args, kwargs, hidden = _hide_iterators(args, kwargs)
        one = self._for_call(task, hidden=hidden)
        if run_here.get() is not None and not one.isgenerator:
            if one.isasync:
                return count_coroutine(_acall_task(one, args, kwargs), task, args, kwargs)
            if kwargs.get("return_state"):
                with api(), replace_context(context_names()):
                    state = PREFECT_TASK.__call__(one, *args, **kwargs)
                return count_state(task, state, args, kwargs)
            with count_run(task, args, kwargs), api(), replace_context(context_names()):
                return PREFECT_TASK.__call__(one, *args, **kwargs)
        if one.isasync and not one.isgenerator:
            return _acall_task(one, args, kwargs)
        # Names that the task sets in the context end with it.
        with api(), replace_context(context_names()):
            return PREFECT_TASK.__call__(one, *args, **kwargs)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Submit the task to the flow's task runner."""
        args, kwargs, hidden = _hide_iterators(args, kwargs)
        one = self._for_call(task, hidden=hidden)
        return self._submit_with(PREFECT_TASK.submit, one, task, args, kwargs)

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Map the task with the flow's task runner."""
        one = self._for_call(task, hidden=False)
        return self._submit_with(PREFECT_TASK.map, one, task, to_prefect(args), to_prefect(kwargs))

    def _submit_with(
        self,
        how: Callable[..., Any],
        one: Any,
        task: AnyTask,
        args: Args,
        kwargs: Kwargs,
    ) -> Any:
        if has_owner(one.fn):
            args = args[task.bound_arguments :]
        flow_run = FlowRunContext.get()
        with _placement(task, flow_run and flow_run.task_runner):
            submitted = how(one, *args, **kwargs)
        return watch(task, submitted, args, kwargs)

    def _for_call(self, task: AnyTask, *, hidden: bool) -> Any:
        """Return the task itself, or a copy with a `Body` if the call has a context to restore.

        Args:
            task: The task.
            hidden: Whether there is an argument that must be hidden from Prefect.
        """
        prefect_task = as_prefect_task(task)
        body = Body.here(task, self.mode) if hidden else Body.if_needed(task, self.mode)
        if body is None and not task.naming.names_runs:
            return prefect_task
        return task_for_call(prefect_task, body, None)

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Call the flow as a `prefect.Flow`."""
        args, kwargs = to_prefect_flow(args), to_prefect_flow(kwargs)
        with api():
            return run_flow(flow, lambda: call_flow(as_prefect_flow(flow), args, kwargs))

    def upgrade_task(self, task: AnyTask) -> None:
        """Make `task` a real `prefect.Task`."""
        as_prefect_task(task)

    def upgrade_flow(self, flow: AnyFlow) -> None:
        """Make `flow` a real `prefect.Flow`."""
        as_prefect_flow(flow)

    def flow_function(self, flow: Any) -> Any:
        """Return the function that Prefect's engine runs for a flow."""
        note_log(flow)
        # A generator's body has a separate context, so that it does not change its caller's.
        return flow.body if flow.isgenerator and not flow.isasync else flow.function

    def logger(self) -> Any:
        """Return Prefect's logger of the run, or a standard one outside any run."""
        return run_logger()

    def tags(self, *names: str) -> AbstractContextManager[Any]:
        """Return Prefect's `tags`."""
        return prefect.tags(*names)


def _hide_iterators(args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs, bool]:
    """Return the arguments converted for Prefect, and whether an iterator was hidden in them."""
    converted = to_prefect((args, kwargs))
    hidden = replace(converted, hide_iterator)
    return (*hidden, hidden is not converted)


async def _acall_task(task: Any, args: Args, kwargs: Kwargs) -> Any:
    with api(), replace_context(context_names()):
        return await PREFECT_TASK.__call__(task, *args, **kwargs)


class PrefectCacheRunner(PrefectRunner):
    """Mode `prefect.cache`: the task run itself checks the target."""

    mode: ClassVar[Mode] = "prefect.cache"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task in Prefect's engine, here."""
        return_state = kwargs.pop("return_state", False)
        arguments = CallArguments(task, args, kwargs)
        if (hit := self.hit(arguments)) is not None:
            return _as_result(task, hit.state if return_state else hit.value)
        run = self._acall if task.is_async and not task.is_generator else self._call
        return run(arguments, return_state)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Submit the task to the flow's task runner; outside any flow, run it now."""
        return_state = kwargs.pop("return_state", False)
        arguments = CallArguments(task, args, kwargs)
        try:
            future: PrefectFuture[Any] | None = self.hit(arguments, _lookup())
        except (PrefectxError, OSError) as error:
            future = FinishedFuture(Failed(message=str(error), data=error))
        future = future or self._submit(arguments)
        if not return_state:
            return future
        future.wait()
        return future.state

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task once for each element; return the futures, or the states."""
        return Runner.map(self, task, args, kwargs)

    def hit(self, arguments: CallArguments, lookup: Lookup = HERE) -> HitFuture | None:  # noqa: ARG002
        """Record a call whose target is valid and return its future, else None.

        Other calls claim the target here, because the workers' processes do not share claims.
        """
        if (call := _known_call(arguments)) is None or call.item is None:
            return None
        if not (can_record(arguments.task) and _runs_here() and is_done(call)):
            call.claim()
            return None
        return record_hit(call, arguments.run_name(), arguments.parameters, arguments.wait_for)

    def _call(self, arguments: CallArguments, return_state: bool) -> Any:
        how: dict[str, Any] = {"parameters": arguments.parameters, "wait_for": arguments.wait_for}
        with api():
            if arguments.task.is_generator:
                return run_task(self._task(arguments), **how)
            if get_task_viz_tracker():
                return draw_call(arguments)
            state = run_task(self._task(arguments), return_type="state", **how)
        return state if return_state else result_of_run(state, arguments.upstream)

    async def _acall(self, arguments: CallArguments, return_state: bool) -> Any:
        how: dict[str, Any] = {"parameters": arguments.parameters, "wait_for": arguments.wait_for}
        with api():
            if get_task_viz_tracker():
                return await draw_call(arguments)
            # A coroutine for an async task; Prefect's annotations do not say so.
            running: Any = run_task(self._task(arguments), return_type="state", **how)
            state: Any = await running
        return state if return_state else result_of_run(state, arguments.upstream)

    def _submit(self, arguments: CallArguments) -> PrefectFuture[Any]:
        flow_run = FlowRunContext.get()
        if flow_run is None:
            return self._submit_outside(arguments)
        parameters, wait_for = arguments.parameters, arguments.wait_for
        if _flattens_annotations(flow_run.task_runner):
            parameters, wait_for = replace((parameters, wait_for), _settle_failure)
        with _placement(arguments.task, flow_run.task_runner):
            future: PrefectFuture[Any] = flow_run.task_runner.submit(
                self._task(arguments), parameters, wait_for
            )
        explain(future, arguments.upstream)
        note_submitted(future)
        if not _runs_in_threads(flow_run.task_runner):
            watch(arguments.task, future, arguments.args, arguments.kwargs)
        return future

    def _submit_outside(self, arguments: CallArguments) -> PrefectFuture[Any]:
        state = self._call(arguments, return_state=True)
        if inspect.iscoroutine(state):
            state = run_coroutine(state)
        return FinishedFuture(state)

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
        with api():
            return run_flow(flow, lambda: call_flow(as_prefect_flow(flow), args, kwargs))

    def flow_function(self, flow: Any) -> Any:
        """Return the flow's body, which runs the function within a run."""
        note_log(flow)
        return note_flow_end(flow.body)


class PrefectSkipRunner(PrefectCacheRunner):
    """Mode `prefect.skip`: a call whose target exists never reaches Prefect."""

    mode: ClassVar[Mode] = "prefect.skip"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the value of a hit on the fast path; otherwise run the task."""
        found = None if get_task_viz_tracker() else fast_hit(task, args, kwargs)
        if found is None:
            return super().call(task, args, kwargs)
        return _as_result(task, output_at(found))

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the future of a hit on the fast path; otherwise submit the task."""
        is_drawn = get_task_viz_tracker()
        found = None if is_drawn else fast_hit(task, args, kwargs, _is_valid_for_workers)
        if found is None:
            return super().submit(task, args, kwargs)
        return HitFuture(output_at(found))

    def hit(self, arguments: CallArguments, lookup: Lookup = HERE) -> HitFuture | None:
        """Return the future of a call whose target is valid, else None."""
        call = _known_call(arguments)
        if call is None or call.item is None:
            return None
        if not lookup.looks_here(call.item):
            call.claim()
            return None
        if not (is_done(call) and lookup.confirms(call.item)):
            return None
        return HitFuture(skip(call))


def draw_call(arguments: CallArguments) -> Any:
    """Return Prefect's value for a call while it draws a flow's graph."""
    return PREFECT_TASK.__call__(
        as_prefect_task(arguments.task), *arguments.args, **arguments.kwargs
    )


def _lookup() -> Lookup:
    """Return the lookup of the flow's task runner."""
    flow_run = FlowRunContext.get()
    return getattr(flow_run and flow_run.task_runner, "lookup", HERE)


def _is_valid_for_workers(item: Item[Any]) -> bool:
    """Tell whether a hit is also visible to the workers of the flow's task runner."""
    lookup = _lookup()
    # What a task calls runs where the task runs.
    return in_task() or (lookup.looks_here(item) and lookup.confirms(item))


def _known_call(arguments: CallArguments) -> Call | None:
    """Return the call if it has a target and all of its arguments are known, else None."""
    if arguments.waits or not arguments.task.naming.has_target or get_task_viz_tracker():
        return None
    return Call(arguments.task, arguments.known_args, arguments.known_kwargs)


def _placement(task: AnyTask, task_runner: Any) -> AbstractContextManager[Any]:
    """Return a context manager that applies the task's options for placement."""
    found = (place(task, task_runner) for place in PLACEMENTS)
    return next((place for place in found if place is not None), nullcontext())


def _runs_in_threads(task_runner: Any) -> bool:
    """Tell whether tasks run in this process, where each run is counted."""
    return type(task_runner) is ThreadPoolTaskRunner


def _runs_here() -> bool:
    """Tell whether the flow's task runner runs tasks on this machine, with the same files."""
    flow_run = FlowRunContext.get()
    runner = flow_run and flow_run.task_runner
    return type(runner).__module__ == "prefect.task_runners"


def _flattens_annotations(task_runner: Any) -> bool:
    # Dask treats Prefect's annotations as plain tuples, which they are subclasses of.
    return type(task_runner).__module__.startswith("prefect_dask")


def _settle_failure(value: Any) -> Any:
    """Wait for a future that may fail; return its result or exception."""
    return settle_failures(value.unwrap()) if may_fail(value) else value


def _as_result(task: AnyTask, value: Any) -> Any:
    if not task.is_async:
        return value

    async def finished() -> Any:
        return value

    return finished()
