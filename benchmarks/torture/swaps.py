"""A folder is swapped for a link that leads outside, again and again: what is written there?"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from forks import child_of, end_child
from report import Report

from prefectx.errors import PrefectxError, TargetMissing

if TYPE_CHECKING:
    from kills import MakeStore


def run(saves: int, make_store: MakeStore) -> Report:
    """Save that many outputs in a folder that another process swaps.

    Args:
        saves: How many.
        make_store: Returns the store below a folder.
    """
    with tempfile.TemporaryDirectory(prefix="torture-") as found:
        root, outside = Path(found, "root"), Path(found, "outside")
        (root / "out/safe").mkdir(parents=True)
        outside.mkdir()
        store = make_store(root, durable=False)
        child = child_of(lambda: _swap(root / "out", outside))
        saved: list[int] = []
        try:
            for number in range(saves):
                try:
                    store.save(f"out/safe/{number}", number)
                except (PrefectxError, OSError):
                    # The folder is away, or a link: it is refused.
                    continue
                saved.append(number)
        finally:
            end_child(child)
        lost = 0
        for number in saved:
            kept = [_value(store, f"out/{folder}/{number}") for folder in ("safe", "moved")]
            lost += number not in kept
        left = [*Path(found).rglob(".prefectx-*")]
        return Report(tried=saves, lost=lost, wrong=len(list(outside.iterdir())), left=len(left))


def _value(store: object, target: str) -> object:
    try:
        return store.load(target)  # type: ignore[attr-defined]
    except TargetMissing:
        return None


def _swap(folder: Path, outside: Path) -> NoReturn:
    safe, moved = folder / "safe", folder / "moved"
    while True:
        # A save may have made the folder anew meanwhile.
        try:
            os.rename(safe, moved)
            os.symlink(outside, safe)
            os.unlink(safe)
            os.rename(moved, safe)
        except OSError:
            _mend(safe, moved)


def _mend(safe: Path, moved: Path) -> None:
    """Bring what was saved meanwhile into one folder."""
    if not moved.is_dir():
        return
    safe.mkdir(exist_ok=True)
    for file in moved.iterdir():
        os.rename(file, safe / file.name)
    moved.rmdir()
