"""Functions are read as `inspect` reads them, without importing it."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest

from prefectx._values.functions import (
    NO_DEFAULT,
    is_async_generator_function,
    is_coroutine_function,
    is_generator_function,
    parameters_of,
)


def plain(a: int, b: int = 1, /, c: int = 2, *, d: int, e: int = 3) -> int:
    return a + b + c + d + e


def starred(a: int, *args: int, b: int = 1, **kwargs: int) -> Any:
    return a, args, b, kwargs


def none_at_all() -> None:
    local = 1
    assert local


def defaults_only(a: int = 1, b: int = 2) -> int:
    return a + b


@functools.wraps(plain)
def wrapper(*args: Any, **kwargs: Any) -> Any:
    return plain(*args, **kwargs)


def generator() -> Any:
    yield 1


async def coroutine() -> None: ...


async def async_generator() -> Any:
    yield 1


FUNCTIONS = [
    *(plain, starred, none_at_all, defaults_only, wrapper, lambda x, y=1: (x, y), len),
    functools.partial(plain, 1, d=2),
]
KINDS = [
    *(plain, wrapper, generator, coroutine, async_generator),
    functools.partial(generator),
    functools.partial(coroutine),
    functools.partial(async_generator),
]


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda fn: getattr(fn, "__name__", "partial"))
def test_parameters_are_those_of_inspect(fn: Any) -> None:
    expected = inspect.signature(fn).parameters
    found = parameters_of(fn)
    assert list(found) == list(expected)
    for name, parameter in expected.items():
        default = NO_DEFAULT if parameter.default is parameter.empty else parameter.default
        assert (found[name].kind, found[name].default) == (parameter.kind, default)


@pytest.mark.parametrize("fn", KINDS)
def test_kinds_are_those_of_inspect(fn: Any) -> None:
    assert is_coroutine_function(fn) == inspect.iscoroutinefunction(fn)
    assert is_generator_function(fn) == inspect.isgeneratorfunction(fn)
    assert is_async_generator_function(fn) == inspect.isasyncgenfunction(fn)
