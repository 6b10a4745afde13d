"""The modes of a session and of a test, from the option, the environment, ini and markers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

# A copy of prefectx.MODES: an import of prefectx here would hide it from coverage and slow down
# every suite. A test compares the two.
MODES: Final = ("function", "cache", "prefect.skip", "prefect.cache", "prefect")

WITHOUT_TARGETS: Final = ("function", "prefect")
"""The modes that check no targets."""

ALL: Final = "all"
DEFAULT: Final = ("function", "cache")
FLAG: Final = "--prefectx-mode"
INI: Final = "prefectx_mode"
MARKER: Final = "prefectx"
VARIABLE: Final = "PREFECTX_MODE"


class Choice(NamedTuple):
    """The enabled modes of a session and their source."""

    modes: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        return f"modes={','.join(self.modes)} (from {self.source})"


def is_prefect(mode: str) -> bool:
    """Tell whether Prefect runs tasks in `mode`."""
    return mode.startswith("prefect")


def choose_modes(config: pytest.Config, option: str | None) -> Choice:
    """Return the modes of the option, else of the environment, else of the ini file.

    Args:
        config: pytest's configuration, with the ini value.
        option: The option's value, or None.

    Raises:
        pytest.UsageError: A name is not a mode, or there is no name.
    """
    if option is not None:
        return _parse(option, FLAG)
    if variable := os.environ.get(VARIABLE):
        return _parse(variable, f"${VARIABLE}")
    if ini := config.getini(INI):
        return _parse(",".join(ini), f"ini {INI}")
    return Choice(DEFAULT, "default")


def restrict_modes(choice: Choice, markers: Iterable[pytest.Mark]) -> tuple[str, ...]:
    """Return the enabled modes that all `markers` name; a marker without arguments names all.

    Raises:
        ValueError: A marker has an unknown mode or keyword arguments.
    """
    modes = choice.modes
    for marker in markers:
        if marker.kwargs:
            strangers = ", ".join(marker.kwargs)
            msg = f"@pytest.mark.{MARKER} takes only the names of modes, not {strangers}="
            raise ValueError(msg)
        for name in marker.args:
            if name not in MODES:
                raise ValueError(_unknown(name, f"@pytest.mark.{MARKER}", MODES))
        modes = tuple(mode for mode in modes if not marker.args or mode in marker.args)
    return modes


def skip_reason(choice: Choice, markers: Iterable[pytest.Mark]) -> str:
    """Return the reason to skip a test none of whose modes is enabled."""
    named = " and ".join(",".join(marker.args) for marker in markers if marker.args)
    return f"marked for {named}, but prefectx runs {choice}"


def _parse(text: str, source: str) -> Choice:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        msg = f"no mode (from {source}). {_list_of_modes((*MODES, ALL))}"
        raise pytest.UsageError(msg)
    modes: list[str] = []
    for name in names:
        if name not in (*MODES, ALL):
            raise pytest.UsageError(_unknown(name, source, (*MODES, ALL)))
        modes += MODES if name == ALL else (name,)
    return Choice(tuple(dict.fromkeys(modes)), source)


def _unknown(name: object, source: str, names: tuple[str, ...]) -> str:
    # Imported here, because the start of a session imports nothing of prefectx.
    from prefectx.errors import nearest

    hint = nearest(str(name), names)
    return f"unknown mode {name!r} (from {source}).{hint} {_list_of_modes(names)}"


def _list_of_modes(names: tuple[str, ...]) -> str:
    return f"The modes are: {', '.join(names)}."
