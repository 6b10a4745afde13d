"""Damage to targets by a `ModeMachine`, and helpers to check the outcome."""

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
    """Tell whether the target's format can load this content."""
    # By the format, not the store: a store that hides an error of the format has a bug.
    try:
        formats.format_of(target).load(BytesIO(content))
    except (MemoryError, OSError):
        return True  # these errors come from the machine, not from the file
    except Exception:  # noqa: BLE001 - a format may fail in any way
        return False
    return True


def write_unfinished(path: Path) -> Path:
    """Write half of a target beside it, under the name of a temporary file."""
    unfinished = path.with_name(f"{RESERVED}-{os.getpid()}-{'0' * 12}.tmp")
    unfinished.write_bytes(cut_short(path.read_bytes()))
    return unfinished


@contextmanager
def full_disk(room: int) -> Generator[list[BaseException]]:
    """Let writes of a `Filestore` fail halfway, except the first few; yield the errors.

    Args:
        room: The number of outputs before the disk is full.
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
def record_exceptions(kind: type[Exception]) -> Generator[list[BaseException]]:
    """Yield a list of all exceptions of a class that are raised, even if they are caught."""
    raised: list[BaseException] = []

    def __init__(self: BaseException, *args: object) -> None:  # noqa: N807 - it replaces one
        raised.append(self)
        BaseException.__init__(self, *args)

    with patch.object(kind, "__init__", __init__):
        yield raised
