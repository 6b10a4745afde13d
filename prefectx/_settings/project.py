"""`[tool.prefectx]` in a project's `pyproject.toml`: what holds where no variable is set.

The file is looked for from a flow's module upwards, when the first task or flow is called.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._settings.mode import checked_mode, forget_default_mode, set_default_mode
from prefectx._types import is_list
from prefectx.errors import PrefectxError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES: Final = ("root", "mode", "rerun_on", "summary")
_VARIABLES: Final = {
    "root": "PREFECTX_ROOT",
    "mode": "PREFECTX",
    "rerun_on": "PREFECTX_RERUN_ON",
    "summary": "PREFECTX_SUMMARY",
}
_DEFAULTS: Final = {"root": ".", "mode": "function", "rerun_on": "", "summary": "on"}
_TABLE: Final = b"[tool.prefectx"


class BadSetting(PrefectxError, ValueError):
    """`[tool.prefectx]` holds what is no setting, or a value that it cannot have."""


class Project(NamedTuple):
    """What a project's `pyproject.toml` sets.

    Attributes:
        file: The file, or None if there is none with `[tool.prefectx]`.
        values: What it sets, as texts.
    """

    file: str | None
    values: Mapping[str, str]


class Setting(NamedTuple):
    """One setting that is in force.

    Attributes:
        name: Its name.
        value: Its value.
        source: Where it comes from.
    """

    name: str
    value: str
    source: str


NOTHING: Final = Project(None, {})

# By folder, what holds there; those without a project's file as well.
_known: Final[dict[str, Project]] = {}


def project_above(folder: str) -> Project:
    """Return what the nearest `pyproject.toml` with `[tool.prefectx]` sets, from a folder upwards.

    Raises:
        BadSetting: It holds what is no setting.
    """
    folder = os.path.abspath(folder)
    known = _known.get(folder)
    if known is None:
        known = _read(os.path.join(folder, "pyproject.toml"))
        parent = os.path.dirname(folder)
        if known is None:
            known = NOTHING if parent == folder else project_above(parent)
        _known[folder] = known
    return known


def _read(path: str) -> Project | None:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    # Most have no such table, and what reads TOML takes long to import.
    if _TABLE not in content:
        return None
    import tomllib

    table: Any = tomllib.loads(content.decode()).get("tool", {}).get("prefectx")
    return None if table is None else Project(path, _checked(table, path))


def _checked(table: dict[str, Any], path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if name not in _NAMES:
            import difflib

            nearest = difflib.get_close_matches(name, _NAMES, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
            msg = f"{path}: [tool.prefectx] has no setting {name!r}{hint} There are: {_NAMES}"
            raise BadSetting(msg)
        if isinstance(value, bool):
            found[name] = "on" if value else "off"
        elif isinstance(value, str):
            found[name] = value
        elif is_list(value) and all(isinstance(part, str) for part in value):
            found[name] = ",".join(value)
        else:
            msg = f"{path}: [tool.prefectx] {name} is a text, not {value!r}"
            raise BadSetting(msg)
    if "root" in found:
        found["root"] = os.path.normpath(os.path.join(os.path.dirname(path), found["root"]))
    if "mode" in found:
        checked_mode(found["mode"], path)
    return found


class _InForce:
    """The project of the task or flow that was called first: its settings hold in this process."""

    project: Project | None = None


def project_in_force() -> Project:
    """Return the project whose settings hold here; none before the first call."""
    return _InForce.project or NOTHING


def read_project(function: Any) -> None:
    """Let the settings of a function's project hold, unless those of another hold already.

    Raises:
        BadSetting: They are no settings.
    """
    if _InForce.project is not None:
        return
    project = project_above(folder_of(function))
    _InForce.project = project
    set_default_mode(project.values.get("mode", "function"), project.file or "default")


def forget_project() -> None:
    """Have the next call read the settings anew."""
    _InForce.project = None
    _known.clear()
    forget_default_mode()


def folder_of(function: Any) -> str:
    """Return the folder of the file that defines a function; the current one if it has no file."""
    code = getattr(function, "__code__", None)
    file = "" if code is None else str(code.co_filename)
    # What a notebook or a prompt defines has a file's name in angle brackets, or a temporary one.
    return os.path.dirname(file) if os.path.isabs(file) else os.getcwd()


def settings_in_force(folder: str) -> list[Setting]:
    """Return each setting with its value and where that comes from, as seen from a folder."""
    project = project_above(folder)
    found: list[Setting] = []
    for name in _NAMES:
        variable = _VARIABLES[name]
        if variable in os.environ:
            found.append(Setting(name, os.environ[variable], f"${variable}"))
        elif name in project.values:
            found.append(Setting(name, project.values[name], str(project.file)))
        else:
            found.append(Setting(name, _DEFAULTS[name], "default"))
    return found


def root_for(folder: str) -> str:
    """Return the folder that targets of a module in this folder are relative to."""
    return os.environ.get("PREFECTX_ROOT") or project_above(folder).values.get("root", ".")
