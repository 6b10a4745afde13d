"""What classes ask of `typing` where they are made, at no cost.

Importing `typing` takes as long as importing half of prefectx. Type checkers are given the real
names; programs are given stand-ins, which only let `Item[int]` and its like be written.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, ParamSpec, TypedDict, TypeVar, cast, overload
else:

    class Generic:
        """Stands for typing's."""

        __slots__ = ()

        def __class_getitem__(cls, parameters: object) -> object:
            """Return the class as a base, or the class with these type arguments."""
            if cls is Generic:
                return cls
            parts = parameters if isinstance(parameters, tuple) else (parameters,)
            # With hashes, as typing has them: those of functions' parameters are lists.
            hashable = tuple(tuple(part) if isinstance(part, list) else part for part in parts)
            return type(list[int])(cls, hashable)

    class TypedDict:
        """Stands for typing's."""

        def __init_subclass__(cls, *, total: bool) -> None:
            pass

    def TypeVar(name: str, **_: object) -> str:  # noqa: N802 - typing's name
        """Stand for typing's."""
        return name

    ParamSpec = TypeVar

    def cast(_: object, value: object) -> object:
        """Return the value."""
        return value

    def overload(function: object) -> object:
        """Return the function."""
        return function


__all__ = ["Generic", "ParamSpec", "TypeVar", "TypedDict", "cast", "overload"]
