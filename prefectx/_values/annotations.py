"""`.map`: the spreading of arguments over calls, and the annotations that change it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prefectx._values.handles import is_prefect_annotation
from prefectx._values.item import load_items
from prefectx.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class _Annotation(Generic[T]):
    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        """Return the value."""
        return self.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(_Annotation[T]):  # noqa: N801 - Prefect's name for it
    """Marks an argument of `.map` that is passed unchanged to each call.

    Args:
        value: The argument.

    Example:
        >>> @task(target=None)
        ... def scale(x: int, factors: list[int]) -> list[int]:
        ...     return [x * factor for factor in factors]
        >>> scale.map([1, 2], unmapped([10, 20])).result()
        [[10, 20], [20, 40]]
    """

    __module__ = "prefectx"
    __slots__ = ()


class allow_failure(_Annotation[T]):  # noqa: N801 - Prefect's name for it
    """Marks a future whose task may fail: the function gets the exception instead of data.

    Args:
        value: The future.

    Example:
        >>> @task(target=None)
        ... def fail() -> int:
        ...     raise ValueError("no data")
        >>> @task(target=None)
        ... def report(x: object) -> str:
        ...     return repr(x)
        >>> report(allow_failure(fail.submit()))
        "ValueError('no data')"
    """

    __module__ = "prefectx"
    __slots__ = ()


def is_unmapped(value: Any) -> bool:
    """Tell whether `value` is `unmapped(…)`, of prefectx or Prefect."""
    return isinstance(value, unmapped) or is_prefect_annotation(value, "unmapped")


def may_fail(value: Any) -> bool:
    """Tell whether `value` is `allow_failure(…)`, of prefectx or Prefect."""
    return isinstance(value, allow_failure) or is_prefect_annotation(value, "allow_failure")


def is_collection(value: Any) -> bool:
    """Tell whether `.map` uses the elements of `value` unchanged, Items and futures included."""
    return isinstance(value, list | tuple | set | dict)


def spread(
    name: str,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Return the arguments of each call of a `.map`.

    Args:
        name: The task's name, for messages.
        args: Positional arguments; iterables are mapped over, others are passed to each call.
        kwargs: The same by keyword.

    Raises:
        MappingError: No argument is iterable, or the iterables differ in length.
    """
    columns: dict[Any, list[Any]] = {}
    constants: dict[Any, Any] = {}
    for key, value in [*enumerate(args), *kwargs.items()]:
        if (column := _column(value)) is None:
            constants[key] = value.unwrap() if is_unmapped(value) else value
        else:
            columns[key] = column
    rows = [
        {**constants, **dict(zip(columns, row, strict=True))}
        for row in zip(*columns.values(), strict=bool(_check_columns(name, columns)))
    ]
    return [_arguments(row, len(args), kwargs) for row in rows]


def _arguments(
    row: dict[Any, Any],
    positional: int,
    kwargs: Mapping[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(row[index] for index in range(positional)), {key: row[key] for key in kwargs}


def _column(value: Any) -> list[Any] | None:
    """Return the element of `value` for each call; None if each call gets the whole value."""
    if is_unmapped(value):
        return None
    if may_fail(value):
        inner = _column(value.unwrap())
        return None if inner is None else [type(value)(element) for element in inner]
    value = value if is_collection(value) else load_items(value)
    if isinstance(value, str | bytes | io.IOBase):
        return None
    try:
        return list(value)
    except TypeError:
        return None


def _check_columns(name: str, columns: Mapping[Any, list[Any]]) -> Mapping[Any, list[Any]]:
    if not columns:
        msg = f"{name}.map: none of the arguments is iterable. Call the task, or use .submit."
        raise MappingError(msg)
    lengths = {str(key): len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        lengths_text = ", ".join(f"argument {key} has {length}" for key, length in lengths.items())
        msg = (
            f"{name}.map: the iterables differ in length: {lengths_text}. Wrap arguments that each"
            " call gets unchanged in unmapped(…)."
        )
        raise MappingError(msg)
    return columns
