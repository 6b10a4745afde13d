"""`setup`: changes the logging of this process, and undoes the changes."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from prefectx._logs.format import RUN_LOGGER, STANDARD, TIME, RunFormatter
from prefectx._logs.run_names import run_names
from prefectx._logs.selection import (
    LogSelection,
    as_level,
    as_names,
    default_level,
    prefect_selection,
    task_selection,
    use_selection,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import TracebackType
    from typing import Self

    Connect = Callable[[LogSelection, "ProcessLogging"], None]


class Setup:
    """The result of `setup`: `undo`, or leaving it as a context manager, restores logging."""

    def __init__(self, before: LogSelection | None) -> None:
        self._before: Final = before
        self._is_undone = False

    def undo(self) -> None:
        """Restore the logging of this process."""
        if not self._is_undone:
            self._is_undone = True
            _process.select(self._before)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()


def setup(extra: str | Iterable[str] = (), *, level: int | str | None = None) -> Setup:
    """Log the lines of runs with run, file and line, on the console and in Prefect's API.

    It applies in every mode and wherever tasks run: threads, processes, Dask workers. The loggers
    in `PREFECT_LOGGING_EXTRA_LOGGERS` are included. If the root logger has handlers of your own,
    or Prefect's settings have formats of your own, those decide how the lines look.

    Args:
        extra: The names of loggers, such as those of libraries, whose lines belong to the run;
            their children are included. A text may have several names, separated by commas.
        level: The lowest level of these loggers and of the runs' own, such as `"DEBUG"`. By
            default, a logger's own level, or that of `PREFECT_LOGGING_LEVEL`, or INFO.

    Returns:
        A context manager that undoes the changes. It need not be used.

    Raises:
        UnknownLevel: There is no level with this name.

    Example:
        >>> import logging
        >>> with logs.setup(["mylib"], level="DEBUG"):
        ...     logging.getLogger("mylib.pages").isEnabledFor(logging.DEBUG)
        True
    """
    before = _process.selection
    chosen = LogSelection(as_names(extra), None if level is None else as_level(level))
    _process.select(chosen.merge(before))
    return Setup(before)


def current_selection() -> LogSelection | None:
    """Return the selection here: that of the task run, or else that of this process."""
    if (from_elsewhere := task_selection()) is not None:
        return from_elsewhere
    by_prefect = prefect_selection()
    return by_prefect if _process.selection is None else _process.selection.merge(by_prefect)


def ensure_logs(connect: Connect | None = None) -> None:
    """Apply the current selection to this process, if that is not done yet.

    Args:
        connect: Adds handlers that only the caller knows, such as Prefect's; kept for later calls.
    """
    if connect is not None:
        _process.connect = connect
    if (selection := current_selection()) is not None:
        _process.ensure(selection)


@contextmanager
def apply_selection(
    selection: LogSelection | None, connect: Connect | None = None
) -> Generator[None]:
    """Apply a task run's selection within the `with` statement; None: change nothing."""
    if selection is None:
        yield
        return
    with use_selection(selection):
        ensure_logs(connect)
        yield


class ProcessLogging:
    """The logging of this process: the selection, and the changes made for it."""

    def __init__(self) -> None:
        self.selection: LogSelection | None = None
        #: Adds the handlers of Prefect, if it is in use.
        self.connect: Connect | None = None
        self._lock: Final = threading.RLock()
        self._done: Final[set[tuple[LogSelection, Connect | None]]] = set()
        self._levels: Final[dict[str, int]] = {}
        self._changes = ExitStack()

    def select(self, selection: LogSelection | None) -> None:
        """Undo the changes for the previous selection and apply this one."""
        with self._lock:
            self._changes.close()
            self._done.clear()
            self._levels.clear()
            self.selection = selection
            ensure_logs()

    def ensure(self, selection: LogSelection) -> None:
        """Apply a selection, unless it is applied already."""
        # Prefect may connect its handlers later.
        done = (selection, self.connect)
        if done in self._done:
            return
        with self._lock:
            if self.connect is not None:
                self.connect(selection, self)
            self._print(selection)
            self._done.add(done)

    def _print(self, selection: LogSelection) -> None:
        for name in (RUN_LOGGER, *selection.loggers):
            self.level(name, selection.level)
        root = logging.getLogger()
        if not any(map(_prints, root.handlers)):
            others = logging.Formatter(STANDARD, TIME)
            console = _Console()
            console.setFormatter(RunFormatter(_is_a_runs, run_names, others))
            self.handle(root, console)

    def level(self, name: str, chosen: int | None) -> None:
        """Lower a logger's level to the chosen one, or else to the default."""
        logger = logging.getLogger(name)
        before = logger.level
        if chosen is None and before != logging.NOTSET:
            return
        level = default_level() if chosen is None else chosen
        # A worker may run flows of several users, with different levels.
        self._levels[name] = min(level, self._levels.get(name, level))
        logger.setLevel(self._levels[name])
        self.undo(logger.setLevel, before)

    def lowest(self, selection: LogSelection, logger: str) -> int:
        """Return the lowest level that is selected for `logger`."""
        if selection.level is not None:
            return selection.level
        # If another selection may have lowered the level, the default applies.
        changed = any(logger == name or logger.startswith(f"{name}.") for name in self._levels)
        return default_level() if changed else logging.NOTSET

    def undo(self, change: Callable[..., object], /, *args: object) -> None:
        """Remember a call that undoes a change."""
        self._changes.callback(change, *args)

    def handle(self, logger: logging.Logger, handler: logging.Handler) -> None:
        """Add a handler to a logger."""
        logger.addHandler(handler)
        self.undo(logger.removeHandler, handler)

    def filter(self, logger: logging.Logger, takes: Callable[[logging.LogRecord], bool]) -> None:
        """Let a logger drop the records for which `takes` is false."""
        logger.addFilter(takes)
        self.undo(logger.removeFilter, takes)

    def format(self, handler: logging.Handler, formatter: logging.Formatter) -> None:
        """Set a handler's formatter."""
        self.undo(handler.setFormatter, handler.formatter)
        handler.setFormatter(formatter)


_process: Final = ProcessLogging()


# The underscore matters: Prefect ignores handlers whose class name has one, and adds its own.
class _Console(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stderr`."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute in logging
        return sys.stderr


def _prints(handler: logging.Handler) -> bool:
    """Tell whether a handler of the root logger prints lines."""
    # pytest's handlers store lines and print none; Prefect makes the same distinction.
    kept = type(handler).__name__ == "LogCaptureHandler"
    ours = isinstance(handler, _Console)
    unseen = kept or type(handler).__name__.startswith("_")
    return ours or not (unseen or isinstance(handler, logging.FileHandler))


def _is_a_runs(record: logging.LogRecord) -> bool:
    return record.name == RUN_LOGGER or is_selected(record)


def is_selected(record: logging.LogRecord) -> bool:
    """Tell whether a record's logger and level are selected here."""
    selection = current_selection()
    return (
        selection is not None
        and selection.names(record.name)
        and record.levelno >= _process.lowest(selection, record.name)
    )


def is_at_selected_level(record: logging.LogRecord) -> bool:
    """Tell whether the level of a record of a run's own logger is selected here."""
    selection = current_selection()
    chosen = None if selection is None else selection.level
    return record.levelno >= (default_level() if chosen is None else chosen)
