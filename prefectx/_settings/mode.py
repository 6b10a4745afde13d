"""The current mode: from `use_mode`, the environment or the project's file."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard

from prefectx._settings.environment import Variable
from prefectx._settings.scoped import ScopedValue
from prefectx.errors import UnknownMode, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    Mode = Literal["function", "cache", "prefect.skip", "prefect.cache", "prefect"]

MODES: Final[tuple[Mode, ...]] = ("function", "cache", "prefect.skip", "prefect.cache", "prefect")
"""The names of the modes, from plain functions to Prefect's own way."""

VARIABLE: Final = "PREFECTX"

# In the environment's form. An empty value means "not set".
_MODES_BY_VALUE: Final[Mapping[Any, Mode]] = {os.environ.encodevalue(mode): mode for mode in MODES}

MODE: Final = Variable(VARIABLE)
override: Final[ContextVar[Mode | None]] = ContextVar("prefectx_mode", default=None)
"""The mode that `use_mode` has set, or None."""


def _set_mode_of_flow_run() -> None:
    """Set mode `prefect` if Prefect has started this process for a flow run without a mode.

    The flow's module is loaded in this process, which no `use_mode` of another one reaches. The
    environment is set, so that child processes have the same mode.
    """
    if _FLOW_RUN in os.environ and not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = "prefect"
        import logging

        logging.getLogger("prefectx").warning(
            "Prefect has started this flow run without %s, so it runs in mode prefect. To use"
            " another mode, set it in the deployment:"
            ' job_variables={"env": {"%s": "prefect.skip"}}.',
            VARIABLE,
            VARIABLE,
        )


# Prefect sets it in the processes, containers and pods of deployed flows.
_FLOW_RUN: Final = "PREFECT__FLOW_RUN_ID"
_set_mode_of_flow_run()


class _Default:
    """The default mode: the project's, after the first call has read its settings."""

    mode: Mode = "function"


function_mode_values: Final[set[Any]] = set()
"""The values of `PREFECTX` in the environment that mean mode `function`.

Empty until the first call has read the project's settings.
"""


def set_default_mode(mode: str, source: str) -> None:
    """Set the default mode; `source` is where it came from, for the error."""
    _Default.mode = validate_mode(mode, source)
    function_mode_values.add(os.environ.encodevalue("function"))
    if mode == "function":
        function_mode_values.update((None, os.environ.encodevalue("")))


def current_mode() -> Mode:
    """Return the current mode: that of `use_mode`, else of `$PREFECTX`, else of the project.

    Raises:
        UnknownMode: `$PREFECTX` is not one of `MODES`.

    Example:
        >>> with use_mode("cache"):
        ...     current_mode()
        'cache'
    """
    if (mode := override.get()) is not None:
        return mode
    value = MODE.raw()
    if not value:
        return _Default.mode
    return _MODES_BY_VALUE.get(value) or validate_mode(os.environ[VARIABLE], f"${VARIABLE}")


class use_mode(ScopedValue):  # noqa: N801 - used as a function
    """Run the body of the `with` statement in `mode`, whatever `$PREFECTX` is.

    Safe in threads and async: only the current context changes.

    Args:
        mode: One of `MODES`.

    Raises:
        UnknownMode: `mode` is not one of `MODES`.

    Example:
        >>> with use_mode("cache") as mode:
        ...     mode
        'cache'
    """

    __slots__ = ()

    def __init__(self, mode: str) -> None:
        super().__init__(override, validate_mode(mode, "use_mode()"))

    def __enter__(self) -> Mode:
        super().__enter__()
        mode: Mode = self._value
        return mode


def validate_mode(mode: str, source: str) -> Mode:
    """Return `mode` if it is one of `MODES`; `source` is where it came from, for the error."""
    if _is_mode(mode):
        return mode
    hint = nearest(mode, MODES)
    msg = f"unknown mode {mode!r} (from {source}).{hint} The modes are: {', '.join(MODES)}."
    raise UnknownMode(msg)


def _is_mode(mode: str) -> TypeGuard[Mode]:
    return mode in MODES
