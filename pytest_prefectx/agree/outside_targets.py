"""A runner like that of mode `function` that finds targets outside the temporary folder."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from prefectx._runners.function import FunctionRunner
from prefectx.errors import PrefectxError
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from pathlib import Path

    from prefectx import Item
    from prefectx._naming.decorated import AnyTask
    from prefectx._runners.base import Args, Kwargs


class OutsideTargetRunner(FunctionRunner):
    """Warns of targets outside the folder in which modes are compared.

    Args:
        folder: The folder.

    Attributes:
        inside: The targets in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Final = os.path.join(folder, "")
        self.inside: Final[set[str]] = set()
        self._outside: Final[dict[str, str]] = {}

    def run(self, task: AnyTask, args: Args, kwargs: Kwargs) -> Any:
        """Run the function; return its result."""
        with suppress(PrefectxError):  # modes with targets will raise it
            item = task.naming.item(args, kwargs)
            if item is not None and self._is_outside(item):
                self._outside.setdefault(task.name, item.path)
            elif item is not None:
                self.inside.add(item.path.removeprefix(self.folder))
        return super().run(task, args, kwargs)

    def warn(self) -> None:
        """Warn once for each task; after the run, because a warning may be raised as an error."""
        for name, path in self._outside.items():
            warnings.warn(_warning(name, path), UserWarning, stacklevel=2)

    def _is_outside(self, item: Item[Any]) -> bool:
        is_file = isinstance(item.store, Filestore) or item.store.is_written_by_function
        return is_file and not item.path.startswith(self.folder)


def _warning(name: str, path: str) -> str:
    return (
        f"task {name!r} stores its outputs outside the temporary folder in which modes are"
        f" compared, such as {path!r}. They are not deleted, neither between the modes nor"
        " afterwards. Use a relative target and a relative root of its store in tests."
    )
