"""`setup`, and what it changes in the logging of this process; all of it can be undone."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from prefectx._logs.format import PLAIN_RUNS, STANDARD, TIME, Lines
from prefectx._logs.run_names import run_names
from prefectx._logs.selection import (
    Wanted,
    as_level,
    as_names,
    carried,
    carrying,
    default_level,
    set_by_prefect,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import TracebackType
    from typing import Self

    Connect = Callable[[Wanted, "Process"], None]


class Setup:
    """What `setup` returns: leaving it as a context manager, or `undo`, puts logging back."""

    def __init__(self, before: Wanted | None) -> None:
        self._before: Final = before
        self._is_undone = False

    def undo(self) -> None:
        """Put the logging of this process back to what it was before."""
        if not self._is_undone:
            self._is_undone = True
            _process.want(self._before)

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
    """Have what runs log told with its run, file and line, on the console and in Prefect's API.

    It counts in every mode and wherever tasks run: threads, processes, Dask workers. Loggers named
    by `PREFECT_LOGGING_EXTRA_LOGGERS` count as well. Where the root logger has handlers of yours,
    or Prefect's settings formats of yours, those print the lines as you say.

    Args:
        extra: The names of loggers, such as those of libraries, whose lines count as the run's;
            their children's too. Several may be one text with commas.
        level: The lowest level of these loggers and of the runs' own, as `"DEBUG"`. By default
            what `PREFECT_LOGGING_LEVEL` says, else INFO, and a logger's own level counts.

    Returns:
        A context manager that undoes it. It need not be used.

    Raises:
        UnknownLevel: There is no level of that name.

    Example:
        >>> import logging
        >>> with logs.setup(["mylib"], level="DEBUG"):
        ...     logging.getLogger("mylib.pages").isEnabledFor(logging.DEBUG)
        True
    """
    before = _process.asked
    asked = Wanted(as_names(extra), None if level is None else as_level(level)).joined(before)
    _process.want(asked)
    return Setup(before)


def wanted() -> Wanted | None:
    """Return what is to be logged here: what came with the task run, else what is asked for."""
    if (from_elsewhere := carried()) is not None:
        return from_elsewhere
    by_prefect = set_by_prefect()
    return by_prefect if _process.asked is None else _process.asked.joined(by_prefect)


def ensure_logs(connect: Connect | None = None) -> None:
    """Have what is wanted here logged by this process, if it is not yet.

    Args:
        connect: Adds what only the caller knows of, such as Prefect's handlers; kept for later.
    """
    if connect is not None:
        _process.connect = connect
    if (what := wanted()) is not None:
        _process.ensure(what)


@contextmanager
def logging_as(what: Wanted | None, connect: Connect | None = None) -> Generator[None]:
    """Have what came with a task run logged within the `with` statement, if anything came."""
    if what is None:
        yield
        return
    with carrying(what):
        ensure_logs(connect)
        yield


class Process:
    """The logging of this process: what was asked for, what was changed for it."""

    def __init__(self) -> None:
        self.asked: Wanted | None = None
        #: Adds handlers that only others know of.
        self.connect: Connect | None = None
        self._lock: Final = threading.RLock()
        self._done: Final[set[tuple[Wanted, Connect | None]]] = set()
        self._levels: Final[dict[str, int]] = {}
        self._changes = ExitStack()

    def want(self, asked: Wanted | None) -> None:
        """Put back what was changed for what was asked before; change what is asked now."""
        with self._lock:
            self._changes.close()
            self._done.clear()
            self._levels.clear()
            self.asked = asked
            ensure_logs()

    def ensure(self, what: Wanted) -> None:
        """Change what is needed for `what`, unless it was done."""
        # Prefect's handlers may come later than this was asked for.
        done = (what, self.connect)
        if done in self._done:
            return
        with self._lock:
            if self.connect is not None:
                self.connect(what, self)
            self._print(what)
            self._done.add(done)

    def _print(self, what: Wanted) -> None:
        for name in (PLAIN_RUNS, *what.loggers):
            self.level(name, what.level)
        root = logging.getLogger()
        if not any(map(_prints, root.handlers)):
            others = logging.Formatter(STANDARD, TIME)
            console = _Console()
            console.setFormatter(Lines(_is_a_runs, run_names, others))
            self.handle(root, console)

    def level(self, name: str, asked: int | None) -> None:
        """Let a logger take records of the level that was asked for, else of the default one."""
        logger = logging.getLogger(name)
        before = logger.level
        if asked is None and before != logging.NOTSET:
            return
        level = default_level() if asked is None else asked
        # On a worker flows of several users may run, who ask for different levels.
        self._levels[name] = min(level, self._levels.get(name, level))
        logger.setLevel(self._levels[name])
        self.undo(logger.setLevel, before)

    def lowest(self, what: Wanted, logger: str) -> int:
        """Return the lowest level of the lines of `logger` that are wanted."""
        if what.level is not None:
            return what.level
        # Others may have asked for a lower one; a level that nobody has changed is as it should be.
        changed = any(logger == name or logger.startswith(f"{name}.") for name in self._levels)
        return default_level() if changed else logging.NOTSET

    def undo(self, change: Callable[..., object], /, *args: object) -> None:
        """Remember a call that takes back what was changed."""
        self._changes.callback(change, *args)

    def handle(self, logger: logging.Logger, handler: logging.Handler) -> None:
        """Add a handler to a logger."""
        logger.addHandler(handler)
        self.undo(logger.removeHandler, handler)

    def filter(self, logger: logging.Logger, takes: Callable[[logging.LogRecord], bool]) -> None:
        """Let a logger drop what `takes` is false of."""
        logger.addFilter(takes)
        self.undo(logger.removeFilter, takes)

    def format(self, handler: logging.Handler, formatter: logging.Formatter) -> None:
        """Give a handler another formatter."""
        self.undo(handler.setFormatter, handler.formatter)
        handler.setFormatter(formatter)


_process: Final = Process()


# Prefect takes a handler whose class has such a name for nobody's, and puts its own in its place.
class _Console(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is at the time."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute in logging
        return sys.stderr


def _prints(handler: logging.Handler) -> bool:
    """Tell whether a handler of the root logger shows lines to somebody."""
    # pytest's keep lines and show none; Prefect tells handlers apart in the same way.
    kept = type(handler).__name__ == "LogCaptureHandler"
    ours = isinstance(handler, _Console)
    unseen = kept or type(handler).__name__.startswith("_")
    return ours or not (unseen or isinstance(handler, logging.FileHandler))


def _is_a_runs(record: logging.LogRecord) -> bool:
    return record.name == PLAIN_RUNS or is_wanted(record)


def is_wanted(record: logging.LogRecord) -> bool:
    """Tell whether a record is one of a logger that is wanted here, at a level that is."""
    what = wanted()
    return (
        what is not None
        and what.names(record.name)
        and record.levelno >= _process.lowest(what, record.name)
    )


def is_at_wanted_level(record: logging.LogRecord) -> bool:
    """Tell whether a record of a run's own logger is at a level that is wanted here."""
    what = wanted()
    asked = None if what is None else what.level
    return record.levelno >= (default_level() if asked is None else asked)
