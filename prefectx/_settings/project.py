"""`[tool.prefectx]` in a project's `pyproject.toml`: settings for which no variable is set.

At the first call of a task or flow, the file is searched from its module's folder upwards.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._settings.mode import set_default_mode, validate_mode
from prefectx._settings.rerun_reasons import reasons_in
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
    """`[tool.prefectx]` has an unknown setting or an invalid value."""


class Project(NamedTuple):
    """The settings in a project's `pyproject.toml`.

    Attributes:
        file: The file, or None if there is none with `[tool.prefectx]`.
        values: The settings, as texts.
    """

    file: str | None
    values: Mapping[str, str]


class Setting(NamedTuple):
    """One current setting.

    Attributes:
        name: Its name.
        value: Its value.
        source: The file or variable that sets it, or `default`.
    """

    name: str
    value: str
    source: str


NOTHING: Final = Project(None, {})

# The project of each folder that was asked for; NOTHING for folders without one.
_projects: Final[dict[str, Project]] = {}


def project_above(folder: str) -> Project:
    """Return the nearest project with `[tool.prefectx]`, from a folder upwards.

    Raises:
        BadSetting: The file has an unknown setting or an invalid value.
    """
    folder = os.path.abspath(folder)
    project = _projects.get(folder)
    if project is None:
        project = _read(os.path.join(folder, "pyproject.toml"))
        parent = os.path.dirname(folder)
        if project is None:
            project = NOTHING if parent == folder else project_above(parent)
        _projects[folder] = project
    return project


def _read(path: str) -> Project | None:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    # Most files have no such table, and tomllib takes long to import.
    if _TABLE not in content:
        return None
    import tomllib

    table: Any = tomllib.loads(content.decode()).get("tool", {}).get("prefectx")
    return None if table is None else Project(path, _validate(table, path))


def _validate(table: dict[str, Any], path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if name not in _NAMES:
            import difflib

            nearest = difflib.get_close_matches(name, _NAMES, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
            msg = (
                f"{path}: [tool.prefectx] has no setting {name!r}{hint} The settings are:"
                f" {', '.join(_NAMES)}."
            )
            raise BadSetting(msg)
        if isinstance(value, bool):
            found[name] = "on" if value else "off"
        elif isinstance(value, str):
            found[name] = value
        elif is_list(value) and all(isinstance(part, str) for part in value):
            found[name] = ",".join(value)
        else:
            msg = f"{path}: [tool.prefectx] {name} must be a text, not {value!r}"
            raise BadSetting(msg)
    if "root" in found:
        found["root"] = os.path.normpath(os.path.join(os.path.dirname(path), found["root"]))
    if "mode" in found:
        validate_mode(found["mode"], path)
    if "rerun_on" in found:
        reasons_in(found["rerun_on"], path)
    return found


class _CurrentProject:
    """The project of the task or flow that was called first, whose settings this process uses."""

    project: Project | None = None
    #: The root before a command was told another one.
    own_root: str | None = None


def current_project() -> Project:
    """Return the project whose settings this process uses; an empty one before the first call."""
    return _CurrentProject.project or NOTHING


def read_project(function: Any) -> None:
    """Use the settings of a function's project, unless a project was read before.

    Raises:
        BadSetting: The project has an unknown setting or an invalid value.
    """
    if _CurrentProject.project is not None:
        return
    project = project_above(folder_of(function))
    _CurrentProject.project = project
    set_default_mode(project.values.get("mode", "function"), project.file or "default")


def folder_of(function: Any) -> str:
    """Return the folder of the file that defines a function; if it has none, the current folder."""
    code = getattr(function, "__code__", None)
    file = "" if code is None else str(code.co_filename)
    # A function of a notebook or a prompt has a file name in angle brackets, or a temporary file.
    return os.path.dirname(file) if os.path.isabs(file) else os.getcwd()


def current_settings(folder: str) -> list[Setting]:
    """Return each setting with its value and its source, as seen from a folder."""
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
    """Return the root folder for the targets of a module in this folder."""
    return os.environ.get("PREFECTX_ROOT") or project_above(folder).values.get("root", ".")


def override_root(root: str) -> None:
    """Let this process and its children keep targets below another folder."""
    if _CurrentProject.own_root is None:
        _CurrentProject.own_root = root_for(os.getcwd())
    os.environ["PREFECTX_ROOT"] = os.path.abspath(root)


def own_root() -> str:
    """Return the root folder for a command that is started here without naming one."""
    return _CurrentProject.own_root or root_for(os.getcwd())
