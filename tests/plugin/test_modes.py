"""The modes that a session and a test run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import prefectx
from pytest_prefectx import modes

if TYPE_CHECKING:
    from collections.abc import Callable

    from example import Example

USES_MODE = "def test_it(prefectx_mode): pass"
THERE_ARE = "The modes are: function, cache, prefect.skip, prefect.cache, prefect, all."


def test_the_plugin_knows_the_same_modes_as_the_library() -> None:
    """The plugin's copy of the names does not drift from `prefectx.MODES`."""
    assert modes.MODES == prefectx.MODES


def test_option_beats_environment_beats_ini_beats_default(
    example: Callable[..., Example],
) -> None:
    """Each source is looked at only if the stronger ones say nothing, and the header names it."""
    project = example(USES_MODE)
    project.run().ends(passed=2).says("prefectx: modes=function,cache (from default)")
    with (project.folder / "pytest.ini").open("a") as ini:
        ini.write("prefectx_mode = prefect, cache")
    ini_rules = "prefectx: modes=prefect,cache (from ini prefectx_mode)"
    project.run("--collect-only").says(ini_rules)
    project.environment["PREFECTX_MODE"] = ""
    project.run("--collect-only").says(ini_rules)
    project.environment["PREFECTX_MODE"] = "cache"
    project.run("--collect-only").says("prefectx: modes=cache (from $PREFECTX_MODE)")
    run = project.run("--prefectx-mode=function").ends(passed=1)
    run.says("prefectx: modes=function (from --prefectx-mode)")


def test_all_means_every_mode_and_duplicates_are_dropped(example: Callable[..., Example]) -> None:
    """The order in which modes are named is the order in which they run."""
    example(USES_MODE).run("--collect-only", "-q", "--prefectx-mode=prefect, all").lists(
        "test_it[prefect]",
        "test_it[function]",
        "test_it[cache]",
        "test_it[prefect.skip]",
        "test_it[prefect.cache]",
    )


def test_an_unknown_mode_ends_the_session_at_its_start(example: Callable[..., Example]) -> None:
    """The message names the source, the nearest mode and all modes; exit code 4."""
    project = example(USES_MODE, ini="prefectx_mode = Cache")
    project.run().refuses(
        f"unknown mode 'Cache' (from ini prefectx_mode). Did you mean 'cache'? {THERE_ARE}"
    )
    project.run("--prefectx-mode=").refuses(f"no mode (from --prefectx-mode). {THERE_ARE}")
    project.environment["PREFECTX_MODE"] = "function,zzz"
    project.run().refuses(f"unknown mode 'zzz' (from $PREFECTX_MODE). {THERE_ARE}")
    project.run("-n2", "--prefectx-mode=prefect.skp").refuses(
        f"unknown mode 'prefect.skp' (from --prefectx-mode). Did you mean 'prefect.skip'?"
        f" {THERE_ARE}"
    )


def test_option_and_markers_are_described_where_pytest_describes_them(
    example: Callable[..., Example],
) -> None:
    project = example()
    project.run("--help").says("prefectx:", "*--prefectx-mode=MODE*", "*prefectx_mode (args):*")
    project.run("--markers").says("@pytest.mark.prefectx([*]modes): *", "*prefectx_server: *")


def test_items_are_grouped_by_mode(example: Callable[..., Example]) -> None:
    """All tests of one mode run before the next mode, so that Prefect's come in one go."""
    project = example(
        test_a="""
        import pytest

        def test_fixture(prefectx_mode): pass

        @pytest.mark.prefectx
        def test_marker(): pass
        """,
        test_b="""
        import pytest

        @pytest.fixture
        def indirectly(prefectx_mode): pass

        class TestIt:
            @pytest.mark.prefectx("cache")
            @pytest.mark.parametrize("x", [1, 2])
            def test_only_cache(self, x): pass

            def test_indirect(self, indirectly): pass
        """,
    )
    project.run("--collect-only", "-q").lists(
        "test_fixture[function]",
        "test_marker[function]",
        "TestIt::test_indirect[function]",
        "test_fixture[cache]",
        "test_marker[cache]",
        "TestIt::test_only_cache[cache-1]",
        "TestIt::test_only_cache[cache-2]",
        "TestIt::test_indirect[cache]",
    )


def test_the_marker_restricts_and_never_widens(example: Callable[..., Example]) -> None:
    """Markers of class and function are both obeyed; no mode left is one skip with its reason."""
    project = example(
        """
        import pytest

        @pytest.mark.prefectx("function", "prefect")
        class TestIt:
            def test_one(self): pass

            @pytest.mark.prefectx
            def test_bare(self): pass

            @pytest.mark.prefectx("cache")
            def test_none(self): pass
        """
    )
    run = project.run("-v", "-rs", "--strict-markers", "--strict-config")
    run.ends(passed=2, skipped=1).exits(0).starts_servers(0).says(
        "*test_one?function? PASSED*",
        "*test_bare?function? PASSED*",
        "SKIPPED *marked for cache and function,prefect, but prefectx runs modes=function,*",
    )


def test_what_needs_a_server_is_left_out_by_its_mark(example: Callable[..., Example]) -> None:
    """Items of Prefect modes bear it, and those that use the server in any mode, through others."""
    project = example(
        """
        import pytest

        @pytest.fixture
        def indirectly(prefect_client): pass

        def test_each(prefectx_mode): pass

        def test_server(prefect_server): pass

        def test_client(indirectly): pass

        @pytest.mark.prefectx("cache")
        def test_both(prefect_server): pass
        """
    )
    select = ("--collect-only", "-q", "--prefectx-mode=cache,prefect.skip", "-m")
    project.run(*select, "prefectx_server").lists(
        "test_both[cache]", "test_each[prefect.skip]", "test_server", "test_client"
    )
    project.run(*select, "not prefectx_server").lists("test_each[cache]")


def test_a_mistaken_marker_is_an_error_at_collection(example: Callable[..., Example]) -> None:
    """The message names the test, without a traceback."""
    project = example(
        test_name="import pytest\n@pytest.mark.prefectx('cahce')\ndef test_it(): pass",
        test_keyword="import pytest\n@pytest.mark.prefectx(mode='cache')\ndef test_it(): pass",
        test_plural="import pytest\n@pytest.mark.prefectx(1)\ndef test_it(prefectx_modes): pass",
    )
    run = project.run("--strict-markers").exits(2).ends(error=3).never_says("*Traceback*")
    run.says(
        "test_keyword.py::test_it: @pytest.mark.prefectx takes only the names of modes, not mode=",
        "test_name.py::test_it: unknown mode 'cahce' (from @pytest.mark.prefectx). Did you *",
        "test_plural.py::test_it: unknown mode 1 (from @pytest.mark.prefectx). The modes are: *",
    )


def test_the_mode_is_in_force_for_the_item_its_fixtures_and_its_processes(
    example: Callable[..., Example],
) -> None:
    """`PREFECTX` is the item's mode from the set-up to the tear-down, then what it was before."""
    project = example(
        """
        import os, subprocess, sys
        import prefectx, pytest

        def in_a_subprocess():
            code = "import prefectx; print(prefectx.current_mode())"
            return subprocess.check_output([sys.executable, "-c", code], text=True).strip()

        @pytest.fixture
        def around():
            before = prefectx.current_mode()
            yield before
            assert prefectx.current_mode() == before

        def test_any_other(around):
            assert around == prefectx.current_mode() == in_a_subprocess() == "cache"

        def test_each(around, prefectx_mode):
            assert around == prefectx.current_mode() == prefectx_mode == in_a_subprocess()
        """,
        conftest="""
        import os

        def pytest_unconfigure():
            print("\\nafterwards:", os.environ["PREFECTX"])
        """,
        env={"PREFECTX": "prefect"},
    )
    run = project.run("--prefectx-mode=cache,function")
    run.ends(passed=3).says("afterwards: prefect")


def test_what_cannot_be_generated_runs_once_in_the_first_mode(
    example: Callable[..., Example],
) -> None:
    """Classes of unittest, doctests and asynchronous tests behave as without the plugin."""
    project = example(
        '''
        """
        >>> import os; os.environ["PREFECTX"]
        'cache'
        """
        import os, unittest
        import pytest

        class TestIt(unittest.TestCase):
            def setUp(self): self.mode = os.environ["PREFECTX"]

            def test_plain(self): assert self.mode == "cache"

            @pytest.mark.prefectx("function")
            def test_marked(self): assert self.mode == "function"

            @pytest.mark.prefectx("prefect")
            def test_nowhere(self): assert False

            @pytest.mark.prefectx("nonsense")
            def test_nonsense(self): assert False

        @pytest.mark.usefixtures("prefectx_mode")
        class TestFixture(unittest.TestCase):
            def test_it(self): assert os.environ["PREFECTX"] == "cache"

        @pytest.mark.asyncio
        async def test_asyncio(prefectx_mode): assert os.environ["PREFECTX"] == prefectx_mode

        @pytest.mark.anyio
        async def test_anyio(prefectx_mode): assert os.environ["PREFECTX"] == prefectx_mode

        @pytest.fixture
        def anyio_backend(): return "asyncio"
        '''
    )
    run = project.run("-rsE", "--doctest-modules", "--prefectx-mode=cache,function")
    run.ends(passed=8, skipped=1, error=1).says(
        "*TestIt::test_nonsense: unknown mode 'nonsense' (from @pytest.mark.prefectx)*",
        "SKIPPED *marked for prefect, but prefectx runs modes=cache,function*",
    )
