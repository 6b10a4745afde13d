"""How much memory a process has in use, where the system tells."""

from __future__ import annotations

import os
from typing import Final

_GB: Final = 1_000_000_000


def resident(pid: int | None = None) -> int | None:
    """Return how many bytes of memory a process has in use; None where that cannot be seen.

    Args:
        pid: Which process; None for this one.
    """
    try:
        with open(f"/proc/{pid or 'self'}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except (OSError, IndexError):
        return None  # Not Linux, or no such process.
    # Of one that has ended, but whose parent has not looked yet, there are none.
    return pages * os.sysconf("SC_PAGE_SIZE") or None


def told_memory(size: int) -> str:
    """Return a size as a log tells it: `2.1 GB`.

    Args:
        size: The size in bytes.
    """
    return f"{size / 1e6:.0f} MB" if size < _GB else f"{size / _GB:.1f} GB"
