"""Copies of values without the warnings of Python 3.12 and 3.13 that iterators can be copied."""

from __future__ import annotations

import copy
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


@contextmanager
def no_deprecations() -> Generator[None]:
    """Copy and pickle within this as if nothing were deprecated, also where warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def deep_copy(value: T) -> T:
    """Return a deep copy."""
    with no_deprecations():
        return copy.deepcopy(value)
