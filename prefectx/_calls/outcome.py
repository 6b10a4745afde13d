"""What becomes of a call that runs: it is counted in its run's report and noted in the journal."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from prefectx._calls.kept_arguments import LONGEST_OF_FAILURE, keep
from prefectx._calls.refresh import wants_refresh
from prefectx._calls.run import current_run
from prefectx.stores import journal
from prefectx.stores import record as records
from prefectx.stores.file import Filestore
from prefectx.stores.self_written import SelfWritten

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from prefectx._calls.call import Call
    from prefectx._values.item import Item
    from prefectx.stores.base import Store
    from prefectx.stores.record import Record


def ran(call: Call, seconds: float, record: Record | None = None) -> None:
    """Count and note a call that ran to its end and whose output, if it has a target, is kept.

    Args:
        call: The call.
        seconds: How long it ran.
        record: What is known of its output.
    """
    run = current_run()
    report = run.report
    text = call.summary if report.has_failures else ""
    if call.item is None:
        report.ran(call.task, seconds, text)
        return
    if not run.allows_remaking and wants_refresh(call.task):
        run.remade.add(call.item.path)
    size = size_of(call.item)
    report.ran(call.task, seconds, text, size, call.item.target.rpartition("/")[0])
    root = journal_root(call.item.store)
    if record is not None and root is not None:
        journal.append(root, records.journal_line(call.item.target, record._replace(bytes=size)))
        journal.keep_source(root, record.code, call.task.fn)


def failed(call: Call, error: BaseException) -> None:
    """Count and note a call that raised."""
    if isinstance(error, GeneratorExit):
        return
    target = None if call.item is None else call.item.target
    current_run().report.failed(call.task, call.summary, target, error)
    if call.item is None or not isinstance(error, Exception):
        return
    if (root := journal_root(call.item.store)) is not None:
        journal.append(root, _failure(call, error))


def apart(call: Call, make: Callable[[Call], Any]) -> Any:
    """Have a call made in a process of its own, whose report is not this one; count it here."""
    start = time.perf_counter()
    made = make(call)
    ran(call, time.perf_counter() - start, _record_of(call))
    return made


async def aapart(call: Call, make: Callable[[Call], Coroutine[Any, Any, Any]]) -> Any:
    """Do the same while the event loop goes on."""
    start = time.perf_counter()
    made = await make(call)
    ran(call, time.perf_counter() - start, _record_of(call))
    return made


def _record_of(call: Call) -> Record | None:
    return None if call.item is None else records.read(call.item.store, call.item.target)


def journal_root(store: Store) -> str | None:
    """Return the folder below which a store's journal lies, or None if it has none."""
    if isinstance(store, SelfWritten):
        store = store.store
    if not isinstance(store, Filestore):
        return None
    root = store.path("")
    return None if "://" in root else root


def _failure(call: Call, error: Exception) -> str:
    target = "" if call.item is None else call.item.target
    args = keep(call.task.naming.bind(*call.args, **call.kwargs), LONGEST_OF_FAILURE)
    return records.failure_line(target, call.record(0), error, args)


def size_of(item: Item[Any]) -> int | None:
    """Return how many bytes an output has, if it is a file or a folder of this machine."""
    path = item.path
    if "://" in path:
        return None
    try:
        return os.stat(path).st_size
    except OSError:
        return None
