"""The Prefect run of a child process, so that the child's own calls belong to it.

Most functions do not use Prefect, whose import takes more time and memory than the start of a
child. So the child joins the run when Prefect is first used.
"""

from __future__ import annotations

import pickle
import sys
from contextlib import AbstractContextManager, ExitStack
from contextvars import Context
from typing import TYPE_CHECKING, Any, cast

from prefectx._isolation.pickling import pickle_value
from prefectx._runners import current_runner, use_runner
from prefectx._settings.mode import use_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx._runners.base import Runner
    from prefectx._settings.mode import Mode


class PrefectRun:
    """The current task run of a child's parent.

    Args:
        content: Prefect's contexts, pickled.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def join(
        self, mode: Mode, parameters: dict[str, Any], take_logs: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Return a context manager within which this process belongs to the run."""
        # Prefect sets up its own logging.
        runner = JoiningRunner(mode, self._content, parameters, take_logs)
        if "prefect" in sys.modules:
            # The function's module has imported Prefect, and may use it directly.
            runner.join()
        return use_runner(cast("Runner", runner))


def run_here() -> PrefectRun | None:
    """Return the current task run, or None."""
    if "prefect.context" not in sys.modules:
        return None
    from prefect.context import FlowRunContext, TaskRunContext, serialize_context

    if (task_run := TaskRunContext.get()) is None:
        return None
    flow_run = FlowRunContext.get()
    with ExitStack() as stack:
        # Without the arguments, which the call has, and the flow, whose pickle may be large.
        stack.enter_context(task_run.model_copy(update={"parameters": {}}))
        if flow_run is not None:
            stack.enter_context(flow_run.model_copy(update={"parameters": {}, "flow": None}))
        run = serialize_context()
    if flow_run is not None:
        run["flow_run_context"]["flow"] = flow_run.flow and flow_run.flow.name
        run["flow_run_context"]["parameters"] = flow_run.flow_run and flow_run.flow_run.parameters
    return PrefectRun(pickle_value(run, "the run of the task"))


class JoiningRunner:
    """A runner that joins the parent's run and then delegates to the current mode's runner.

    Args:
        mode: The current mode.
        run: Prefect's contexts of the run, pickled.
        parameters: The arguments of the task.
        on_join: Called each time the run has been joined.
    """

    def __init__(
        self, mode: Mode, run: bytes, parameters: dict[str, Any], on_join: Callable[[], None]
    ) -> None:
        self._mode: Mode = mode
        self._run = run
        self._parameters = parameters
        self._on_join = on_join
        # They stay entered until the process ends.
        self._contexts: list[AbstractContextManager[None]] = []

    def __getattr__(self, name: str) -> Any:
        self.join()
        # In an empty context, where this runner is not set.
        return getattr(Context().run(_runner_of, self._mode), name)

    def join(self) -> None:
        """Make the run the current one, unless there is one. (A new thread has none.)."""
        import prefect
        from prefect.context import TaskRunContext, hydrated_context

        if TaskRunContext.get() is not None:
            return
        run: dict[str, Any] = pickle.loads(self._run)
        run["task_run_context"]["parameters"] = self._parameters
        if flow_run := run["flow_run_context"]:
            # With a thread task runner: the flow's own might start a cluster here.
            flow_run["flow"] = prefect.Flow(_nothing, name=flow_run["flow"])
        entered = hydrated_context(run)
        entered.__enter__()
        self._contexts.append(entered)
        self._on_join()


def _runner_of(mode: Mode) -> Runner:
    with use_mode(mode):
        return current_runner()


def _nothing() -> None:
    """Take the place of a flow's body, which does not run here."""
