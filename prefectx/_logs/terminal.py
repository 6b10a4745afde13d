"""`Block`: lines at the end of the terminal's output that change in place, drawn with rich.

The cursor stays on an empty line above the block, so whatever others write begins there: nothing
is lost, also of processes that know nothing of the block. What this process itself writes to
standard output and standard error, by `print` or by loggers, first removes the block.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TextIO

from prefectx._words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_ERASE: Final = "\x1b[J"
_TO_LINE_ABOVE: Final = "\x1b[{}A"
_lock: Final = threading.RLock()


class Block:
    """Lines below a terminal's output.

    Args:
        console: The terminal, as rich sees it.
        stream: The stream that writes to it.
        others: Other streams that write to the same terminal.
    """

    def __init__(self, console: Console, stream: TextIO, others: Sequence[TextIO] = ()) -> None:
        self._console = console
        self._is_drawn = False
        #: Whether a person is answering `input`, or typing a command of a debugger.
        self.is_waiting = False
        self._open_lines: Final[set[int]] = set()
        self._watched: Final[list[TextIO]] = []
        self._write: Final[Any] = stream.write
        self._flush: Final[Any] = stream.flush
        for one in {id(one): one for one in (stream, *others)}.values():
            self._watch(one)

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines instead of those before, unless another line is being written."""
        from rich.text import Text

        shown = list(lines)
        room = self._console.size.height - 3
        if len(shown) > room > 0:
            shown = [*shown[: room - 1], f"  and {counted(len(shown) - room + 1, 'more line')}"]
        with _lock:
            if self._open_lines or self.is_waiting or _is_line_edited():
                return
            with self._console.capture() as captured:
                for line in shown:
                    self._console.print(Text(line), no_wrap=True, overflow="ellipsis")
            # The cursor's line stays empty for the next line of another process.
            up = _TO_LINE_ABOVE.format(len(shown) + 1)
            self._is_drawn = True
            self._send(f"{_ERASE}\n{captured.get()}{up}\r")

    def hide(self) -> None:
        """Remove the lines from the screen until they are drawn again."""
        with _lock:
            if self._is_drawn:
                self._is_drawn = False
                self._send(_ERASE)

    def close(self) -> None:
        """Remove the lines for good."""
        with _lock:
            self.hide()
            self.release()
            if _Terminal.block is self:
                _Terminal.block = None

    def release(self) -> None:
        """Leave the streams as they were."""
        for stream in self._watched:
            with suppress(AttributeError):
                del stream.write
        self._watched.clear()

    def _send(self, text: str) -> None:
        # The terminal may have gone.
        with suppress(OSError, ValueError):
            self._write(text)
            self._flush()

    def _watch(self, stream: TextIO) -> None:
        """Hide the block whenever a stream is written to.

        The stream itself is changed, since loggers hold it, whatever `sys.stderr` is later.
        """
        write, key = stream.write, id(stream)

        def write_below(text: str) -> int:
            with _lock:
                self.hide()
                if text:
                    ends = self._open_lines.discard if text[-1:] == "\n" else self._open_lines.add
                    ends(key)
                return write(text)

        with suppress(AttributeError, TypeError):
            stream.write = write_below  # type: ignore[method-assign]
            self._watched.append(stream)


class _Terminal:
    """The block on the terminal, if there is one."""

    block: Block | None = None
    hears_of_input = False


def open_block() -> Block | None:
    """Return a block on standard error; None without rich or where no lines can change in place."""
    stream: Any = sys.stderr
    if stream is None or not _is_terminal(stream):
        return None
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        return None
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal or console.is_dumb_terminal or console.legacy_windows:
        return None
    if not _Terminal.hears_of_input:
        _Terminal.hears_of_input = True
        sys.addaudithook(_hear)
    output: Any = sys.stdout
    others = [output] if output is not None and _is_terminal(output) else []
    _Terminal.block = Block(console, stream, others)
    return _Terminal.block


def hide_block() -> None:
    """Remove the block from the screen, if there is one, before the process is ended."""
    if _Terminal.block is not None:
        _Terminal.block.hide()


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def _hear(event: str, _: Any) -> None:
    """Keep the block away while `input`, which debuggers use too, waits for a person."""
    if event.startswith("builtins.input") and (block := _Terminal.block) is not None:
        block.is_waiting = event == "builtins.input"
        block.hide()


def _is_line_edited() -> bool:
    """Tell whether a prompt with line editing, such as IPython's, reads from the terminal."""
    try:
        import termios

        return not termios.tcgetattr(0)[3] & termios.ICANON
    except Exception:  # noqa: BLE001 - no terminal, or no such module: nobody can be asked
        return False


def _forget_block() -> None:
    """Leave the terminal to the parent process, whose thread draws the block."""
    _lock.release()
    block, _Terminal.block = _Terminal.block, None
    if block is not None:
        block.release()


if hasattr(os, "register_at_fork"):
    # While the block is drawn, the stream is locked; a copy of the process could never unlock it.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget_block
    )
