"""Harm that a `ModeMachine` does to targets, and what it needs to judge the outcome."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from unittest.mock import patch

from prefectx.stores import formats
from prefectx.stores.folders.base import RESERVED
from pytest_prefectx.harm import cut_short

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from prefectx.stores.formats.format import Format


def still_reads(target: str, content: bytes) -> bool:
    """Tell whether the target's format takes this for an output."""
    # The format is asked, not the store: a store that hides what a format says is a bug to find.
    try:
        formats.format_of(target).load(BytesIO(content))
    except (MemoryError, OSError):
        return True  # these mean the machine that it runs on, not the file
    except Exception:  # noqa: BLE001 - a format may fail in any way
        return False
    return True


def put_unfinished(path: Path) -> Path:
    """Put half of a target beside it, under such a name as a write in progress has."""
    unfinished = path.with_name(f"{RESERVED}-{os.getpid()}-{'0' * 12}.tmp")
    unfinished.write_bytes(cut_short(path.read_bytes()))
    return unfinished


@contextmanager
def full_disk(room: int) -> Generator[list[BaseException]]:
    """Let outputs that a `Filestore` writes fail halfway, but for the first few; give failures.

    Args:
        room: How many are written before the disk is full.
    """
    failures: list[BaseException] = []
    written: list[str] = []

    def of_full_disk(target: str, whole_format: Format) -> Format:
        def dump_half(value: Any, file: IO[bytes]) -> None:
            whole = BytesIO()
            whole_format.dump(value, whole)
            if len(written) < room:
                written.append(target)
                file.write(whole.getvalue())
                return
            file.write(cut_short(whole.getvalue()))
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            failures.append(error)
            raise error

        return whole_format._replace(dump=dump_half)

    with formats.wrapped_formats(of_full_disk):
        yield failures


@contextmanager
def noted(kind: type[Exception]) -> Generator[list[BaseException]]:
    """Give a list of the exceptions of this kind that are raised, also if they are caught."""
    raised: list[BaseException] = []

    def __init__(self: BaseException, *args: object) -> None:  # noqa: N807 - it becomes one
        raised.append(self)
        BaseException.__init__(self, *args)

    with patch.object(kind, "__init__", __init__):
        yield raised
