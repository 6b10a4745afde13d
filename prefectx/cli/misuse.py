"""`Misuse`: what the command was asked cannot be done."""

from __future__ import annotations

from prefectx.errors import PrefectxError


class Misuse(PrefectxError, ValueError):
    """The command was given something that is not there or does not fit."""
