"""`Misuse`: the error for wrong arguments of the command."""

from __future__ import annotations

from prefectx.errors import PrefectxError


class Misuse(PrefectxError, ValueError):
    """An argument of the command is wrong: it does not exist, or does not fit."""
