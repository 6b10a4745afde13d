"""Process-wide state of libraries, with functions to read and restore it."""

from __future__ import annotations

import os
import random
import sys
import warnings
from contextlib import contextmanager
from functools import cache
from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._types import is_dict, is_list, type_of
from pytest_prefectx.equality import identical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator


class Library(NamedTuple):
    """One state of a library.

    Attributes:
        module: The module that must be imported for the state to exist.
        read: Returns the state, from the module.
        write: Restores it.
    """

    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], object]

    def is_imported(self) -> bool:
        """Tell whether the library is in use."""
        return self.module in sys.modules

    def get(self) -> Any:
        """Return the present state."""
        return self.read(sys.modules[self.module])

    def set(self, value: Any) -> None:
        """Restore a state, if it has changed."""
        module = sys.modules[self.module]
        now = self.read(module)
        if not (_has_same_parts(now, value) or identical(now, value)):
            self.write(module, value)


def _has_same_parts(now: Any, before: Any) -> bool:
    """Tell quickly whether a dict or list has the very objects that it had: mostly it has."""
    if is_dict(now) and is_dict(before):
        return _are_same(now, before) and _are_same(now.values(), before.values())
    return now is before or (is_list(now) and is_list(before) and _are_same(now, before))


def _are_same(now: Collection[Any], before: Collection[Any]) -> bool:
    return len(now) == len(before) and all(map(is_, now, before))


def _options(pandas: Any) -> dict[str, Any]:
    # Looked up one by one, with their checks, they take as long as a small flow.
    return dict(_leaves(pandas._config.config._global_config))


def _leaves(options: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if is_dict(value):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


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
    return {number: signal.getsignal(number) for number in _signals()}


@cache
def _signals() -> list[int]:
    import signal

    return sorted(signal.valid_signals())


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


def _log_handlers(logging: Any) -> dict[str, list[Any]]:
    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    return {
        name: [handler for handler in log.handlers if not _is_of_runner(handler)]
        for name, log in sorted(loggers.items())
        if getattr(log, "handlers", None)
    }


def _set_log_handlers(logging: Any, handlers: dict[str, list[Any]]) -> None:
    for name, log in [("", logging.root), *logging.root.manager.loggerDict.items()]:
        if hasattr(log, "handlers"):
            others = [handler for handler in log.handlers if _is_of_runner(handler)]
            log.handlers[:] = [*others, *handlers.get(name, ())]


def _is_of_runner(handler: Any) -> bool:
    """Tell whether a handler of logs is one that Prefect, prefectx or pytest add and remove."""
    return type_of(handler).__module__.startswith(("prefect", "_pytest"))


def seeds() -> dict[str, Any]:
    """Return the states of the global random generators."""
    states: dict[str, Any] = {CHANCE: random.getstate()}
    if (numpy := sys.modules.get("numpy.random")) is not None:
        states[NUMPY_CHANCE] = numpy.get_state()
    return states


@contextmanager
def preserve_seeds() -> Generator[None]:
    """Restore the random generators at the end of the `with` statement."""
    before = seeds()
    try:
        yield
    finally:
        random.setstate(before[CHANCE])
        if NUMPY_CHANCE in before:
            sys.modules["numpy.random"].set_state(before[NUMPY_CHANCE])


def reseed(seed: int) -> None:
    """Seed the global random generators."""
    random.seed(seed)
    if (numpy := sys.modules.get("numpy.random")) is not None:
        numpy.seed(seed)


CHANCE: Final = "the state of random"
NUMPY_CHANCE: Final = "the state of numpy.random"


def _get(name: str) -> Callable[[Any], Any]:
    """Return a function that calls a function of a module without arguments."""

    def read(module: Any) -> Any:
        return getattr(module, name)()

    return read


def _set(name: str) -> Callable[[Any, Any], object]:
    """Return a function that calls a function of a module with the state."""

    def write(module: Any, value: Any) -> object:
        return getattr(module, name)(value)

    return write


def _set_by_name(name: str) -> Callable[[Any, Any], object]:
    """Return a function that calls a function of a module with the state as named arguments."""

    def write(module: Any, value: dict[str, Any]) -> object:
        return getattr(module, name)(**value)

    return write


def _set_context(decimal: Any, context: Any) -> None:
    decimal.setcontext(context.copy())


def _locale(locale: Any) -> str:
    return str(locale.setlocale(locale.LC_ALL))


def _set_locale(locale: Any, value: str) -> None:
    locale.setlocale(locale.LC_ALL, value)


def _parameters(matplotlib: Any) -> dict[str, Any]:
    return dict(matplotlib.rcParams)


def _set_parameters(matplotlib: Any, parameters: dict[str, Any]) -> None:
    matplotlib.rcParams.update(parameters)


def _types(mimetypes: Any) -> dict[str, str]:
    return dict(mimetypes.types_map)


def _set_types(mimetypes: Any, types: dict[str, str]) -> None:
    mimetypes.init()
    mimetypes.types_map.clear()
    mimetypes.types_map.update(types)


def _path(module: Any) -> list[str]:
    return list(module.path)


def _set_path(module: Any, path: list[str]) -> None:
    module.path[:] = path


def _arguments(module: Any) -> list[str]:
    return list(module.argv)


def _set_arguments(module: Any, arguments: list[str]) -> None:
    module.argv[:] = arguments


def _filters(module: Any) -> list[Any]:
    return list(module.filters)


def set_warning_filters(module: Any, filters: list[Any]) -> None:
    """Set the filters of warnings."""
    module.filters[:] = filters
    # At its end it makes the module forget what it has looked up.
    with warnings.catch_warnings():
        pass


def _umask(_: Any) -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask


def _set_temporary(tempfile: Any, folder: str) -> None:
    tempfile.tempdir = folder


LIBRARIES: Final[dict[str, Library]] = {
    "the context of decimal": Library("decimal", _context, _set_context),
    "the print options of numpy": Library(
        "numpy", _get("get_printoptions"), _set_by_name("set_printoptions")
    ),
    "the error settings of numpy": Library("numpy", _get("geterr"), _set_by_name("seterr")),
    "the options of pandas": Library("pandas", _options, _set_options),
    "the dialects of csv": Library("csv", _dialects, _set_dialects),
    "the field limit of csv": Library("csv", _get("field_size_limit"), _set("field_size_limit")),
    "the locale": Library("locale", _locale, _set_locale),
    "the rcParams of matplotlib": Library("matplotlib", _parameters, _set_parameters),
    "the first weekday of calendar": Library(
        "calendar", _get("firstweekday"), _set("setfirstweekday")
    ),
    "the types of mimetypes": Library("mimetypes", _types, _set_types),
    "the timeout of socket": Library(
        "socket", _get("getdefaulttimeout"), _set("setdefaulttimeout")
    ),
    "the recursion limit": Library("sys", _get("getrecursionlimit"), _set("setrecursionlimit")),
    "the handlers of signal": Library("signal", _handlers, _set_handlers),
    "the levels of logging": Library("logging", _levels, _set_levels),
    "the handlers of logging": Library("logging", _log_handlers, _set_log_handlers),
    "the filters of warnings": Library("warnings", _filters, set_warning_filters),
    "the umask": Library("os", _umask, _set("umask")),
    "sys.argv": Library("sys", _arguments, _set_arguments),
    "sys.path": Library("sys", _path, _set_path),
    "the temporary folder": Library("tempfile", _get("gettempdir"), _set_temporary),
}
"""All states, by their descriptions in messages."""
