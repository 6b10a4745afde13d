"""Mode `cache`: what is there is not made again; what is not is made here, now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx.call import Call, plain_hit
from prefectx.runners.plain import PlainRunner

if TYPE_CHECKING:
    from prefectx.runners.base import Args, Kwargs
    from prefectx.task import Task


class CacheRunner(PlainRunner):
    """Asks the target first, then calls the function and keeps its output."""

    def call(self, task: Task[..., Any], args: Args, kwargs: Kwargs) -> Any:
        """Return the Item of a call that is plainly done; run the task otherwise."""
        hit = None if task.is_async else plain_hit(task, args, kwargs)
        return super().call(task, args, kwargs) if hit is None else hit

    def run(self, task: Task[..., Any], args: Args, kwargs: Kwargs) -> Any:
        """Return the call's Item; inside another task, and without a target, its data."""
        call = Call(task, args, kwargs)
        if task.is_async and not task.is_generator:
            return _arun(call)
        return call.given() if call.is_done() else call.make()


async def _arun(call: Call) -> Any:
    return call.given() if call.is_done() else await call.amake()
