"""Mode `function`: tasks and flows are plain functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.counting import count_coroutine, count_run
from prefectx._calls.execute import execute
from prefectx._calls.here import run_here
from prefectx._runners.local import LocalRunner

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class FunctionRunner(LocalRunner):
    """Calls the function; checks no target."""

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the function's result."""
        if run_here.get() is None:
            return execute(task, args, kwargs)
        if task.is_async and not task.is_generator:
            return count_coroutine(execute(task, args, kwargs), task, args, kwargs)
        with count_run(task, args, kwargs):
            return execute(task, args, kwargs)
