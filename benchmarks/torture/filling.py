"""The child process of the torture, which saves outputs that prove themselves whole."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from prefectx.stores import Store

SUFFIXES = ("", ".pkl", ".json", ".bytes", ".npy")
FOLDERS = ("few", "many", "many/below")
TARGETS = [
    f"{folder}/{number}{suffix}" for folder in FOLDERS for number in range(8) for suffix in SUFFIXES
]
FIRST = [f"{folder}/first" for folder in FOLDERS]

_SIZES = (10, 1_000, 10_000, 100_000, 100_000, 1_000_000)


def value_for(target: str, seed: int) -> Any:
    """Return what the target holds after the save with this number."""
    drawn = random.Random(f"{target} {seed}")  # noqa: S311 - it must be the same again
    body = drawn.randbytes(drawn.choice(_SIZES))
    if target.endswith(".npy"):
        return np.frombuffer(seed.to_bytes(8, "big") + body, dtype=np.uint8)
    if target.endswith(".bytes"):
        return seed.to_bytes(8, "big") + body
    if target.endswith(".json"):
        return {"seed": seed, "body": body.hex()}
    return (seed, body)


def seed_in(target: str, value: Any) -> int | None:
    """Return with which number a value was saved; None if it is no such value, or not whole."""
    try:
        seed = _seed(target, value)
    except (TypeError, KeyError, IndexError, ValueError):
        return None
    expected = value_for(target, seed)
    if isinstance(expected, np.ndarray):
        return seed if np.array_equal(value, expected) else None
    return seed if value == expected else None


def _seed(target: str, value: Any) -> int:
    if target.endswith((".npy", ".bytes")):
        return int.from_bytes(bytes(value[:8]), "big")
    return int(value["seed"] if target.endswith(".json") else value[0])


def fill(store: Store, done: Path, seed: int) -> NoReturn:
    """Save outputs until somebody ends this process; append each to `done` once it is saved.

    Args:
        store: Where they are saved.
        done: A file of lines, each a target and the number of its save.
        seed: The number of the first save; each has a greater one.
    """
    drawn = random.Random(seed)  # noqa: S311 - torture can be repeated
    descriptor = os.open(done, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    names = list(FIRST)
    while True:
        target = names.pop(0) if names else drawn.choice(TARGETS)
        store.save(target, value_for(target, seed))
        os.write(descriptor, f"{target} {seed}\n".encode())
        seed += 1


def saved(done: Path) -> dict[str, int]:
    """Return which targets were reported as saved, each with the number of its latest save."""
    lines = done.read_text().splitlines(keepends=True) if done.exists() else []
    # The last line may have been cut short.
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {target: int(seed) for target, seed in whole}
