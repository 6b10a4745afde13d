"""`StaleTargets`: the warning that targets are used although they may be outdated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.commands import command_about, command_about_all
from prefectx.errors import StaleTarget

if TYPE_CHECKING:
    from prefectx._calls.user_line import UserLine
    from prefectx._values.item import Item


class StaleTargets:
    """Targets of one task that are used although its calls or its code have changed since.

    Args:
        task: The task's name.
        item: The first such target.
        why: The difference at the first target.
        line: The user's line that called the task for the first target.
    """

    __slots__ = ("_item", "_line", "_task", "_told", "_why", "count")

    def __init__(self, task: str, item: Item[Any], why: str, line: UserLine) -> None:
        self._task = task
        self._item = item
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
        first = f"{self._item.target!r} {self._why}"
        about = command_about("why", self._item)
        if self.count == 1:
            one = f"target {first}"
        else:
            one = f"{self.count:,} targets may be outdated; the first, {first}"
            about = about and command_about_all(self._item)
        see = "" if about is None else f": see {about}"
        msg = (
            f"{self._task}: {one}. The stored output is used all the same{see}. To recompute it,"
            " delete it, or set rerun_on={'inputs', 'code'}."
        )
        self._line.warn(msg, StaleTarget)
