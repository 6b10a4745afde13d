"""`Descriptors`: open files that a Ctrl-C between any two steps neither leaks nor closes twice.

Closed twice, the number may be that of another file, which another thread has opened meanwhile.
"""

from __future__ import annotations

import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_END: Final = object()


class Descriptors:
    """Descriptors that are closed together: by `close`, or when nobody refers to them any more.

    Python raises `KeyboardInterrupt` between the steps of its own code, never within a function in
    C. So a file is opened and noted, or forgotten and closed, in one such function.
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
