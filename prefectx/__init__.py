"""Run the same Prefect code with or without Prefect, and store each task's output in a file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefectx._api.decorators import flow, task
from prefectx._api.flow import Flow
from prefectx._api.task import Task
from prefectx._settings.context import context, gcontext
from prefectx._settings.mode import MODES, current_mode, use_mode
from prefectx._values.annotations import allow_failure, unmapped
from prefectx._values.files import InFile
from prefectx._values.item import Item, item, load

if TYPE_CHECKING:
    from prefectx._api.run_functions import get_run_logger, tags
    from prefectx._calls.refresh import refresh
    from prefectx._calls.report import last_run
    from prefectx._values.waiting import as_completed, wait
    from prefectx.cli.removal import remove

__all__ = [
    "MODES",
    "Flow",
    "InFile",
    "Item",
    "Task",
    "allow_failure",
    "as_completed",
    "context",
    "current_mode",
    "flow",
    "gcontext",
    "get_run_logger",
    "item",
    "last_run",
    "load",
    "refresh",
    "remove",
    "tags",
    "task",
    "unmapped",
    "use_mode",
    "wait",
]

# Imported at the first use: logging alone takes half as long to import as prefectx.
_LATER = {
    "as_completed": "prefectx._values.waiting",
    "get_run_logger": "prefectx._api.run_functions",
    "last_run": "prefectx._calls.report",
    "refresh": "prefectx._calls.refresh",
    "remove": "prefectx.cli.removal",
    "tags": "prefectx._api.run_functions",
    "wait": "prefectx._values.waiting",
}


# The public modules; prefectx.dask needs the extra `dask`.
_MODULES = ("dask", "errors", "logs", "records", "stores")


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    if name in _MODULES:
        return import_module(f"prefectx.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("prefectx")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(
        [*__all__, *_MODULES, "__all__", "__doc__", "__file__", "__name__", "__version__"]
    )
