"""`StaleTargets`: the warning that targets are used although they may be outdated."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from prefectx.errors import StaleTarget

if TYPE_CHECKING:
    from prefectx._calls.user_line import UserLine


class StaleTargets:
    """Targets of one task that are used although its calls or its code have changed since.

    Args:
        task: The task's name.
        target: The first such target.
        why: The difference at the first target.
        line: The user's line that called the task for the first target.
    """

    __slots__ = ("_line", "_target", "_task", "_told", "_why", "count")

    def __init__(self, task: str, target: str, why: str, line: UserLine) -> None:
        self._task = task
        self._target = target
        self._why = why
        self._line = line
        self._told = 0
        self.count = 0

    @property
    def has_more(self) -> bool:
        """True if there are more than the last warning said."""
        return self.count > self._told

    def warn(self) -> None:
        """Issue one warning for all of them."""
        self._told = self.count
        first = f"{self._target!r} {self._why}"
        if self.count == 1:
            one, command = f"target {first}", f"prefectx why {quote(self._target)}"
        else:
            one = f"{self.count:,} targets may be outdated; the first, {first}"
            command = "prefectx status"
        msg = (
            f"{self._task}: {one}. The stored output is used all the same: see {command}. To"
            " recompute it, delete it, or set rerun_on={'inputs', 'code'}."
        )
        self._line.warn(msg, StaleTarget)
