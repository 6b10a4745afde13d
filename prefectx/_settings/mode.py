"""Which mode is in force: who runs a task, and whether its target is asked first."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard

from prefectx._settings.environment import Variable
from prefectx._settings.scoped import Setting
from prefectx.errors import UnknownMode, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    Mode = Literal["function", "cache", "prefect.skip", "prefect.cache", "prefect"]

MODES: Final[tuple[Mode, ...]] = ("function", "cache", "prefect.skip", "prefect.cache", "prefect")
"""The names of the modes, from the plainest to Prefect's own."""

VARIABLE: Final = "PREFECTX"

# As the environment has them; what is empty counts as not set.
_MODES_BY_VALUE: Final[Mapping[Any, Mode]] = {os.environ.encodevalue(mode): mode for mode in MODES}

MODE: Final = Variable(VARIABLE)
override: Final[ContextVar[Mode | None]] = ContextVar("prefectx_mode", default=None)
"""`use_mode`'s mode, or None where none is set."""


def _of_a_run_of_prefects() -> None:
    """Put mode `prefect` in force where Prefect has started a flow run and nobody has set a mode.

    The flow's module is loaded in a process of its own, which no `use_mode` reaches. What that
    process starts is to be in the same mode.
    """
    if _FLOW_RUN in os.environ and not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = "prefect"
        import logging

        logging.getLogger("prefectx").warning(
            "Prefect has started this flow run without %s, so it runs in mode prefect. For another"
            ' mode put it into the deployment: job_variables={"env": {"%s": "prefect.skip"}}.',
            VARIABLE,
            VARIABLE,
        )


# Prefect sets it in the processes, containers and pods that it runs deployed flows in.
_FLOW_RUN: Final = "PREFECT__FLOW_RUN_ID"
_of_a_run_of_prefects()


class _Default:
    """The mode where none is set: the project's, once the first call has read its settings."""

    mode: Mode = "function"


plain_values: Final[set[Any]] = set()
"""What the environment has for `PREFECTX` where mode `function` is in force.

Empty until the first call has read the project's settings.
"""


def set_default_mode(mode: str, source: str) -> None:
    """Make `mode` the one where none is set; `source` says where it came from."""
    _Default.mode = checked_mode(mode, source)
    plain_values.add(os.environ.encodevalue("function"))
    if mode == "function":
        plain_values.update((None, os.environ.encodevalue("")))


def forget_default_mode() -> None:
    """Have the next call find out which mode is in force where none is set."""
    _Default.mode = "function"
    plain_values.clear()


def current_mode() -> Mode:
    """Return the mode in force here: `use_mode`'s, else `$PREFECTX`'s, else the project's.

    Raises:
        UnknownMode: `$PREFECTX` names no mode.

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
    return _MODES_BY_VALUE.get(value) or checked_mode(os.environ[VARIABLE], f"${VARIABLE}")


class use_mode(Setting):  # noqa: N801 - used as a function
    """Run the body of the `with` statement in `mode`, whatever `$PREFECTX` says.

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
        super().__init__(override, checked_mode(mode, "use_mode()"))

    def __enter__(self) -> Mode:
        super().__enter__()
        mode: Mode = self._value
        return mode


def checked_mode(mode: str, source: str) -> Mode:
    """Return `mode` if it is one of `MODES`; `source` says in the error where it came from."""
    if _is_mode(mode):
        return mode
    hint = nearest(mode, MODES)
    msg = f"unknown mode {mode!r} (from {source}).{hint} The modes are: {', '.join(MODES)}."
    raise UnknownMode(msg)


def _is_mode(mode: str) -> TypeGuard[Mode]:
    return mode in MODES
