"""Mode `function`: tasks and flows are the functions they were."""

from __future__ import annotations

from prefectx._calls.execute import execute
from prefectx._runners.local import PlainRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from prefectx._api.task import Task
    from prefectx._runners.base import Args, Kwargs


class FunctionRunner(PlainRunner):
    """Calls the function; asks no target."""

    def run(self, task: Task[..., Any], args: Args, kwargs: Kwargs) -> Any:
        """Return what the function returns."""
        return execute(task, args, kwargs)
