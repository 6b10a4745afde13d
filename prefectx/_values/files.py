"""`InFile`: arguments that name files, which are compared by content."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeGuard

from prefectx._types import is_dict
from prefectx._values.containers import is_container, replace
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Iterator

InFile = Annotated[str | os.PathLike[str], "InFile"]
"""The annotation for an argument that names a file or folder that the task reads.

The target's record notes the file's content. If it has changed at a later call, there is a warning,
or with `rerun_on={"inputs"}` the target is recomputed. The same applies to arguments that are
annotated as `Path`, or named in the option `files`.

Example:
    >>> @task(rerun_on={"inputs"})
    ... def count(path: InFile) -> int:
    ...     with open(path) as file:
    ...         return len(file.read().split())
"""

_FILES: Final = re.compile(r"\b(InFile|Path|PathLike)\b")


def names_files(annotation: str) -> bool:
    """Tell whether an annotation, as text, marks an argument that names files."""
    return _FILES.search(annotation) is not None


def _is_path(value: Any) -> TypeGuard[os.PathLike[str]]:
    return isinstance(value, os.PathLike)


def paths_in(values: Any) -> list[str]:
    """Return the paths in values: texts, paths, and Items of files that tasks write.

    Args:
        values: The arguments that name files; each may be a container, at any depth.
    """
    paths: list[str] = []

    def note(value: Any) -> Any:
        # Items first: their `__fspath__` raises NotLoaded.
        if is_item(value):
            if value.store.is_written_by_function:
                paths.append(value.path)
        elif _is_path(value):
            paths.append(os.fsdecode(value))
        return value

    for value in values:
        # `replace` does not visit texts.
        paths.extend(_texts_in(value))
        replace(value, note)
    return list(dict.fromkeys(paths))


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in lists, tuples, sets and the values of dicts, at any depth."""
    if isinstance(value, str | bytes):
        yield os.fsdecode(value)
    elif is_container(value):
        for part in value.values() if is_dict(value) else value:
            yield from _texts_in(part)
