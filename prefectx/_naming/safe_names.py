"""Which parts of a target are no file's names, and why."""

from __future__ import annotations

import os
from typing import Final

from prefectx.stores.folders.base import RESERVED

LONGEST: Final = 1024
"""What S3 takes, and less than any file system does: bytes of all parts together."""

LONGEST_PART: Final = 255 - len(".json")
"""What file systems take, less the suffix of the record beside it: in bytes."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLAIN: Final = frozenset("" if os.name == "nt" else f"{_LETTERS}0123456789_~.,+=@ -")
"""What nearly all names are made of. On Windows there is nothing that can be told so quickly."""

_NO_START: Final = ("", ".")

# After "Naming Files, Paths, and Namespaces" of Microsoft's documentation of Windows.
_NOT_ON_WINDOWS: Final = r'[<>:"\\|?*\x00-\x1f]|[. ]$'
_DEVICE: Final = r"(?i)(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|$)"


def are_plainly_safe(parts: str) -> bool:
    """Tell whether the parts of a target, with slashes between them, can be seen to be safe.

    Of those for which it is false, `why_unsafe` says it.
    """
    # Most are words, and this is quicker than to look at each letter.
    if parts.isalnum() and parts.isascii() and os.name != "nt":
        return len(parts) <= LONGEST_PART
    if PLAIN.issuperset(parts) and parts[:1] not in _NO_START:
        return len(parts) <= LONGEST_PART
    return "/" in parts and len(parts) <= LONGEST and all(map(are_plainly_safe, parts.split("/")))


def why_unsafe(part: str) -> str | None:
    """Return why a part of a target, between two slashes, is no file's name, or None."""
    if part == "":
        return "is empty: the target starts or ends with a slash, or has two in a row"
    if part in {".", ".."}:
        return "is not a name"
    if part.startswith(RESERVED):
        return f"starts with {RESERVED!r}, which is kept for records and unfinished files"
    if "\0" in part:
        return "has a NUL character"
    return _why_unwritable(part) or (why_unsafe_on_windows(part) if os.name == "nt" else None)


def _why_unwritable(part: str) -> str | None:
    try:
        size = len(part.encode())
    except UnicodeEncodeError:
        return "has a character that is half of one"
    return f"is longer than {LONGEST_PART} bytes" if size > LONGEST_PART else None


def why_unsafe_on_windows(part: str) -> str | None:
    """Return why a part of a target is no file's name on Windows, or None if it is one."""
    import re

    if re.search(_NOT_ON_WINDOWS, part):
        return "has a character, or an ending, that Windows does not take"
    return "is a device's name on Windows" if re.match(_DEVICE, part) else None
