"""`PREFECTX_AUDIT`: a share of the hits is recomputed and compared with the stored output."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from prefectx._settings.environment import Variable
from prefectx.errors import UnknownOption

if TYPE_CHECKING:
    from prefectx._calls.call import Call

AUDIT: Final = Variable("PREFECTX_AUDIT")
"""The share of the hits that is recomputed: `0.01` is one in a hundred."""


def audit_some(call: Call) -> None:
    """Recompute this hit and compare it, if the random number falls within the share.

    Raises:
        UnknownOption: The variable has no number from 0 to 1.
    """
    from random import SystemRandom

    # Not the program's own generator, whose next numbers would change.
    if SystemRandom().random() < _share():
        # The harness compares and explains. It lies above and imports prefectx: not the reverse.
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
