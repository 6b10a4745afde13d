"""Files on S3 with the note that they carry as metadata, in one answer."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

NOTE: Final = "prefectx-record"
"""The name of the metadata."""


def content_and_note(system: Any, key: str) -> tuple[bytes, str]:
    """Return the content of a file on S3 and its note, "" if it has none, of one moment.

    Args:
        system: An s3fs file system. Its public methods return either, never both.
        key: The file's bucket and key.
    """
    asyn: Any = import_module("fsspec.asyn")
    found: tuple[bytes, str] = asyn.sync(system.loop, _ask, system, key)
    return found


async def _ask(system: Any, key: str) -> tuple[bytes, str]:
    core: Any = import_module("s3fs.core")
    bucket, name, _ = system.split_path(key)

    async def call_and_read() -> tuple[bytes, str]:
        answer = await system._call_s3("get_object", Bucket=bucket, Key=name)
        try:
            content: bytes = await answer["Body"].read()
        finally:
            answer["Body"].close()
        # Some servers spell it with an underscore.
        notes = {found.replace("_", "-"): text for found, text in answer["Metadata"].items()}
        return content, notes.get(NOTE, "")

    found: tuple[bytes, str] = await core._error_wrapper(call_and_read, retries=system.retries)
    return found
