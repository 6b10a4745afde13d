"""Whether two values can be told apart, and where."""

from pytest_prefectx.equality.comparison import difference, identical, register_identical
from pytest_prefectx.equality.kinds import Difference

__all__ = ["Difference", "difference", "identical", "register_identical"]

# Where users import them from: in tracebacks, in pickles, in the help.
for _public in (difference, identical, register_identical):
    _public.__module__ = "pytest_prefectx"
