"""The modes `prefect.skip`, `prefect.cache` and `prefect`: Prefect runs tasks and flows."""

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
        'this mode needs Prefect: pip install "prefectx[prefect]"; the modes function and cache'
        " run without it"
    )
    raise MissingExtra(message) from error

from prefect.context import FlowRunContext
from prefect.states import Failed
from prefect.task_engine import run_task
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.visualization import get_task_viz_tracker

from prefectx._calls.call import Call
from prefectx._calls.freshness import is_done, plain_hit
from prefectx._calls.make import skip
from prefectx._calls.run import note_submitted, run_here
from prefectx._calls.running import count_coroutine, count_run
from prefectx._runners.base import Runner
from prefectx._runners.lookup import HERE, PLACEMENTS
from prefectx._runners.prefect.arguments import (
    Given,
    for_prefect,
    for_prefect_flow,
    hidden_iterator,
)
from prefectx._runners.prefect.cached_run import can_record, recorded
from prefectx._runners.prefect.flow import as_prefect_flow, called_flow
from prefectx._runners.prefect.future import (
    Finished,
    Hit,
    explain,
    is_unready,
    settle_failures,
    state_result,
    upstream_error,
)
from prefectx._runners.prefect.logs import run_logger
from prefectx._runners.prefect.lost_server import noting_its_end
from prefectx._runners.prefect.run_log import counted_state, note_log, watch
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.task import (
    PREFECT_TASK,
    Body,
    KeepingBody,
    as_prefect_task,
    for_call,
    has_owner,
)
from prefectx._runners.run_block import run_flow
from prefectx._settings.context import context_names, replace_context
from prefectx._values.annotations import may_fail
from prefectx._values.containers import replace
from prefectx._values.coroutines import run_coroutine
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.futures import PrefectFuture

    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx._runners.lookup import Lookup
    from prefectx._settings.mode import Mode


class PrefectRunner(Runner):
    """Mode `prefect`: Prefect itself, given what the caller gave."""

    mode: ClassVar[Mode] = "prefect"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Call the task as a `prefect.Task`."""
        args, kwargs, hidden = _for_prefect(args, kwargs)
        one = self._for_call(task, hidden=hidden)
        if run_here.get() is not None and not one.isgenerator:
            if one.isasync:
                return count_coroutine(_acalled(one, args, kwargs), task, args, kwargs)
            if kwargs.get("return_state"):
                with api(), replace_context(context_names()):
                    state = PREFECT_TASK.__call__(one, *args, **kwargs)
                return counted_state(task, state, args, kwargs)
            with count_run(task, args, kwargs), api(), replace_context(context_names()):
                return PREFECT_TASK.__call__(one, *args, **kwargs)
        if one.isasync and not one.isgenerator:
            return _acalled(one, args, kwargs)
        # What the task sets in the context ends with it.
        with api(), replace_context(context_names()):
            return PREFECT_TASK.__call__(one, *args, **kwargs)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Submit the task to the flow's task runner."""
        args, kwargs, hidden = _for_prefect(args, kwargs)
        one = self._for_call(task, hidden=hidden)
        return self._submitted(PREFECT_TASK.submit, one, task, args, kwargs)

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Have the flow's task runner map the task."""
        one = self._for_call(task, hidden=False)
        return self._submitted(PREFECT_TASK.map, one, task, for_prefect(args), for_prefect(kwargs))

    def _submitted(
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
        with _placed(task, flow_run and flow_run.task_runner):
            submitted = how(one, *args, **kwargs)
        return watch(task, submitted, args, kwargs)

    def _for_call(self, task: AnyTask, *, hidden: bool) -> Any:
        """Return the task itself, unless something of ours holds here that it must carry.

        Args:
            task: The task.
            hidden: Whether there is an argument that must be hidden from Prefect.
        """
        prefect_task = as_prefect_task(task)
        body = Body.here(task, self.mode) if hidden else Body.if_needed(task, self.mode)
        if body is None and not task.naming.names_runs:
            return prefect_task
        return for_call(prefect_task, body, None)

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Call the flow as a `prefect.Flow`."""
        args, kwargs = for_prefect_flow(args), for_prefect_flow(kwargs)
        with api():
            return run_flow(flow, lambda: called_flow(as_prefect_flow(flow), args, kwargs))

    def become_task(self, task: AnyTask) -> None:
        """Make `task` a real `prefect.Task`."""
        as_prefect_task(task)

    def become_flow(self, flow: AnyFlow) -> None:
        """Make `flow` a real `prefect.Flow`."""
        as_prefect_flow(flow)

    def flow_function(self, flow: Any) -> Any:
        """Return what Prefect's engine runs of a flow."""
        note_log(flow)
        # What a generator sets in the context would hold in its caller between two elements.
        return flow.body if flow.isgenerator and not flow.isasync else flow.function

    def logger(self) -> Any:
        """Return Prefect's logger of the run, or a standard one outside any run."""
        return run_logger()

    def tags(self, *names: str) -> AbstractContextManager[Any]:
        """Return Prefect's `tags`."""
        return prefect.tags(*names)


def _for_prefect(args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs, bool]:
    """Return the arguments as Prefect must see them, and whether an iterator was hidden in them."""
    seen = for_prefect((args, kwargs))
    hidden = replace(seen, hidden_iterator)
    return (*hidden, hidden is not seen)


async def _acalled(task: Any, args: Args, kwargs: Kwargs) -> Any:
    with api(), replace_context(context_names()):
        return await PREFECT_TASK.__call__(task, *args, **kwargs)


class PrefectCacheRunner(PrefectRunner):
    """Mode `prefect.cache`: the task run itself asks the target."""

    mode: ClassVar[Mode] = "prefect.cache"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task in Prefect's engine, here."""
        return_state = kwargs.pop("return_state", False)
        given = Given(task, args, kwargs)
        if (hit := self.hit(given)) is not None:
            return _as_called(task, hit.state if return_state else hit.given)
        run = self._acall if task.is_async and not task.is_generator else self._call
        return run(given, return_state)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Submit the task to the flow's task runner; outside any flow, run it now."""
        return_state = kwargs.pop("return_state", False)
        given = Given(task, args, kwargs)
        try:
            future: PrefectFuture[Any] | None = self.hit(given, _lookup())
        except (PrefectxError, OSError) as error:
            future = Finished(Failed(message=str(error), data=error))
        future = future or self._submit(given)
        if not return_state:
            return future
        future.wait()
        return future.state

    def map(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Start the task once for each element; return the futures, or the states."""
        return Runner.map(self, task, args, kwargs)

    def hit(self, given: Given, lookup: Lookup = HERE) -> Hit | None:  # noqa: ARG002
        """Return the future of a call whose target is there, after it was recorded as such.

        All others claim the target, which the processes of task runners cannot do for each other.
        """
        if (call := _known_call(given)) is None or call.item is None:
            return None
        if not (can_record(given.task) and _runs_here() and is_done(call)):
            call.claim()
            return None
        return recorded(call, given.run_name(), given.parameters, given.wait_for)

    def _call(self, given: Given, return_state: bool) -> Any:
        how: dict[str, Any] = {"parameters": given.parameters, "wait_for": given.wait_for}
        with api():
            if given.task.is_generator:
                return run_task(self._task(given), **how)
            if get_task_viz_tracker():
                return drawn(given)
            state = run_task(self._task(given), return_type="state", **how)
        return state if return_state else _result(state, given.upstream)

    async def _acall(self, given: Given, return_state: bool) -> Any:
        how: dict[str, Any] = {"parameters": given.parameters, "wait_for": given.wait_for}
        with api():
            if get_task_viz_tracker():
                return await drawn(given)
            # A coroutine for an async task, which Prefect's annotations do not say.
            running: Any = run_task(self._task(given), return_type="state", **how)
            state: Any = await running
        return state if return_state else _result(state, given.upstream)

    def _submit(self, given: Given) -> PrefectFuture[Any]:
        flow_run = FlowRunContext.get()
        if flow_run is None:
            return self._submit_outside(given)
        parameters, wait_for = given.parameters, given.wait_for
        if _flattens_annotations(flow_run.task_runner):
            parameters, wait_for = replace((parameters, wait_for), _settled_failure)
        with _placed(given.task, flow_run.task_runner):
            future: PrefectFuture[Any] = flow_run.task_runner.submit(
                self._task(given), parameters, wait_for
            )
        explain(future, given.upstream)
        note_submitted(future)
        if not _runs_in_threads(flow_run.task_runner):
            watch(given.task, future, given.args, given.kwargs)
        return future

    def _submit_outside(self, given: Given) -> PrefectFuture[Any]:
        state = self._call(given, return_state=True)
        if inspect.iscoroutine(state):
            state = run_coroutine(state)
        return Finished(state)

    def _task(self, given: Given) -> Any:
        body = KeepingBody.here(given.task, self.mode)
        return for_call(as_prefect_task(given.task), body, given.run_name())

    def flow(self, flow: AnyFlow, args: Args, kwargs: Kwargs) -> Any:
        """Run the flow in Prefect's engine."""
        with api():
            return run_flow(flow, lambda: called_flow(as_prefect_flow(flow), args, kwargs))

    def flow_function(self, flow: Any) -> Any:
        """Return the flow's function within a run of ours."""
        note_log(flow)
        return noting_its_end(flow.body)


class PrefectSkipRunner(PrefectCacheRunner):
    """Mode `prefect.skip`: a call whose target is there never reaches Prefect."""

    mode: ClassVar[Mode] = "prefect.skip"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return what a call that is plainly done gives; run the task otherwise."""
        found = None if get_task_viz_tracker() else plain_hit(task, args, kwargs)
        if found is None:
            return super().call(task, args, kwargs)
        return _as_called(task, found)

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the future of a call that is plainly done; submit the task otherwise."""
        found = None if get_task_viz_tracker() else plain_hit(task, args, kwargs)
        if found is None or not _counts(found):
            return super().submit(task, args, kwargs)
        return Hit(found)

    def hit(self, given: Given, lookup: Lookup = HERE) -> Hit | None:
        """Return the future of a call whose target is there."""
        call = _known_call(given)
        if call is None or call.item is None:
            return None
        if not lookup.looks_here(call.item):
            call.claim()
            return None
        if not (is_done(call) and lookup.confirms(call.item)):
            return None
        return Hit(skip(call))


def drawn(given: Given) -> Any:
    """Return what Prefect gives for a call while it draws a flow's graph."""
    return PREFECT_TASK.__call__(as_prefect_task(given.task), *given.args, **given.kwargs)


def _lookup() -> Lookup:
    """Return where the flow's task runner lets targets be looked for."""
    flow_run = FlowRunContext.get()
    return getattr(flow_run and flow_run.task_runner, "lookup", HERE)


def _counts(found: Any) -> bool:
    """Tell whether what was found here is there for the workers of the flow's task runner too."""
    lookup = _lookup()
    return not is_item(found) or (lookup.looks_here(found) and lookup.confirms(found))


def _known_call(given: Given) -> Call | None:
    """Return the call, if it has a target and all of its arguments are known."""
    if given.waits or not given.task.naming.has_target or get_task_viz_tracker():
        return None
    return Call(given.task, given.known_args, given.known_kwargs)


def _placed(task: AnyTask, task_runner: Any) -> AbstractContextManager[Any]:
    """Return a context manager within which the task is submitted to where it asks to run."""
    found = (place(task, task_runner) for place in PLACEMENTS)
    return next((place for place in found if place is not None), nullcontext())


def _runs_in_threads(task_runner: Any) -> bool:
    """Tell whether tasks run in this process, where they are counted as they end."""
    return type(task_runner) is ThreadPoolTaskRunner


def _runs_here() -> bool:
    """Tell whether the flow's task runner runs tasks on this machine, with the files seen here."""
    flow_run = FlowRunContext.get()
    runner = flow_run and flow_run.task_runner
    return type(runner).__module__ == "prefect.task_runners"


def _flattens_annotations(task_runner: Any) -> bool:
    # Dask takes Prefect's annotations for the tuples they are built on, and forgets what they say.
    return type(task_runner).__module__.startswith("prefect_dask")


def _settled_failure(value: Any) -> Any:
    """Wait for a future that may fail; return what it gave, or the exception."""
    return settle_failures(value.unwrap()) if may_fail(value) else value


def _result(state: Any, upstream: list[PrefectFuture[Any]]) -> Any:
    if is_unready(state) and (error := upstream_error(upstream)) is not None:
        raise error
    if not state.is_failed():
        return state_result(state)
    error = state_result(state, raise_on_failure=False)
    # Raised here: Prefect would raise it in a coroutine, where a StopIteration becomes another.
    raise error if isinstance(error, BaseException) else RuntimeError(state.message)


def _as_called(task: AnyTask, given: Any) -> Any:
    if not task.is_async:
        return given

    async def finished() -> Any:
        return given

    return finished()
