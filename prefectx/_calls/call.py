"""One call of one task, outside or inside Prefect: its Item, whether it is done, how it is made."""

from __future__ import annotations

import time
import warnings

from prefectx import records
from prefectx._calls import outcome
from prefectx._calls.claims import Claim
from prefectx._calls.kept_arguments import items_in, keep, shape_of
from prefectx._calls.refresh import wants_refresh
from prefectx._calls.run import current_run, in_task, known_here, task_body
from prefectx._identity.exact_text import told
from prefectx._identity.summary import summary
from prefectx._logs.run_names import named_run
from prefectx._settings.environment import Variable
from prefectx._values.containers import is_container, is_dict
from prefectx._values.item import Item, is_handle, load_items, settle_futures
from prefectx._values.kinds import is_state, result_of
from prefectx.errors import PrefectxError, StaleTarget
from prefectx.stores.self_written import SelfWritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from typing import Any, Final

    from prefectx._api.task import Task
    from prefectx._calls.run import Run
    from prefectx.stores.record import Record

RUNS_LOG: Final = Variable("PREFECTX_RUNS_LOG")
"""Names a file that gets one line, a task's name, each time a task's function really runs."""


class Call:
    """One call of a task, whose arguments are data or Items, never futures.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """

    __slots__ = (
        "_claim",
        "_inputs",
        "_kept",
        "_summary",
        "_upstream",
        "args",
        "item",
        "kwargs",
        "task",
        "was_found",
    )

    def __init__(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.item: Item[Any] | None = task.naming.item(args, kwargs)
        self._claim: str | Claim | None = None
        self._summary: str | None = None
        self._inputs: str | None = None
        self._kept: dict[str, Any] | None = None
        self._upstream: list[str] | None = None
        #: Whether another has made the target while this call, with `once=True`, waited for it.
        self.was_found = False

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        # A claim counts in this process only.
        state = {name: getattr(self, name) for name in self.__slots__ if name != "_claim"}
        return None, {**state, "_claim": None}

    def is_done(self) -> bool:
        """Tell whether the target is there and counts.

        Raises:
            TargetCollision: Another call of this run fills the same target.
        """
        if self.item is None:
            return False
        self.claim()
        if not self.item.exists() or self._is_refreshed(self.item):
            return False
        if self.task.rerun_on and self._staleness(self.task.rerun_on):
            return False
        run = current_run()
        if run.looks_first(self.task.identity):
            self._warn_if_stale(self.item)
        if not (self.task.rerun_on or wants_refresh(self.task)):
            run.know(self.task, self.item, self._mark(run))
        return True

    def _is_refreshed(self, item: Item[Any]) -> bool:
        """Tell whether the target is to be made anew because `refresh` asks for it."""
        return wants_refresh(self.task) and item.path not in current_run().remade

    def claim(self) -> None:
        """Claim the target for this call.

        Raises:
            TargetCollision: Another call of this run fills the same target.
        """
        run = current_run()
        if self.item is None or (run.allows_remaking and "inputs" in self.task.rerun_on):
            return
        if self._claim is None:
            # Once: the function may change its arguments, and a retry is the same call.
            self._claim = self._told(run)
        run.claim(self.item, self._claim)

    def _told(self, run: Run) -> str | Claim:
        if (text := told(self._arguments())) is not None:
            return self._mark(run) + text
        return Claim(self.summary, self.task.identity, self._arguments())

    def _mark(self, run: Run) -> str:
        return run.mark(self.task.identity, self.task.qualified_name)

    @property
    def summary(self) -> str:
        """The call as short text."""
        if self._summary is None:
            self._summary = summary(self.task.qualified_name, self._arguments())
        return self._summary

    def make(self) -> Any:
        """Run the task's function and keep its output; return what the caller is given.

        With `once=True`, another may make it meanwhile: `was_found` tells.
        """
        if self.item is None or not self.task.once:
            return self._make()
        from prefectx._calls.once import held

        with held(self.item):
            self.was_found = self.is_done()
            return self.given() if self.was_found else self._make()

    async def amake(self) -> Any:
        """Do the same for a coroutine function."""
        if self.item is None or not self.task.once:
            return await self._amake()
        from prefectx._calls.once import aheld

        async with aheld(self.item):
            self.was_found = self.is_done()
            return self.given() if self.was_found else await self._amake()

    def _make(self) -> Any:
        with self:
            if self.task.isolate:
                from prefectx._isolation.parent import made_apart

                return outcome.apart(self, made_apart)
            return self.run_and_keep()

    async def _amake(self) -> Any:
        with self:
            if self.task.isolate:
                from prefectx._isolation.parent import amade_apart

                return await outcome.aapart(self, amade_apart)
            return await self.arun_and_keep()

    def run_and_keep(self) -> Any:
        """Do what `make` does once nobody else can be making it."""
        start = time.perf_counter()
        with task_body():
            value = execute(self.task, self.args, self.kwargs)
        return self._keep(value, time.perf_counter() - start)

    async def arun_and_keep(self) -> Any:
        """Do the same for a coroutine function."""
        start = time.perf_counter()
        with task_body():
            value = await execute(self.task, self.args, self.kwargs)
        return self._keep(value, time.perf_counter() - start)

    def __enter__(self) -> None:
        """Get ready to make the target, whole or not at all."""
        if self.item is None:
            return
        self._note_inputs()
        if self.task.rerun_on and isinstance(self.item.store, SelfWritten):
            self._announce(self.item)

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        if error is None:
            return
        if self.item is not None:
            self.item.store.discard(self.item.target)
        outcome.failed(self, error)

    def given(self) -> Any:
        """Return what the caller of a done call is given: data inside a task, else the Item."""
        current_run().report.line(self.task).skipped += 1
        if self.item is None or not in_task():
            return self.item
        return self.item.load()

    def _keep(self, value: Any, seconds: float) -> Any:
        if self.item is None:
            outcome.ran(self, seconds)
            return value
        if is_state(value):
            if not value.is_completed():
                # It says that the run went otherwise: there is no output.
                return value
            value = None if value.data is None else result_of(value)
        record = self.record(seconds, shape_of(value))
        try:
            if self.task.rerun_on:
                # Beside the target, where it stays with its folder when that is copied.
                self._announce(self.item)
                self.item.store.save(self.item.target, value)
                records.write(self.item.store, self.item.target, record)
            else:
                records.save(self.item.store, self.item.target, value, record)
        except (PrefectxError, OSError) as error:
            error.add_note(f"This is the output of {self.summary}, target {self.item.target!r}.")
            raise
        outcome.ran(self, seconds, record)
        return value if in_task() else self.item

    def _announce(self, item: Item[Any]) -> None:
        """Let the target count as stale until its new record is there, should we be killed."""
        # Else the record of the output before, or none at all, would vouch for the new one.
        records.write(item.store, item.target, self.record(0, complete=False))

    def record(
        self, seconds: float, shape: dict[str, Any] | None = None, *, complete: bool = True
    ) -> Record:
        """Return what is known of the call and its output."""
        from prefectx.stores.record import Record

        return Record(
            task=self.task.qualified_name,
            call=self.summary,
            made=records.now(),
            seconds=round(seconds, 6),
            python=records.python_version(),
            code=self.task.code_hash,
            inputs=self._inputs,
            complete=complete,
            by=records.user(),
            host=records.host(),
            args=self._kept,
            upstream=self._upstream,
            shape=shape,
            file=script_of(self.task),
        )

    def _arguments(self) -> dict[str, Any]:
        return self.task.naming.bind(*self.args, **self.kwargs)

    def _note_inputs(self) -> str | None:
        """Note what the arguments are before the function runs, for it may change them."""
        if self._summary is None:
            self._summary = summary(self.task.qualified_name, self._arguments())
        if self._kept is None:
            arguments = self._arguments()
            self._kept = keep(arguments)
            self._upstream = items_in(arguments)
        if self._inputs is None and "inputs" in self.task.rerun_on:
            self._inputs = records.inputs_hash(self._arguments())
        return self._inputs

    def _staleness(self, reasons: frozenset[str]) -> str | None:
        """Return which of the reasons for a rerun applies, if one does."""
        if self.item is None or (record := records.read(self.item.store, self.item.target)) is None:
            return None
        if not record.complete:
            return "an interruption"
        if "code" in reasons and self._other_code(record):
            return "code"
        if "inputs" in reasons and record.inputs != self._note_inputs():
            return "inputs"
        return None

    def _other_code(self, record: Record) -> bool:
        return record.python == records.python_version() and record.code != self.task.code_hash

    def _warn_if_stale(self, item: Item[Any]) -> None:
        text = item.store.load_record(item.target)
        if text is None or records.vouches(text, self.summary, self.task.code_hash):
            return
        if (record := records.parsed(text)) is None:
            return
        if record.call != self.summary:
            why = f"was made by another call: {record.call}, now {self.summary}"
        elif self._other_code(record):
            why = f"was made by another version of the task {self.task.name!r}"
        else:
            return
        msg = (
            f"target {item.target!r} {why}. It is trusted because it is there. Delete it to make"
            " it anew, or let rerun_on={'inputs', 'code'} decide. (Of each task, only the first"
            " target that a run finds is compared.)"
        )
        warnings.warn(msg, StaleTarget, stacklevel=5)


def script_of(task: Task[..., Any]) -> str | None:
    """Return the script that defines a task, or None for a task of a module."""
    if not task.qualified_name.startswith("__main__."):
        return None
    code = getattr(task.fn, "__code__", None)
    return None if code is None else str(code.co_filename)


def plain_hit(task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return what a call gives if it is plainly done, else None.

    The run knows the task, the arguments are small literals or Items, no other call has claimed
    the target, and it is there.
    """
    known = known_here(task.naming)
    if known is None or "return_state" in kwargs or "wait_for" in kwargs:
        return None
    try:
        arguments = task.naming.bind(*args, **kwargs)
        text = told(arguments)
        item = None if text is None else task.naming.item_of(arguments)
    except Exception:  # noqa: BLE001 - raised again on the long way, with all that is known
        return None
    if text is None or item is None:
        return None
    return known.found(item, known.mark + text)


def execute(task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the task's function with the data of Items in their place; return what it returns."""
    args, kwargs = load_items(args), load_items(kwargs)
    _log_run(task.name)
    names = {
        "task_name": task.name,
        "task_run_name": task.naming.run_name(args, kwargs) or task.name,
    }
    if task.is_async and not task.is_generator:
        return _anamed(task.fn(*args, **kwargs), names)
    with named_run(**names):
        return data_of(task.fn(*args, **kwargs))


async def _anamed(coroutine: Coroutine[Any, Any, Any], names: dict[str, str]) -> Any:
    with named_run(**names):
        return data_of(await coroutine)


def data_of(value: Any) -> Any:
    """Return the data where a function has returned Items or futures, or a container of them.

    States stay what they are: they say how the run has ended.
    """
    if is_state(value):
        return value
    if is_handle(value):
        return load_items(settle_futures(value))
    # Not deeper: outputs may be large.
    if is_container(value):
        parts = value.values() if is_dict(value) else value
        return load_items(settle_futures(value)) if any(map(is_handle, parts)) else value
    return value


def _log_run(name: str) -> None:
    if (path := RUNS_LOG.get()) is not None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
