"""The counts of the torture."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Report:
    """Counts of one part of the torture; those of two parts can be added.

    Attributes:
        kills: Processes killed with SIGKILL while they were at work.
        checked: Targets loaded and compared with what they must hold.
        lost: Targets that a process had reported as done and that are not there whole.
        torn: Targets that are there and hold what nobody has written.
        leftovers: Unfinished files that a later run took for targets or did not remove.
    """

    kills: int = 0
    checked: int = 0
    lost: int = 0
    torn: int = 0
    leftovers: int = 0

    def __add__(self, other: Report) -> Report:
        return Report(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, torn or left over."""
        return not (self.lost or self.torn or self.leftovers)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.checked} targets checked: {self.lost} lost,"
            f" {self.torn} torn, {self.leftovers} leftovers"
        )
