"""Damage to the content of a target."""

from __future__ import annotations


def cut_short(content: bytes) -> bytes:
    """Return the first half."""
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    """Return the content with each bit flipped; one byte if it is empty."""
    return bytes(byte ^ 0xFF for byte in content) or b"\xff"
