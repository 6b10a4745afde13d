"""`TaskReport` and `Failure`: the counts of one task in a run, and one call that raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefectx._words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class TaskReport:
    """The counts of one task in a run.

    Attributes:
        task: The task's name.
        skipped: The number of calls whose target existed.
        ran: The number of calls that ran and completed.
        failed: The number of calls that raised.
        seconds: The time that the function ran, over all calls.
        bytes: The number of bytes written to targets.
        folder: The common folder of all targets written in this run; None if there are none.
    """

    __slots__ = ("bytes", "failed", "folder", "ran", "seconds", "skipped", "task")

    def __init__(self, task: str) -> None:
        self.task = task
        self.skipped = 0
        self.ran = 0
        self.failed = 0
        self.seconds = 0.0
        self.bytes = 0
        self.folder: str | None = None

    @property
    def calls(self) -> int:
        """The number of calls."""
        return self.skipped + self.ran + self.failed

    def add_folder(self, folder: str) -> None:
        """Note the folder of an output."""
        self.folder = folder if self.folder is None else _common(self.folder, folder)

    def row(self) -> list[str]:
        """Return the counts as the cells of a line."""
        return [
            self.task,
            counted(self.calls, "call"),
            f"{self.ran:,} ran",
            f"{self.skipped:,} skipped",
            f"{self.failed:,} failed" if self.failed else "",
            seconds_text(self.seconds),
            size_text(self.bytes) if self.bytes else "",
            f"{self.folder}/" if self.folder else "",
        ]

    def __repr__(self) -> str:
        return (
            f"<TaskReport {self.task}: {counted(self.calls, 'call')}, {self.ran} ran,"
            f" {self.skipped} skipped, {self.failed} failed>"
        )


class Failure(NamedTuple):
    """A call that raised.

    Attributes:
        task: The task's qualified name.
        call: The call as short text.
        target: The target that it would have written; None without one.
        error: The exception.
        command: The command that debugs it; None if there is no record of it.
        listing: The command that lists all failed calls in the same store; None likewise.
    """

    task: str
    call: str
    target: str | None
    error: BaseException
    command: str | None = None
    listing: str | None = None

    @property
    def exception(self) -> str:
        """The exception's type and message in one line."""
        return in_one_line(self.error)

    def __repr__(self) -> str:
        return f"<Failure {self.call}: {self.exception}>"


def in_one_line(error: BaseException) -> str:
    """Return an exception's type and the first line of its message."""
    lines = str(error).splitlines()
    kind = type(error).__name__
    return f"{kind}: {lines[0]}" if lines else kind


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as aligned lines: numbers to the right, the first and last cell to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *cells = zip(row, widths, strict=True)
        aligned = [first[0].ljust(first[1])]
        aligned += [cell.rjust(width) for cell, width in cells[:-1] if width]
        yield f"  {'  '.join([*aligned, cells[-1][0]])}".rstrip()


def _common(one: str, other: str) -> str:
    if one == other:
        return one
    parts: list[str] = []
    for mine, theirs in zip(one.split("/"), other.split("/"), strict=False):
        if mine != theirs:
            break
        parts.append(mine)
    return "/".join(parts)


def seconds_text(seconds: float) -> str:
    """Return a duration as text for people: `0.3 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def size_text(size: float) -> str:
    """Return a number of bytes as text for people: `512 B`, `18 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"  # noqa: PLR2004
        size /= 1000
    return f"{size:.1f} TB"
