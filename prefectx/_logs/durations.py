"""Durations as people write them: `"6h"`, `"90s"`, `5`."""

from __future__ import annotations

import datetime
import re
from typing import Final

from prefectx.errors import InvalidDuration

_SECONDS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3_600.0,
    "hour": 3_600.0,
    "d": 86_400.0,
    "day": 86_400.0,
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+) *([a-z]*)")


def parse_duration(duration: str | float | datetime.timedelta) -> float:
    """Return a duration in seconds.

    Args:
        duration: A number of seconds, a `timedelta`, or a number with a unit, as in `"6h"`,
            `"90 s"`, `"5 minutes"`, `"1.5 days"` or `"200ms"`; without a unit it means seconds.

    Raises:
        InvalidDuration: The argument is none of these, or is negative, infinite or NaN.

    Example:
        >>> parse_duration("6h"), parse_duration("5 minutes"), parse_duration(90)
        (21600.0, 300.0, 90.0)
    """
    seconds = _seconds(duration)
    if seconds is None or not 0 <= seconds < float("inf"):
        msg = (
            f"{duration!r} is not a duration. Use a number of seconds, or a text such as '90s',"
            " '5 min' or '6h'."
        )
        raise InvalidDuration(msg)
    return seconds


def _seconds(duration: str | float | datetime.timedelta) -> float | None:
    if isinstance(duration, datetime.timedelta):
        return duration.total_seconds()
    if not isinstance(duration, str):
        return float(duration)
    found = _DURATION.fullmatch(duration.strip().lower())
    if found is None:
        return None
    unit = found[2] or "s"
    size = _SECONDS.get(unit, _SECONDS.get(unit.removesuffix("s")))
    return None if size is None else float(found[1]) * size


def format_duration(seconds: float) -> str:
    """Return a duration as text for logs, rounded down: `35 min`, `2 h 5 min`.

    Args:
        seconds: The duration in seconds.
    """
    minutes, rest = divmod(int(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
