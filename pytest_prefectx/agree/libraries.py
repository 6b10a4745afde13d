"""State that libraries keep for a whole process: how to read it, and how to put it back."""

from __future__ import annotations

import random
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_prefectx.equality import identical

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Library(NamedTuple):
    """One such state.

    Attributes:
        module: The module that must be imported for the state to exist.
        read: Returns the state, from the module.
        write: Puts it back.
    """

    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], object]

    def is_imported(self) -> bool:
        """Tell whether the library is in use."""
        return self.module in sys.modules

    def get(self) -> Any:
        """Return the state as it is now."""
        return self.read(sys.modules[self.module])

    def set(self, value: Any) -> None:
        """Put back a state, if it has changed."""
        module = sys.modules[self.module]
        if not identical(self.read(module), value):
            self.write(module, value)


def _options(pandas: Any) -> dict[str, Any]:
    config = pandas._config.config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some options are deprecated
        return {name: config.get_option(name) for name in config._registered_options}


def _set_options(pandas: Any, options: dict[str, Any]) -> None:
    now = _options(pandas)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in options.items():
            if repr(now[name]) != repr(value):
                pandas.set_option(name, value)


def _dialects(csv: Any) -> dict[str, Any]:
    return {
        name: {key: getattr(csv.get_dialect(name), key) for key in _DIALECT}
        for name in sorted(csv.list_dialects())
    }


_DIALECT: Final = (
    *("delimiter", "quotechar", "escapechar", "doublequote", "skipinitialspace"),
    *("lineterminator", "quoting"),
)


def _set_dialects(csv: Any, dialects: dict[str, Any]) -> None:
    for name in csv.list_dialects():
        if name not in dialects:
            csv.unregister_dialect(name)
    for name, parts in dialects.items():
        csv.register_dialect(name, **parts)


def _context(decimal: Any) -> Any:
    return decimal.getcontext().copy()


def _handlers(signal: Any) -> dict[Any, Any]:
    return {number: signal.getsignal(number) for number in sorted(signal.valid_signals())}


def _set_handlers(signal: Any, handlers: dict[Any, Any]) -> None:
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _levels(logging: Any) -> dict[str, int]:
    names = sorted(logging.root.manager.loggerDict)
    loggers = {name: logging.root.manager.loggerDict[name] for name in names}
    levels = {n: log.level for n, log in loggers.items() if hasattr(log, "level") and log.level}
    return {"": logging.root.level, "disable": logging.root.manager.disable, **levels}


def _set_levels(logging: Any, levels: dict[str, int]) -> None:
    logging.root.manager.disable = levels["disable"]
    logging.root.setLevel(levels[""])
    for name, log in logging.root.manager.loggerDict.items():
        if hasattr(log, "level") and log.level != levels.get(name, 0):
            log.setLevel(levels.get(name, 0))


def seeds() -> dict[str, Any]:
    """Return the state of each generator of random numbers that the process shares."""
    states: dict[str, Any] = {CHANCE: random.getstate()}
    if (numpy := sys.modules.get("numpy.random")) is not None:
        states[NUMPY_CHANCE] = numpy.get_state()
    return states


@contextmanager
def seeds_kept() -> Generator[None]:
    """Put the generators back afterwards: what comes after the trials draws as it would have."""
    before = seeds()
    try:
        yield
    finally:
        random.setstate(before[CHANCE])
        if NUMPY_CHANCE in before:
            sys.modules["numpy.random"].set_state(before[NUMPY_CHANCE])


def reseed(seed: int) -> None:
    """Have these generators begin from a seed."""
    random.seed(seed)
    if (numpy := sys.modules.get("numpy.random")) is not None:
        numpy.seed(seed)


CHANCE: Final = "the state of random"
NUMPY_CHANCE: Final = "the state of numpy.random"

LIBRARIES: Final[dict[str, Library]] = {
    "the context of decimal": Library("decimal", _context, lambda m, v: m.setcontext(v.copy())),
    "the print options of numpy": Library(
        "numpy", lambda m: m.get_printoptions(), lambda m, v: m.set_printoptions(**v)
    ),
    "the error settings of numpy": Library(
        "numpy", lambda m: m.geterr(), lambda m, v: m.seterr(**v)
    ),
    "the options of pandas": Library("pandas", _options, _set_options),
    "the dialects of csv": Library("csv", _dialects, _set_dialects),
    "the field limit of csv": Library(
        "csv", lambda m: m.field_size_limit(), lambda m, v: m.field_size_limit(v)
    ),
    "the locale": Library(
        "locale", lambda m: m.setlocale(m.LC_ALL), lambda m, v: m.setlocale(m.LC_ALL, v)
    ),
    "the rcParams of matplotlib": Library(
        "matplotlib", lambda m: dict(m.rcParams), lambda m, v: m.rcParams.update(v)
    ),
    "the first weekday of calendar": Library(
        "calendar", lambda m: m.firstweekday(), lambda m, v: m.setfirstweekday(v)
    ),
    "the types of mimetypes": Library(
        "mimetypes",
        lambda m: (dict(m.types_map), m.inited),
        lambda m, v: (m.init(), m.types_map.clear(), m.types_map.update(v[0])),
    ),
    "the timeout of socket": Library(
        "socket", lambda m: m.getdefaulttimeout(), lambda m, v: m.setdefaulttimeout(v)
    ),
    "the recursion limit": Library(
        "sys", lambda m: m.getrecursionlimit(), lambda m, v: m.setrecursionlimit(v)
    ),
    "the handlers of signal": Library("signal", _handlers, _set_handlers),
    "the levels of logging": Library("logging", _levels, _set_levels),
    "sys.path": Library(
        "sys", lambda m: list(m.path), lambda m, v: m.path.__setitem__(slice(None), v)
    ),
    "the temporary folder": Library(
        "tempfile", lambda m: m.gettempdir(), lambda m, v: setattr(m, "tempdir", v)
    ),
}
