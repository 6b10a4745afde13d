"""Images of Pillow as `.png`."""

from __future__ import annotations

from typing import IO, Any, Final

from prefectx._types import type_of
from prefectx.stores.formats.format import Format
from prefectx.stores.formats.optional import in_memory, library
from prefectx.stores.formats.round_trip import other_type, proving


def _write_png(value: Any, file: IO[bytes]) -> None:
    value.save(file, format="PNG")


def _read_png(file: IO[bytes]) -> Any:
    with library("PIL.Image", "pillow").open(file, formats=["PNG"]) as image:
        # A copy is a plain Image with its pixels in memory, not one that knows its file.
        return image.copy()


def _judge(value: Any, back: Any) -> str | None:
    if value.mode != back.mode:
        return f"the image's mode, {value.mode}, into {back.mode}"
    if value.size != back.size:
        return f"the image's size, {value.size}, into {back.size}"
    if found := _judge_info(value.info, back.info):
        return found
    if value.palette is not None and (
        value.palette.mode != back.palette.mode or value.getpalette() != back.getpalette()
    ):
        return "the image's palette"
    if dict(value.getexif()) != dict(back.getexif()):
        return "the image's EXIF data"
    return None if value.tobytes() == back.tobytes() else "the image's pixels"


def _judge_info(old: dict[Any, Any], new: dict[Any, Any]) -> str | None:
    for key in {**old, **new}:
        if key not in new:
            return f"the image's info[{key!r}], which it leaves out"
        if key not in old or type_of(old[key]) is not type_of(new[key]) or old[key] != new[key]:
            return f"the image's info[{key!r}]"
    return None


_proven: Final = proving(".png", _write_png, _read_png, _judge)


def _dump_png(value: Any, file: IO[bytes]) -> None:
    if type_of(value) is not library("PIL.Image", "pillow").Image:
        takes = "a PIL.Image.Image itself, such as image.copy() gives"
        raise other_type(".png", takes, value)
    _proven(value, file)


PNG: Final = Format(in_memory(_read_png), _dump_png)
