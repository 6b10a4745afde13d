"""`InFile`: arguments that name files, which are compared by content."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeGuard

from prefectx._types import is_dict, type_of
from prefectx._values.containers import is_container, is_walked, replace
from prefectx._values.item import is_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    """Return the paths of `Path` objects among values, and in lists, tuples, sets and dicts there.

    Fields of objects do not count: a `Path` in settings may well be one to write to.
    """
    found = [path for value in values for path in _path_objects(value)]
    return list(dict.fromkeys(map(os.fsdecode, found)))


def _path_objects(value: Any) -> list[Path]:
    if isinstance(value, Path):
        return [value]
    if not is_container(value):
        return []
    parts: Iterable[Any] = value.values() if is_dict(value) else value
    # Containers can be large, and most have no path.
    if not any(issubclass(kind, Path) for kind in set(map(type, parts))):
        return []
    return [part for part in parts if isinstance(part, Path)]


def _texts_in(value: Any, seen: set[int]) -> Iterator[str]:
    """Yield the texts in containers, values of dicts and fields of objects, at any depth."""
    if isinstance(value, str | bytes):
        yield os.fsdecode(value)
    elif id(value) not in seen:
        seen.add(id(value))
        for part in _parts_of(value):
            yield from _texts_in(part, seen)


def _parts_of(value: Any) -> Iterable[Any]:
    if is_dict(value):
        return value.values()
    if is_container(value):
        return list(value)
    kind: Any = type_of(value)
    if not is_walked(kind):
        return ()
    slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
    names = {*getattr(value, "__dict__", ()), *slots}
    return [getattr(value, name) for name in sorted(names) if hasattr(value, name)]
