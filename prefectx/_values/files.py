"""`InFile`: arguments that name files, which are compared by content."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeGuard, cast

from prefectx._types import is_dict, type_of
from prefectx._values.containers import is_container, is_walked, replace
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

InFile = Annotated[str | os.PathLike[str], "InFile"]
"""The annotation for an argument that names a file or folder that the task reads.

The target's record notes the file's content. If it has changed at a later call, there is a warning,
or with `rerun_on={"inputs"}` the target is recomputed. The same applies to arguments that are
annotated as `Path`, or named in the option `files`, and to `Path` objects.

Example:
    >>> @task(rerun_on={"inputs"})
    ... def count(path: InFile) -> int:
    ...     with open(path) as file:
    ...         return len(file.read().split())
"""

# Also those of pydantic, universal-pathlib and cloudpathlib.
_FILES: Final = re.compile(
    r"\b(InFile|Path|PathLike|PosixPath|WindowsPath|FilePath|DirectoryPath|UPath|CloudPath|AnyPath)\b"
)


def names_files(annotation: object, names: dict[str, Any]) -> bool:
    """Tell whether an annotation marks an argument that names files.

    Args:
        annotation: The annotation, or its text.
        names: What its text may name: the globals of the function.
    """
    if _FILES.search(str(annotation)) is not None:
        return True
    if isinstance(annotation, str):
        # `Source = InFile`, in a module with `from __future__ import annotations`.
        try:
            annotation = eval(annotation, names)  # noqa: S307 - the author's own, as Python would
        except Exception:  # noqa: BLE001 - it names what is there for type checkers alone
            return False
    # `type Source = InFile`
    annotation = getattr(annotation, "__value__", annotation)
    return _FILES.search(str(annotation)) is not None


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

    seen: set[int] = set()
    for value in values:
        # `replace` does not visit texts.
        paths.extend(_texts_in(value, seen))
        replace(value, note)
    return list(dict.fromkeys(paths))


def path_objects_in(values: Iterable[Any]) -> list[str]:
    """Return the paths of `Path` objects among values, and in containers and objects there.

    Of large containers the first elements show whether there are any.
    """
    paths: dict[str, None] = {}
    for value in values:
        paths |= dict.fromkeys(_path_objects(value, _DEPTH))
    return list(paths)


_DEPTH: Final = 3
_FIRST: Final = 32


def _path_objects(value: Any, depth: int) -> list[str]:
    if isinstance(value, Path):
        return [os.fsdecode(value)]
    if depth == 0 or is_item(value):
        return []
    parts = _parts_of(value)
    found = [path for part in islice(parts, _FIRST) for path in _path_objects(part, depth - 1)]
    if found and len(parts) > _FIRST:
        found = [path for part in parts for path in _path_objects(part, depth - 1)]
    return found


def _texts_in(value: Any, seen: set[int]) -> Iterator[str]:
    """Yield the texts in containers, values of dicts and fields of objects, at any depth."""
    if isinstance(value, str | bytes):
        yield os.fsdecode(value)
    elif id(value) not in seen:
        seen.add(id(value))
        for part in _parts_of(value):
            yield from _texts_in(part, seen)


def _parts_of(value: Any) -> Collection[Any]:
    if is_dict(value):
        return value.values()
    if isinstance(value, list | tuple):
        # A list may be large.
        return cast("Collection[Any]", value)
    if is_container(value):
        return list(value)
    kind: Any = type_of(value)
    if not is_walked(kind):
        return ()
    slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
    names = {*getattr(value, "__dict__", ()), *slots}
    return [getattr(value, name) for name in sorted(names) if hasattr(value, name)]
