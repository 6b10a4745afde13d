"""An Item that notes when it is used as if it were the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from prefectx import Item
from prefectx._values.not_loaded import USES

if TYPE_CHECKING:
    from collections.abc import Callable

# What Python calls, of which some pass in silence: an object's own `==` and `str` give an answer.
_OPERATIONS: Final = (*USES, "__call__", "__eq__", "__ne__", "__str__", "__format__", "__getattr__")


class UsedAsData(TypeError):
    """A flow computes on an Item."""


class Watched(Item[Any]):
    """An Item whose data is at hand.

    Args:
        item: The Item that a mode with targets would give.
        data: Its data.
        notice: Called with the name of each operation that is meant for the data.
    """

    __slots__ = ("data", "notice")
    data: Any
    notice: Callable[[str], None]

    def __init__(self, item: Item[Any], data: Any, notice: Callable[[str], None]) -> None:
        super().__init__(item.store, item.target, item.base)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "notice", notice)

    def __hash__(self) -> int:
        return hash(self.target)

    def exists(self) -> bool:
        """Tell that the output is there."""
        return True

    def load(self, *, mmap: bool = False) -> Any:  # noqa: ARG002 - it is in memory already
        """Return the data."""
        return self.data


class InMemory(Item[Any]):
    """An Item whose data is at hand, and that is in all else like any other.

    Args:
        item: The Item that a mode with targets would give.
        data: Its data.
    """

    __slots__ = ("data",)
    data: Any

    def __init__(self, item: Item[Any], data: Any) -> None:
        super().__init__(item.store, item.target, item.base)
        object.__setattr__(self, "data", data)

    def exists(self) -> bool:
        """Tell that the output exists."""
        return True

    def load(self, *, mmap: bool = False) -> Any:  # noqa: ARG002 - it is in memory already
        """Return the very object."""
        return self.data


def _used(operation: str) -> Callable[..., NoReturn]:
    def use(self: Watched, *args: object, **_: object) -> NoReturn:
        if operation == "__getattr__":
            name = str(args[0])
            if name.startswith("__") and name != "__class__":
                raise AttributeError(name)  # Python looks for protocols by itself
            self.notice(f".{name}")
        else:
            self.notice(operation)
        raise UsedAsData(operation)

    return use


for _operation in _OPERATIONS:
    setattr(Watched, _operation, _used(_operation))
