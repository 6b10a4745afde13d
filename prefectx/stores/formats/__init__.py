"""The formats of files: each suffix has one, which writes values and reads them."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from prefectx.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefectx.stores.formats.format import Dumper, Format, Loader

_SUFFIX: Final = r"\.[A-Za-z][A-Za-z0-9]{0,9}$"
_SUFFIXES: Final = r"(\.[A-Za-z][A-Za-z0-9]{0,9}){1,2}"

# The modules of the formats: each is imported when a target first has its suffix.
_OURS: Final = {
    ".pkl": "pickles.PICKLE",
    ".pkl.gz": "compressed.GZIP",
    ".pkl.zst": "compressed.ZSTD",
    ".json": "text.JSON",
    ".txt": "text.TEXT",
    ".bytes": "text.BYTES",
    ".csv": "tables.PANDAS_CSV",
    ".polars.csv": "tables.POLARS_CSV",
    ".arrow.csv": "tables.ARROW_CSV",
    ".parquet": "tables.PARQUET",
    ".npy": "arrays.NPY",
    ".npz": "arrays.NPZ",
    ".zarr.zip": "arrays.ZARR",
    ".png": "images.PNG",
}
_PICKLE: Final = ".pkl"

_formats: Final[dict[str, Format]] = {}


def format_of(target: str) -> Format:
    """Return the format that the target's suffix picks; pickle if it picks none."""
    suffix = suffix_of(target) or _PICKLE
    form = _formats.get(suffix) or _format(suffix)
    return form if _wrap is None else _wrap(target, form)


_wrap: Callable[[str, Format], Format] | None = None


@contextmanager
def wrapped_formats(wrap: Callable[[str, Format], Format]) -> Generator[None]:
    """Have every store of this process use what `wrap` makes of a target's format: for tests.

    Args:
        wrap: Is given the target and its format.
    """
    global _wrap  # noqa: PLW0603 - threads that save meanwhile are meant as well
    before, _wrap = _wrap, wrap
    try:
        yield
    finally:
        _wrap = before


def suffix_of(target: str) -> str:
    """Return the longest ending of the target's name that picks a format, as `.pkl.gz`; or ""."""
    if "." not in target:
        return ""
    name = target[target.rfind("/") + 1 :]
    last = name.rfind(".")
    if last < 0:
        return ""
    before = name.rfind(".", 0, last)
    if before >= 0 and _is_known(name[before:]):
        return name[before:]
    return name[last:] if _is_known(name[last:]) else ""


def _is_known(suffix: str) -> bool:
    return suffix in _formats or suffix in _OURS


def _format(suffix: str) -> Format:
    module, _, name = _OURS[suffix].partition(".")
    found: Format = getattr(import_module(f"{__name__}.{module}"), name)
    return _formats.setdefault(suffix, found)


def check_suffix(literal: str, source: str) -> None:
    """Raise `TemplateError` if a template ends in a literal suffix that no format serves."""
    if "." not in literal or suffix_of(literal):
        return
    import re

    match = re.search(_SUFFIX, literal)
    if match is None:
        return
    known = sorted({*_formats, *_OURS})
    msg = (
        f"{source}: there is no format for {match.group()!r}. Use one of"
        f" {', '.join(known)}, add one with prefectx.stores.register_format, or let"
        " the function write the file itself with store=None."
    )
    raise TemplateError(msg)


def register_format(suffix: str, load: Loader, dump: Dumper) -> None:
    """Let targets that end in `suffix` be read by `load` and written by `dump`.

    Args:
        suffix: With its dot, as in `".ini"`, or of two parts, as in `".json.gz"`.
        load: Takes a binary file that is open for reading, returns the value.
        dump: Takes the value and a binary file that is open for writing. It must raise
            `UnsupportedValue` for a value that `load` would not give back unchanged.

    Raises:
        TemplateError: `suffix` is not a dot followed by letters and digits, once or twice.

    Example:
        >>> register_format(
        ...     ".upper",
        ...     load=lambda file: file.read().decode().lower(),
        ...     dump=lambda value, file: file.write(value.upper().encode()),
        ... )
    """
    import re

    if re.fullmatch(_SUFFIXES, suffix) is None:
        msg = (
            f"register_format: {suffix!r} is not a dot followed by at most ten letters and digits,"
            " or two of these"
        )
        raise TemplateError(msg)
    from prefectx.stores.formats.format import Format

    _formats[suffix] = Format(load, dump)
