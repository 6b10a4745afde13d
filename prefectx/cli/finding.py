"""Look-up of flows and tasks by the command's arguments."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from prefectx._api.flow import Flow
from prefectx._api.task import Task
from prefectx._identity.code_hash import code_fingerprints
from prefectx._settings.project import override_root
from prefectx.cli.misuse import Misuse

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from types import ModuleType

    from prefectx.cli.catalogue import Catalogue, Entry


def flow_at(where: str) -> Flow[..., Any]:
    """Return the flow at `module:name` or `file.py:name`.

    Raises:
        Misuse: There is no such flow.
    """
    place, colon, name = where.partition(":")
    module = module_at(place)
    names: dict[str, Any] = vars(module)
    flows: dict[str, Flow[..., Any]] = {
        key: value for key, value in names.items() if isinstance(value, Flow)
    }
    if not colon and len(flows) == 1:
        return next(iter(flows.values()))
    found = flows.get(name)
    if found is None:
        options = ", ".join(f"{place}:{key}" for key in sorted(flows)) or "none"
        msg = f"{where!r} is not a flow. The flows of {place}: {options}."
        raise Misuse(msg)
    return found


def use_root(options: Namespace) -> None:
    """Let the tasks of a flow keep their outputs where the command looks for them."""
    if options.root != options.own_root:
        override_root(options.root)


def module_at(place: str) -> ModuleType:
    """Return the module of this name, or the one in this file."""
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name is not None and not f"{place}.".startswith(f"{error.name}."):
                msg = f"{place!r} cannot be imported: {error}"
                raise Misuse(msg) from error
            msg = f"there is no module {place!r} ({error}). Use a module or a file: flows.py:name."
            raise Misuse(msg) from error
    path = os.path.abspath(place)
    if not os.path.exists(path):
        msg = f"there is no file {place!r}"
        raise Misuse(msg)
    name = os.path.splitext(os.path.basename(path))[0]
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == path:
        return known
    sys.path.insert(0, os.path.dirname(path))
    return importlib.import_module(name)


def tasks_of(flow: Flow[..., Any]) -> set[str]:
    """Return the qualified names of all tasks that a flow's code names, however deep."""
    found = code_fingerprints(flow.function)
    # The functions of the flow's own package are keys; of those of others, the names are values.
    return {*found, *found.values()}


class TaskFinder:
    """Finds the tasks of records, and imports each at the first use."""

    def __init__(self) -> None:
        self._known: dict[str, Task[..., Any] | None] = {}
        self._code: dict[str, str] = {}
        #: The reasons why tasks could not be found.
        self.why: dict[str, str] = {}

    def task_of(self, entry: Entry, catalogue: Catalogue) -> Task[..., Any] | None:
        """Return the task that made a target; None if it does not exist any more."""
        if entry.task not in self._known:
            runs = [run for run in catalogue.runs.values() if entry.task in run.get("tasks", ())]
            files = [one.get("file") for one in (catalogue.details(entry), *runs)]
            return self.get(entry.task, [file for file in files if isinstance(file, str)])
        return self._known[entry.task]

    def get(self, name: str, files: Sequence[str] = ()) -> Task[..., Any] | None:
        """Return the task with this qualified name; None if it does not exist any more.

        Args:
            name: Module and qualified name.
            files: The script that defines it, or files that do, if it is in no module that is
                found from here.
        """
        if name not in self._known:
            self._known[name] = self._find(name, files)
        return self._known[name]

    def code_hash(self, task: Task[..., Any]) -> str:
        """Return the hash of a task's code, which does not change while the command runs."""
        name = task.qualified_name
        if name not in self._code:
            self._code[name] = task.code.hash
        return self._code[name]

    def _find(self, name: str, files: Sequence[str]) -> Task[..., Any] | None:
        there = [file for file in files if file.endswith(".py") and os.path.exists(file)]
        if name.startswith("__main__."):
            if not there:
                self.why[name] = f"{name} was defined by a script that does not exist any more"
                return None
            return self._in(name, there[0], name.removeprefix("__main__."))
        # A nested class's name has dots too.
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            if importlib.util.find_spec(parts[0]) is None:
                break
            module = ".".join(parts[:length])
            if module in sys.modules or _has_module(module):
                return self._in(name, module, ".".join(parts[length:]))
        for file in there:
            stem = os.path.splitext(os.path.basename(file))[0]
            if stem == parts[0]:
                # As in `prefectx run flows/words.py:words`.
                return self._in(name, file, ".".join(parts[1:]))
        self.why[name] = f"the module of {name} does not exist here"
        return None

    def _in(self, name: str, place: str, path: str) -> Task[..., Any] | None:
        try:
            found: Any = module_at(place)
            for part in path.split("."):
                found = vars(found)[part] if isinstance(found, type) else getattr(found, part)
        except Exception as error:  # noqa: BLE001 - importing runs the user's code
            self.why[name] = f"{name} cannot be imported: {type(error).__name__}: {error}"
            return None
        if not isinstance(found, Task):
            self.why[name] = f"{name} is not a task any more"
            return None
        return cast("Task[..., Any]", found)


def _has_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False
