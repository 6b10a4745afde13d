"""The present code of the functions and objects that were a recorded call's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.recorded_arguments import restore
from prefectx._identity.call_identity import CallIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping


def code_of_recorded_arguments(
    details: Mapping[str, Any], *, is_trusted: bool
) -> Mapping[str, Mapping[str, str]] | None:
    """Return the fingerprints of the code in each argument, as `CallIdentity.code` does.

    Args:
        details: The record of a call.
        is_trusted: Whether nobody else can have written the record: reading a pickle runs code.

    Returns:
        The fingerprints; None if an argument was not kept, or cannot be read any more.
    """
    try:
        arguments = restore(details.get("args") or {}, is_trusted=is_trusted)
    except Exception:  # noqa: BLE001 - unpickling imports what may have gone
        return None
    return CallIdentity(str(details.get("task", "")), arguments).code
