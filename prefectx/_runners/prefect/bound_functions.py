"""Functions of methods, bound to an object as Prefect binds functions.

Prefect sets the object as an attribute of the function that all objects share, so that a method
of one would run on another. Here each bound task and flow has a copy of the function.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any

from prefectx._runners.prefect.upgrade import attributes_of
from prefectx._values.references import function_in


def own_function(task: Any) -> Any:
    """Return the original function of a task or flow."""
    return function_in(task._original)


def bound_function(fn: Any, bound: Any) -> Any:
    """Return a copy of `fn` with the object of `bound`, a bound task or flow."""
    if not isinstance(fn, FunctionType):
        return fn
    is_class = isinstance(bound._original, classmethod)
    copied = copy_function(fn)
    setattr(copied, "__prefect_cls__" if is_class else "__prefect_self__", bound._bound[0])
    return copied


def has_owner(fn: Any) -> bool:
    """Tell whether Prefect passes a bound object as the function's first argument."""
    return hasattr(fn, "__prefect_self__") or hasattr(fn, "__prefect_cls__")


def copy_function(fn: FunctionType) -> Any:
    """Return a separate function that is the same in all but its identity."""
    other = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    other.__kwdefaults__ = fn.__kwdefaults__
    functools.update_wrapper(other, fn)
    # update_wrapper has set it, but the copy wraps nothing: Prefect would read another source.
    attributes_of(other).pop("__wrapped__")
    attributes_of(other).update(attributes_of(fn))
    return other
