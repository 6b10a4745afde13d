"""An audit of hits in production: recomputes some of them and compares the outputs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from prefectx import Item
from prefectx._calls.execute import execute
from prefectx._calls.run import task_body
from prefectx.records import record_of
from pytest_prefectx.agree.programs import snapshot
from pytest_prefectx.replay.recorded import (
    difference_from_stored,
    format_difference,
    not_deterministic,
    why_other,
)

if TYPE_CHECKING:
    from prefectx._calls.call import Call

LOGGER: Final = logging.getLogger("prefectx.audit")


def audit(call: Call) -> None:
    """Recompute the output of a hit; log a warning if it differs from the stored one.

    Nothing is stored, and nothing is raised: the run goes on with the stored output. Tasks that
    write their targets themselves, and coroutine functions, are not audited.
    """
    item = call.item
    if item is None or item.store.is_written_by_function or call.task.is_async:
        return
    try:
        text = _finding(call, item)
    except Exception as error:  # noqa: BLE001 - an audit must not end the run
        text = f"  it cannot be recomputed: {type(error).__name__}: {error}"
    if text:
        LOGGER.warning("%s is not what its target %r has\n%s", call.summary, item.target, text)


def _finding(call: Call, item: Item[Any]) -> str | None:
    def run() -> Any:
        with task_body():
            return execute(call.task, snapshot(call.args), snapshot(call.kwargs))

    kept, given = item.load(), run()
    if (found := difference_from_stored(item.target, kept, given)) is None:
        return None
    reason = not_deterministic(call.task, given, run)
    if reason is None:
        record = record_of(item)
        reason = why_other(record, call.task) if record else "the target has no record."
    return f"{format_difference(found)}\nWhy: {reason}"
