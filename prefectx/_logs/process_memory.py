"""The memory that a process uses, on systems that show it."""

from __future__ import annotations

import os
from typing import Final

_GB: Final = 1_000_000_000


def resident_memory(pid: int | None = None) -> int | None:
    """Return the resident memory of a process in bytes; None if it is not known.

    Args:
        pid: The process; None for this one.
    """
    try:
        with open(f"/proc/{pid or 'self'}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except (OSError, IndexError):
        return None  # Not Linux, or no such process.
    # A zombie has no pages.
    return pages * os.sysconf("SC_PAGE_SIZE") or None


def format_memory(size: int) -> str:
    """Return a size as text for logs: `2.1 GB`.

    Args:
        size: The size in bytes.
    """
    return f"{size / 1e6:.0f} MB" if size < _GB else f"{size / _GB:.1f} GB"
