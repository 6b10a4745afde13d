"""What is said of a target that the operating system did not let be written."""

from __future__ import annotations

import errno
from typing import Final

_FULL: Final = "Make room for it"
_FORBIDDEN: Final = "Let this user write to its folder"
_TAKEN: Final = "Move what is in its way, or choose another target"

_ADVICE: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.ENOTDIR: _TAKEN,
    errno.EISDIR: _TAKEN,
    errno.ELOOP: "Remove the symbolic link that lies there",
    errno.ENOENT: "Its folder was removed while it was written: leave it there",
}


def note_unwritten(error: OSError, what: str, path: str) -> None:
    """Add to an error what was not written, where, and what to do about it.

    Args:
        error: What the operating system said; it stays as it is but for the note.
        what: What was not written, as in `"Target 'a/b'"`.
        path: Its full path.
    """
    # numpy counts what it could write, and does not say what the system said.
    is_cut = error.errno is None and "requested and" in str(error)
    advice = _FULL if is_cut else _ADVICE.get(error.errno or 0, "See to the cause above")
    error.add_note(f"{what} was not written ({path!r}). {advice}, then call the task again.")
