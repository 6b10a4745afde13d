"""Names of task runs: known at submission, or as soon as all arguments are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._runners.prefect.bound_functions import own_function
from prefectx._runners.prefect.hidden_iterators import settle_and_unhide
from prefectx._runners.prefect.logs import run_logger

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx._runners.prefect.call_context import CallContext


def run_name_of(task: AnyTask, args: Args, kwargs: Kwargs) -> str | None:
    """Return the name of a call's run; None if Prefect makes it.

    Args:
        task: The task.
        args: The call's positional arguments, without futures.
        kwargs: Its arguments by name.
    """
    naming = task.naming
    if naming.names_runs:
        return naming.run_name(args, kwargs)
    if not naming.has_target or task.options.get("task_run_name") is not None:
        return None
    return naming.default_run_name(task.name, args, kwargs)


class RunName:
    """The name of a task run, if it is known at submission."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> str:
        """Return the name."""
        return self.name


class LateRunName:
    """The name of a task run, if some of its arguments are not known at submission."""

    def __init__(self, task: AnyTask, context: CallContext) -> None:
        self.task = task
        self.context = context

    def __call__(self, parameters: dict[str, Any]) -> str:
        """Return the name for the arguments, which are known when the task runs."""
        naming = self.task.naming
        try:
            with self.context.restore():
                args, kwargs = naming.unbound(settle_and_unhide(parameters))
                if naming.names_runs:
                    return str(naming.run_name(args, kwargs))
                return str(naming.default_run_name(self.task.name, args, kwargs))
        except Exception as error:  # noqa: BLE001 - a template may raise anything
            # Prefect would crash the run, and a process pool would wait for it for ever. What is
            # wrong with a target is told by the run itself.
            run_logger().warning("the run has the name of its task: %s", error)
            return str(self.task.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore_late_name, (self.task, self.context.for_other_process()))


def _restore_late_name(task: AnyTask, context: CallContext) -> LateRunName:
    return LateRunName(task, context.in_this_process(own_function(task)))
