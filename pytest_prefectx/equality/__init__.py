"""Exact comparison of two values, and the place of the first difference."""

from pytest_prefectx.equality.comparison import difference, identical, register_identical
from pytest_prefectx.equality.kinds import Difference

__all__ = ["Difference", "difference", "identical", "register_identical"]

# The public module, for tracebacks, pickles and help.
for _public in (difference, identical, register_identical):
    _public.__module__ = "pytest_prefectx"
