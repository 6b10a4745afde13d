"""Items for tracers: one that notes its use as data, and one with its data in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from prefectx import Item
from prefectx._values.not_loaded import USES

if TYPE_CHECKING:
    from collections.abc import Callable

# The methods to observe, including those that raise no error, such as `==` and `str`.
_OPERATIONS: Final = (*USES, "__call__", "__eq__", "__ne__", "__str__", "__format__", "__getattr__")


class UsedAsData(TypeError):
    """A flow computes with an Item."""


class WatchedItem(Item[Any]):
    """An Item that notes operations that are meant for data.

    Args:
        item: The Item that a mode with targets would return.
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
        """Return True."""
        return True

    def load(self, *, mmap: bool = False) -> Any:  # noqa: ARG002 - it is in memory already
        """Return the data."""
        return self.data


class MemoryItem(Item[Any]):
    """An Item with its data in memory, otherwise like any other.

    Args:
        item: The Item that a mode with targets would return.
        data: Its data.
    """

    __slots__ = ("data",)
    data: Any

    def __init__(self, item: Item[Any], data: Any) -> None:
        super().__init__(item.store, item.target, item.base)
        object.__setattr__(self, "data", data)

    def exists(self) -> bool:
        """Return True."""
        return True

    def load(self, *, mmap: bool = False) -> Any:  # noqa: ARG002 - it is in memory already
        """Return the object itself."""
        return self.data


def _report_use(operation: str) -> Callable[..., NoReturn]:
    def use(self: WatchedItem, *args: object, **_: object) -> NoReturn:
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
    setattr(WatchedItem, _operation, _report_use(_operation))
