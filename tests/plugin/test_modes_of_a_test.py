"""`prefectx_modes`: one item that goes through its modes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

# Every kind of test that can have an argument, and tasks to run in each mode.
TESTS = """
import os
import pytest
from hypothesis import given, settings, strategies as st
from prefectx import flow, load, task, use_mode

EACH = ("cache", "prefect.skip", "function")

@task
def double(x): return 2 * x

@flow
def triple(x): return load(double(x)) + x

def agree(modes, x):
    for mode in modes:
        with use_mode(mode):
            assert triple(x) == 3 * x

def test_plain(prefectx_modes, tmp_target):
    assert prefectx_modes == EACH
    assert os.environ["PREFECTX"] == "cache"
    assert "PREFECT_API_URL" in os.environ
    agree(prefectx_modes, 3)

@pytest.mark.prefectx("prefect.skip", "cache", "prefect")
def test_marked(prefectx_modes): assert prefectx_modes == EACH[:2]

@pytest.mark.prefectx("function")
def test_first(prefectx_modes):
    assert prefectx_modes == ("function",)
    assert os.environ["PREFECTX"] == "function"

@pytest.mark.prefectx("prefect.cache")
def test_none(prefectx_modes): assert False

@pytest.mark.asyncio
async def test_asyncio(prefectx_modes): assert prefectx_modes == EACH

@pytest.fixture
def anyio_backend(): return "asyncio"

@pytest.mark.anyio
async def test_anyio(prefectx_modes): assert prefectx_modes == EACH

@given(x=st.integers())
@settings(max_examples=3, deadline=None)
def test_given(prefectx_modes, tmp_target_factory, x):
    with tmp_target_factory():
        agree(prefectx_modes, x)

@pytest.fixture
def indirectly(prefectx_modes): return prefectx_modes

class TestClass:
    @pytest.mark.parametrize("x", [1, 2])
    def test_indirect(self, indirectly, x): assert indirectly == EACH

@pytest.mark.prefectx("cache", "function")
def test_both(prefectx_mode, prefectx_modes):
    assert set(prefectx_modes) == {"cache", "function"}
    assert os.environ["PREFECTX"] == prefectx_mode
"""

MODES = "--prefectx-mode=cache,prefect.skip,function"


def test_a_test_of_any_kind_gets_its_modes_with_the_server_running(
    example: Callable[..., Example],
) -> None:
    """Hypothesis has no objection, and a test without any mode is skipped with its reason."""
    project = example(TESTS, ini="filterwarnings =\n    error\n    ignore::DeprecationWarning\n")
    run = project.run(MODES, "-v", "-rs", "--strict-markers").starts_servers(1)
    run.ends(passed=10, skipped=1).says(
        "SKIPPED *marked for prefect.cache, but prefectx runs modes=cache,prefect.skip,function*"
    )


def test_each_is_one_item_whose_mark_says_whether_it_needs_a_server(
    example: Callable[..., Example],
) -> None:
    """Its name has no mode in it, unless the test is run once a mode as well."""
    project = example(TESTS)
    collect = ("--collect-only", "-q", MODES)
    project.run(*collect, "-m", "prefectx_server").lists(
        "test_plain",
        "test_asyncio",
        "test_anyio",
        "test_given",
        "TestClass::test_indirect[1]",
        "TestClass::test_indirect[2]",
        "test_marked",
    )
    project.run(*collect, "-m", "not prefectx_server").lists(
        "test_first", "test_none", "test_both[cache]", "test_both[function]"
    )


def test_no_server_is_started_for_plain_modes(example: Callable[..., Example]) -> None:
    run = example(TESTS).run("--prefectx-mode=function,cache", "-k", "first or both or none")
    run.ends(passed=3, skipped=1, deselected=7).starts_servers(0)


def test_what_has_no_arguments_is_told_that_it_cannot_have_them(
    example: Callable[..., Example],
) -> None:
    project = example(
        """
        import unittest
        import pytest

        @pytest.mark.usefixtures("prefectx_modes")
        class TestIt(unittest.TestCase):
            def test_it(self): pass

        def test_late(request): request.getfixturevalue("prefectx_modes")
        """
    )
    only = "the fixture prefectx_modes works only as an argument *not with unittest.TestCase*"
    project.run().ends(failed=1, error=1).exits(1).says(only, only)
