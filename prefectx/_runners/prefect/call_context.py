"""`CallContext`: the context of a call, from where it is made to where it runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from prefectx._calls.here import in_task
from prefectx._calls.refresh import refreshed
from prefectx._identity.names import module_name
from prefectx._logs.handlers import apply_selection, current_selection
from prefectx._logs.progress import interval
from prefectx._runners.prefect.logs import connect
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.mode import use_mode
from prefectx._settings.rerun import rerun_on, rerun_on_here
from prefectx._settings.scoped import ScopedValue
from prefectx._settings.script import MAINS, Script, main_file, script
from prefectx._settings.start_folder import start_folder, start_folder_here

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefectx._logs.selection import LogSelection
    from prefectx._settings.mode import Mode


class CallContext(NamedTuple):
    """The context of a call: captured where it is made, restored where it runs.

    Attributes:
        mode: The mode of the call.
        names: The names that `context` has set.
        for_task: Whether a task made the call, which then gets data, not an Item.
        logs: The selection of loggers.
        rerun_on: The reasons to recompute targets, besides the task's own.
        still_running: The interval, in seconds, of log lines that the task is still running; 0
            for none.
        refreshed: The tasks that `refresh` applies to.
        folder: The folder where the run began, which relative roots of stores lie below.
        script: The `__main__` of the caller, if that is another process; else None.
    """

    mode: Mode
    names: dict[str, Any]
    for_task: bool
    logs: LogSelection | None
    still_running: float
    rerun_on: frozenset[str]
    refreshed: frozenset[str]
    folder: str
    script: Script | None = None

    @classmethod
    def here(cls, mode: Mode) -> Self:
        """Return the current context, with the mode of the call."""
        names = dict(context_names())
        return cls(
            mode,
            names,
            in_task(),
            current_selection(),
            interval(),
            rerun_on_here(),
            refreshed.get(),
            start_folder_here(),
        )

    @contextmanager
    def restore(self) -> Generator[None]:
        """Restore the context within the `with` statement."""
        with (
            use_mode(self.mode),
            replace_context(self.names),
            apply_selection(self.logs, connect),
            rerun_on(self.rerun_on),
            ScopedValue(refreshed, self.refreshed),
            ScopedValue(start_folder, self.folder),
            ScopedValue(script, self.script),
        ):
            yield

    def for_other_process(self) -> CallContext:
        """Return the context with the caller's `__main__`, which another process does not have."""
        return self._replace(script=Script(main_file(), module_name("__main__"), {}))

    def in_this_process(self, fn: Any) -> CallContext:
        """Return a context from another process with the globals of its `__main__`.

        Args:
            fn: The function of the task.
        """
        if self.script is None or getattr(fn, "__module__", None) not in MAINS:
            return self
        # A function that came by value has those globals that it, or what it calls, uses.
        return self._replace(script=self.script._replace(names=fn.__globals__))
