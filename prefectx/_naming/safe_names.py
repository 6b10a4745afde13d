"""Checks whether the parts of a target are valid file names, with the reason if not."""

from __future__ import annotations

import os
from typing import Final

from prefectx.stores.folders.base import RESERVED

LONGEST: Final = 1024
"""The maximal length of a target in bytes. It is S3's; file systems allow more."""

LONGEST_PART: Final = 255 - len(".json")
"""The maximal length of a part in bytes: that of file systems, minus the record's suffix."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLAIN: Final = frozenset("" if os.name == "nt" else f"{_LETTERS}0123456789_~.,+=@ -")
"""Characters that are safe anywhere in a name; empty on Windows, which has more rules."""

_NO_START: Final = ("", ".")

# After "Naming Files, Paths, and Namespaces" of Microsoft's documentation of Windows.
_NOT_ON_WINDOWS: Final = r'[<>:"\\|?*\x00-\x1f]|[. ]$'
_DEVICE: Final = r"(?i)(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|$)"


def are_clearly_safe(parts: str) -> bool:
    """Tell whether the parts of a target, separated by slashes, are safe by a quick check.

    If not, `why_unsafe` decides.
    """
    # Most parts are words, and this is quicker than a check of each character.
    if parts.isalnum() and parts.isascii() and os.name != "nt":
        return len(parts) <= LONGEST_PART
    if PLAIN.issuperset(parts) and parts[:1] not in _NO_START:
        return len(parts) <= LONGEST_PART
    return "/" in parts and len(parts) <= LONGEST and all(map(are_clearly_safe, parts.split("/")))


def why_unsafe(part: str) -> str | None:
    """Return why a part of a target is no valid file name; None if it is one."""
    if part == "":
        return "is empty: the target starts or ends with a slash, or has two in a row"
    if part in {".", ".."}:
        return "is not a name"
    if part.startswith(RESERVED):
        return f"starts with {RESERVED!r}, which is reserved for records and temporary files"
    if "\0" in part:
        return "has a NUL character"
    return _why_unwritable(part) or (why_unsafe_on_windows(part) if os.name == "nt" else None)


def _why_unwritable(part: str) -> str | None:
    try:
        size = len(part.encode())
    except UnicodeEncodeError:
        return "has a lone surrogate, which cannot be encoded as UTF-8"
    return f"is longer than {LONGEST_PART} bytes" if size > LONGEST_PART else None


def why_unsafe_on_windows(part: str) -> str | None:
    """Return why a part of a target is no valid file name on Windows; None if it is one."""
    import re

    if re.search(_NOT_ON_WINDOWS, part):
        return "has a character or an ending that Windows does not allow"
    return "is the name of a device on Windows" if re.match(_DEVICE, part) else None
