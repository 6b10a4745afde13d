"""Runs tasks as mode `function` does, and looks where their outputs would be kept."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from prefectx._runners.function import FunctionRunner
from prefectx.errors import PrefectxError
from prefectx.stores import Filestore
from prefectx.stores.self_written import SelfWritten

if TYPE_CHECKING:
    from pathlib import Path

    from prefectx import Item
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class Placing(FunctionRunner):
    """Warns of outputs that would be kept outside the folder in which modes are compared.

    Args:
        folder: The folder.

    Attributes:
        inside: The targets that would be kept in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Final = os.path.join(folder, "")
        self.inside: Final[set[str]] = set()
        self._outside: Final[dict[str, str]] = {}

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Return what the function returns."""
        with suppress(PrefectxError):  # what cannot be named is for the modes that name it
            item = task.naming.item(args, kwargs)
            if item is not None and self._is_outside(item):
                self._outside.setdefault(task.name, item.path)
            elif item is not None:
                self.inside.add(item.path.removeprefix(self.folder))
        return super().run(task, args, kwargs)

    def warn(self) -> None:
        """Warn once of each task, after the run: a warning may be an error, and no outcome."""
        for name, path in self._outside.items():
            warnings.warn(_warning(name, path), UserWarning, stacklevel=2)

    def _is_outside(self, item: Item[Any]) -> bool:
        is_file = isinstance(item.store, Filestore | SelfWritten)
        return is_file and not item.path.startswith(self.folder)


def _warning(name: str, path: str) -> str:
    return (
        f"task {name!r} keeps its outputs outside the temporary folder in which modes are"
        f" compared, as in {path!r}: they are not deleted, neither between the modes nor"
        " afterwards. Let its target and its store's root be relative in tests."
    )
