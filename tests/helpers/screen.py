"""A terminal for tests: a pseudo terminal, and what a person sees on its screen."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from typing import Final

_PARTS: Final = re.compile(r"\x1b\[(\d*)([A-Za-z])|(.)", re.DOTALL)


class Screen:
    """A pseudo terminal of 80 columns and many rows.

    Attributes:
        slave: The descriptor that a process writes to.
    """

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        #: All that was written, with the control sequences.
        self.written = ""

    def wait_for(self, text: str, times: int = 1, patience: float = 30) -> None:
        """Wait until a text was written so many times."""
        deadline = time.monotonic() + patience
        while self.written.count(text) < times:
            left = deadline - time.monotonic()
            if left <= 0:
                msg = f"{text!r} was not written {times} times:\n{self.written}"
                raise TimeoutError(msg)
            self.read(left)

    def read(self, patience: float = 0) -> None:
        """Read what was written."""
        while select.select([self._master], [], [], patience)[0]:
            patience = 0
            try:
                data = os.read(self._master, 65536)
            except OSError:
                # All processes have closed the terminal.
                return
            self.written += data.decode()

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._master, text.encode())

    def lines(self) -> list[str]:
        """Return the lines on the screen, without those that are empty."""
        self.read()
        rows: list[list[str]] = [[]]
        row = column = 0
        for number, command, letter in _PARTS.findall(self.written):
            if command == "A":
                row = max(0, row - int(number or 1))
            elif command == "J":
                del rows[row][column:], rows[row + 1 :]
            elif letter == "\r":
                column = 0
            elif letter == "\n":
                row += 1
                if row == len(rows):
                    rows.append([])
            elif letter:
                line = rows[row]
                line.extend(" " * (column - len(line)))
                line[column : column + 1] = [letter]
                column += 1
        return [text for text in ("".join(line).rstrip() for line in rows) if text]

    def close(self) -> None:
        """Close the terminal."""
        os.close(self._master)
        os.close(self.slave)
