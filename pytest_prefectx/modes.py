"""Which modes a session and a test run in: option, environment, ini and marker to names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

# A copy of prefectx.MODES: importing prefectx here would hide it from coverage and cost every
# suite its import. A test holds the two together.
MODES: Final = ("function", "cache", "prefect.skip", "prefect.cache", "prefect")

WITHOUT_TARGETS: Final = ("function", "prefect")
"""The modes that ask no target, so that there is nothing to lose."""

ALL: Final = "all"
DEFAULT: Final = ("function", "cache")
FLAG: Final = "--prefectx-mode"
INI: Final = "prefectx_mode"
MARKER: Final = "prefectx"
VARIABLE: Final = "PREFECTX_MODE"


class Choice(NamedTuple):
    """The modes enabled for a session and where they were named."""

    modes: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        return f"modes={','.join(self.modes)} (from {self.source})"


def is_prefect(mode: str) -> bool:
    """Tell whether tasks are run by Prefect in `mode`."""
    return mode.startswith("prefect")


def chosen(config: pytest.Config, given: str | None) -> Choice:
    """Return the modes that the option, else the environment, else the ini file, names.

    Args:
        config: Where the ini value is.
        given: The option's value, if it was given.

    Raises:
        pytest.UsageError: A name is no mode, or there is no name at all.
    """
    if given is not None:
        return _parsed(given, FLAG)
    if variable := os.environ.get(VARIABLE):
        return _parsed(variable, f"${VARIABLE}")
    if ini := config.getini(INI):
        return _parsed(",".join(ini), f"ini {INI}")
    return Choice(DEFAULT, "default")


def restricted(choice: Choice, markers: Iterable[pytest.Mark]) -> tuple[str, ...]:
    """Return the enabled modes that every one of the `markers` names; a bare one names them all.

    Raises:
        ValueError: A marker names no mode, or has keyword arguments.
    """
    modes = choice.modes
    for marker in markers:
        if marker.kwargs:
            strangers = ", ".join(marker.kwargs)
            msg = f"@pytest.mark.{MARKER} takes the names of modes only, not {strangers}="
            raise ValueError(msg)
        for name in marker.args:
            if name not in MODES:
                raise ValueError(_unknown(name, f"@pytest.mark.{MARKER}", MODES))
        modes = tuple(mode for mode in modes if not marker.args or mode in marker.args)
    return modes


def why_none(choice: Choice, markers: Iterable[pytest.Mark]) -> str:
    """Say why no enabled mode is left of what the `markers` name."""
    named = " and ".join(",".join(marker.args) for marker in markers if marker.args)
    return f"marked for {named}, but prefectx runs {choice}"


def _parsed(text: str, source: str) -> Choice:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        msg = f"no mode given (from {source}). {_modes_there_are((*MODES, ALL))}"
        raise pytest.UsageError(msg)
    modes: list[str] = []
    for name in names:
        if name not in (*MODES, ALL):
            raise pytest.UsageError(_unknown(name, source, (*MODES, ALL)))
        modes += MODES if name == ALL else (name,)
    return Choice(tuple(dict.fromkeys(modes)), source)


def _unknown(name: object, source: str, names: tuple[str, ...]) -> str:
    # Here: the start of a session imports nothing of prefectx.
    from prefectx.errors import nearest

    hint = nearest(str(name), names)
    return f"unknown mode {name!r} (from {source}).{hint} {_modes_there_are(names)}"


def _modes_there_are(names: tuple[str, ...]) -> str:
    return f"The modes are: {', '.join(names)}."
