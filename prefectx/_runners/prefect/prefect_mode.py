"""The runner of the mode `prefect`: Prefect itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

import prefect

from prefectx._calls.counting import count_coroutine, count_run
from prefectx._calls.here import run_here
from prefectx._runners.base import Runner
from prefectx._runners.prefect.arguments import to_prefect, to_prefect_flow
from prefectx._runners.prefect.body import Body
from prefectx._runners.prefect.bound_functions import has_owner
from prefectx._runners.prefect.flow import as_prefect_flow, call_flow
from prefectx._runners.prefect.flow_task_runner import flow_task_runner, placement
from prefectx._runners.prefect.hidden_iterators import hide_iterator
from prefectx._runners.prefect.logs import run_logger
from prefectx._runners.prefect.run_log import count_state, note_log, watch
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.task import PREFECT_TASK, as_prefect_task
from prefectx._runners.prefect.task_for_call import task_for_call
from prefectx._runners.run_block import run_flow
from prefectx._settings.context import context_names, replace_context
from prefectx._values.containers import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from prefectx._naming.decorated import AnyFlow, AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx._settings.mode import Mode


class PrefectRunner(Runner):
    """Mode `prefect`: Prefect itself, with the caller's arguments."""

    mode: ClassVar[Mode] = "prefect"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Call the task as a `prefect.Task`."""
        args, kwargs, hidden = _hide_iterators(args, kwargs)
        one = self._for_call(task, hidden=hidden)
        if run_here.get() is not None and not one.isgenerator:
            wants_state = bool(kwargs.get("return_state"))
            if one.isasync:
                running = _acall_task(one, args, kwargs)
                if wants_state:
                    return _acount_state(task, running, args, kwargs)
                return count_coroutine(running, task, args, kwargs)
            if wants_state:
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
        with placement(task, flow_task_runner()):
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
            return run_flow(
                flow, args, kwargs, lambda: call_flow(as_prefect_flow(flow), args, kwargs)
            )

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


async def _acount_state(
    task: AnyTask, running: Coroutine[Any, Any, Any], args: Args, kwargs: Kwargs
) -> Any:
    return count_state(task, await running, args, kwargs)


async def _acall_task(task: Any, args: Args, kwargs: Kwargs) -> Any:
    with api(), replace_context(context_names()):
        return await PREFECT_TASK.__call__(task, *args, **kwargs)
