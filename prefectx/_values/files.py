"""`InFile`: arguments that name files, which count by their content."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Final, TypeGuard

from prefectx._values.containers import is_container, replace
from prefectx._values.item import is_item

InFile = Annotated[str | os.PathLike[str], "InFile"]
"""The annotation of an argument that names a file, or a folder, which the task reads.

What lies there is noted in the target's record. If it is another later on, a warning says so, or
with `rerun_on={"inputs"}` the target is made anew. So it is for arguments that are annotated as
`Path`, or named in the option `files`.

Example:
    >>> @task(rerun_on={"inputs"})
    ... def count(path: InFile) -> int:
    ...     with open(path) as file:
    ...         return len(file.read().split())
"""

_FILES: Final = re.compile(r"\b(InFile|Path)\b")


def names_files(annotation: str) -> bool:
    """Tell whether an annotation, as text, says that an argument names files."""
    return _FILES.search(annotation) is not None


def _is_path(value: Any) -> TypeGuard[os.PathLike[str]]:
    return isinstance(value, os.PathLike)


def paths_in(values: Any) -> list[str]:
    """Return the paths that values name: texts, paths, and Items of files that tasks write.

    Args:
        values: The arguments that name files; each may be a list, or hold paths deeper.
    """
    paths: list[str] = []

    def note(value: Any) -> Any:
        # First: an Item has `__fspath__` too, one that raises NotLoaded.
        if is_item(value):
            if value.store.is_written_by_function:
                paths.append(value.path)
        elif _is_path(value):
            paths.append(os.fsdecode(value))
        return value

    for value in values:
        # Texts are no handles, so `replace` does not show them.
        parts = value if is_container(value) else [value]
        paths.extend(part for part in parts if isinstance(part, str))
        replace(value, note)
    return list(dict.fromkeys(paths))
