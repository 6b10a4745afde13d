"""`Format`: the functions that read and write one kind of file."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, NamedTuple

Loader = Callable[[IO[bytes]], Any]
Dumper = Callable[[Any, IO[bytes]], object]
Mapper = Callable[[str], Any]


class Format(NamedTuple):
    """The functions that read and write one kind of file."""

    load: Loader
    #: Raises `UnsupportedValue` for what `load` would not give back unchanged.
    dump: Dumper
    #: Opens a local file by its path without reading it whole, if the format can.
    map: Mapper | None = None
    #: Whether reading a file runs code that is in it.
    runs_code: bool = False
