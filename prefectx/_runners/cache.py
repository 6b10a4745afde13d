"""Mode `cache`: a task whose target exists is skipped; any other runs here, immediately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.call import Call
from prefectx._calls.execute import output_at
from prefectx._calls.freshness import fast_hit, is_done
from prefectx._calls.make import amake, make, skip
from prefectx._runners.local import LocalRunner

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class CacheRunner(LocalRunner):
    """Checks the target, then calls the function and stores its output."""

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the task, unless its target is known to exist; return a coroutine if it is async."""
        # The call of an async task must give a coroutine, which `run` does.
        if not task.is_async and (hit := fast_hit(task, args, kwargs)) is not None:
            return output_at(hit)
        return super().call(task, args, kwargs)

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the call's Item; inside another task, or without a target, its data."""
        call = Call(task, args, kwargs)
        if task.is_async and not task.is_generator:
            return _arun(call)
        if is_done(call):
            return skip(call)
        if task.is_generator or not _needs_attempts(task):
            return make(call)
        from prefectx._runners.attempts import attempt

        return attempt(task, lambda: make(call))


async def _arun(call: Call) -> Any:
    if is_done(call):
        return skip(call)
    if not _needs_attempts(call.task):
        return await amake(call)
    from prefectx._runners.attempts import aattempt

    return await aattempt(call.task, lambda: amake(call))


def _needs_attempts(task: AnyTask) -> bool:
    """Tell whether a task has retries or a timeout, whose module takes long to import."""
    return bool(task.options.get("retries") or task.options.get("timeout_seconds"))
