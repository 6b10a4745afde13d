"""Mode `function`: tasks and flows are the functions they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.execute import execute
from prefectx._calls.run import run_here
from prefectx._calls.running import count_coroutine, count_run
from prefectx._runners.local import PlainRunner

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class FunctionRunner(PlainRunner):
    """Calls the function; asks no target."""

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return what the function returns."""
        if run_here.get() is None:
            return execute(task, args, kwargs)
        if task.is_async and not task.is_generator:
            return count_coroutine(execute(task, args, kwargs), task, args, kwargs)
        with count_run(task, args, kwargs):
            return execute(task, args, kwargs)
