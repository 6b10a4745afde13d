"""A flow's parameters in the form that Prefect's API accepts: valid UTF-8 of limited size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prefect.settings import get_current_settings

from prefectx._identity.short_text import short_text

if TYPE_CHECKING:
    from collections.abc import Mapping


def parameters_for_api(serialized: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters that the API accepts; those that it would refuse are short texts.

    The flow itself gets its arguments unchanged.

    Args:
        serialized: The parameters as JSON.
        values: The parameters.
    """
    accepted = {name: _as_utf8(found, values[name]) for name, found in serialized.items()}
    # 0 means that there is no limit.
    limit = get_current_settings().server.api.max_parameter_size
    sizes = {name: _size(found) for name, found in accepted.items()}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if not limit or _size(accepted) <= limit:
            break
        accepted[name] = _printable(short_text(values[name]))
    return accepted


def _size(found: Any) -> int:
    return len(json.dumps(found, default=str).encode())


def _as_utf8(found: Any, value: Any) -> Any:
    try:
        json.dumps(found, default=str, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # Paths may contain bytes that are not UTF-8.
        return _printable(found if isinstance(found, str) else short_text(value))
    return found


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
