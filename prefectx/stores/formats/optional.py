"""Packages that a format needs, and files whose content they cannot read."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final

from prefectx.errors import MissingExtra, UntrustedTarget

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefectx.stores.formats.format import Loader

# Packages that an extra of prefectx installs; the others are installed by their own name.
_EXTRAS: Final = {
    "pandas": '"prefectx[tables]"',
    "pyarrow": '"prefectx[tables]"',
    "zstandard": '"prefectx[pickle]"',
}


def library(module: str, package: str = "") -> Any:
    """Import a package that a format is built on.

    Args:
        module: The module to import, as in `"PIL.Image"`.
        package: What pip calls it, if not as its module.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        wanted = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != wanted:
            raise
        install = _EXTRAS.get(wanted) or package or wanted
        msg = f"this target's format needs {wanted}: pip install {install}"
        raise MissingExtra(msg) from error


def in_memory(decode: Callable[[BytesIO], Any]) -> Loader:
    """Return a loader that has the whole file in memory before it decodes it.

    Some libraries raise an OSError for what is wrong with the content. Here it can mean nothing
    else, so it becomes a ValueError: the file is corrupt, not the disk away.
    """

    def load(file: IO[bytes]) -> Any:
        content = BytesIO(file.read())
        try:
            return decode(content)
        except UntrustedTarget:
            raise
        except OSError as error:
            raise ValueError(str(error)) from error

    return load
