"""Open files that a Ctrl-C between any two steps neither leaks nor closes twice.

Closed twice, the number may be that of another file, which another thread has opened meanwhile.
Python raises `KeyboardInterrupt` between the steps of its own code, never within a function in C.
So two steps that belong together are made by one such function.
"""

from __future__ import annotations

import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_END: Final = object()

F = TypeVar("F")


def file_of_copy(descriptor: int, opener: Callable[[int], F]) -> F:
    """Return a file that owns a copy of a descriptor: copied and owned in one step.

    Args:
        descriptor: The descriptor, which stays open when the file is closed.
        opener: Returns the file of a descriptor; a function in C.
    """
    return next(map(opener, map(os.dup, (descriptor,))))


class Descriptors:
    """Descriptors that are closed together: by `close`, or when nobody refers to them any more.

    A file is opened and added, or removed and closed, in one step.
    """

    __slots__ = ("_numbers", "close")

    def __init__(self) -> None:
        self._numbers: Final[list[Any]] = [_END]
        #: Close all; a second call does nothing.
        self.close: Final[Callable[[], object]] = partial(
            deque, map(os.close, iter(self._numbers.pop, _END)), 0
        )

    def open(self, path: str, flags: int, mode: int = 0o777, dir_fd: int | None = None) -> int:
        """Open a file as `os.open` does; return its descriptor."""
        self._numbers.extend(map(partial(os.open, flags=flags, mode=mode, dir_fd=dir_fd), (path,)))
        return self.last

    @property
    def last(self) -> int:
        """The descriptor that was opened last."""
        return int(self._numbers[-1])

    def __bool__(self) -> bool:
        return len(self._numbers) > 1

    def __del__(self) -> None:
        self.close()
