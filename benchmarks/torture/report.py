"""The counts of the torture, and the table that it prints."""

from __future__ import annotations

from dataclasses import astuple, dataclass

HEAD = "| attack | tried | lost | torn | wrong | left behind |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Report:
    """Counts of one attack; those of two parts of it can be added.

    Attributes:
        tried: How often it was tried: outputs that were looked at, mostly.
        lost: Outputs that a process had reported as done and that are not there whole.
        torn: Outputs that are there and hold what nobody has written.
        wrong: Calls that were given another call's output; files outside of their folder.
        left: Unfinished files, locks and open files that nothing removes.
    """

    tried: int = 0
    lost: int = 0
    torn: int = 0
    wrong: int = 0
    left: int = 0

    def __add__(self, other: Report) -> Report:
        return Report(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, torn, wrong or left behind."""
        return not any(astuple(self)[1:])

    def row(self, attack: str) -> str:
        """Return the row of the table for an attack."""
        return f"| {attack} | {' | '.join(f'{count:,}' for count in astuple(self))} |"
