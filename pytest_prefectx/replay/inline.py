"""The formats of targets for inline-snapshot, whose external files then hold any output."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prefectx.errors import MissingExtra
from prefectx.stores import formats
from pytest_prefectx.agree.formatting import short_text
from pytest_prefectx.equality import identical

if TYPE_CHECKING:
    from pathlib import Path

# Those of one part, which inline-snapshot does not have. The first serves values of any type.
_SUFFIXES: Final = (".pkl", ".parquet", ".csv", ".npy", ".npz", ".png", ".bytes")


def register_inline_formats() -> None:
    """Register the formats of targets with inline-snapshot, for `external` and `external_file`.

    Call it in `conftest.py`. The outputs of frozen calls are then external files: `pytest
    --inline-snapshot=fix` writes those anew that differ. Two outputs are the same if they are
    `identical`. Let the external file be on the left: `assert external_file(call.file) ==
    call.run()`, because a data frame on the left would compare its cells.

    Raises:
        MissingExtra: inline-snapshot is not installed.
    """
    try:
        inline_snapshot: Any = import_module("inline_snapshot")
    except ModuleNotFoundError as error:
        if error.name != "inline_snapshot":
            raise
        msg = "register_inline_formats needs inline-snapshot: pip install inline-snapshot"
        raise MissingExtra(msg) from error
    for number, suffix in enumerate(_SUFFIXES, 1):
        inline_snapshot.register_format(
            _InlineFormat(suffix, -100 * number, inline_snapshot.BinaryDiff()), replace_handler=True
        )


class _InlineFormat:
    """A format of targets as inline-snapshot's `Format`.

    Args:
        suffix: The suffix.
        priority: Its place among the formats that can store a value; negative, so that those of
            inline-snapshot come first.
        show: Has inline-snapshot's methods to show the bytes of files.
    """

    def __init__(self, suffix: str, priority: int, show: Any) -> None:
        self.suffix: Final = suffix
        self.priority: Final = priority
        self.rich_diff: Final = show.rich_diff
        self.rich_show: Final = show.rich_show

    def is_format_for(self, value: object) -> bool:  # noqa: ARG002 - the protocol's name
        """Return True: what it cannot store, `encode` refuses."""
        return True

    def encode(self, value: Any, path: Path) -> None:
        """Write a value."""
        with path.open("wb") as file:
            formats.format_of(path.name).dump(value, file)

    def decode(self, path: Path) -> _Stored:
        """Read a value."""
        with path.open("rb") as file:
            return _Stored(formats.format_of(path.name).load(file))


class _Stored:
    """A stored value, which equals what is identical to it."""

    def __init__(self, value: Any) -> None:
        self._value: Final = value

    def __eq__(self, other: object) -> bool:
        return identical(self._value, other._value if isinstance(other, _Stored) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return short_text(self._value)
