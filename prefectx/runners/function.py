"""Mode `function`: tasks and flows are the functions they were."""

from __future__ import annotations

from prefectx.call import execute
from prefectx.runners.plain import PlainRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from prefectx.runners.base import Args, Kwargs
    from prefectx.task import Task


class FunctionRunner(PlainRunner):
    """Calls the function; asks no target."""

    def run(self, task: Task[..., Any], args: Args, kwargs: Kwargs) -> Any:
        """Return what the function returns."""
        return execute(task, args, kwargs)
