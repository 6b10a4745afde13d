"""`PREFECTX_AUDIT`: which hits are computed again, to be compared with what was kept."""

from __future__ import annotations

import random
from importlib import import_module
from typing import TYPE_CHECKING, Final

from prefectx._settings.environment import Variable
from prefectx.errors import UnknownOption

if TYPE_CHECKING:
    from prefectx._calls.call import Call

AUDIT: Final = Variable("PREFECTX_AUDIT")
"""The share of the hits that is computed again: `0.01` is one in a hundred."""

# One of its own: the program's draws stay what they are.
_chance: Final = random.Random()  # noqa: S311 - no secret


def audit_some(call: Call) -> None:
    """Compare this hit with what its task gives now, if its turn has come.

    Raises:
        UnknownOption: The variable has no number from 0 to 1.
    """
    if _chance.random() < _share():
        # What compares and explains is the test harness, which lies above: it looks at us.
        import_module("pytest_prefectx.replay.production").audit(call)


def _share() -> float:
    text = AUDIT.get() or "0"
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        msg = f"PREFECTX_AUDIT is {text!r}. Give the share of hits to audit: a number from 0 to 1."
        raise UnknownOption(msg)
    return share
