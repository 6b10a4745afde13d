"""Whether two values can be told apart, and where."""

from pytest_prefectx.equality.comparison import difference, identical, register_identical
from pytest_prefectx.equality.kinds import Difference

__all__ = ["Difference", "difference", "identical", "register_identical"]
