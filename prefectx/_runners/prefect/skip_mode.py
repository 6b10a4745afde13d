"""The runner of the mode `prefect.skip`: a call whose target exists never reaches Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from prefect.utilities.visualization import get_task_viz_tracker

from prefectx._calls.execute import output_at
from prefectx._calls.freshness import fast_hit, is_done
from prefectx._calls.here import in_task
from prefectx._calls.make import skip
from prefectx._runners.lookup import HERE
from prefectx._runners.prefect.cache_mode import PrefectCacheRunner, as_result, known_call
from prefectx._runners.prefect.flow_task_runner import lookup_of_flow
from prefectx._runners.prefect.future import HitFuture

if TYPE_CHECKING:
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs
    from prefectx._runners.lookup import Lookup
    from prefectx._runners.prefect.arguments import CallArguments
    from prefectx._settings.mode import Mode
    from prefectx._values.item import Item


class PrefectSkipRunner(PrefectCacheRunner):
    """Mode `prefect.skip`: a call whose target exists never reaches Prefect."""

    mode: ClassVar[Mode] = "prefect.skip"

    def call(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the value of a hit on the fast path; otherwise run the task."""
        found = None if get_task_viz_tracker() else fast_hit(task, args, kwargs)
        if found is None:
            return super().call(task, args, kwargs)
        return as_result(task, output_at(found))

    def submit(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return the future of a hit on the fast path; otherwise submit the task."""
        is_drawn = get_task_viz_tracker()
        found = None if is_drawn else fast_hit(task, args, kwargs, _is_valid_for_workers)
        if found is None:
            return super().submit(task, args, kwargs)
        return HitFuture(output_at(found))

    def hit(self, arguments: CallArguments, lookup: Lookup = HERE) -> HitFuture | None:
        """Return the future of a call whose target is valid, else None."""
        call = known_call(arguments)
        if call is None or call.item is None:
            return None
        if not lookup.looks_here(call.item):
            call.claim()
            return None
        if not (is_done(call) and lookup.confirms(call.item)):
            return None
        return HitFuture(skip(call))


def _is_valid_for_workers(item: Item[Any]) -> bool:
    """Tell whether a hit is also visible to the workers of the flow's task runner."""
    lookup = lookup_of_flow()
    # A task that is called within a task runs in the same place.
    return in_task() or (lookup.looks_here(item) and lookup.confirms(item))
