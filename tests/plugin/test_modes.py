"""Which modes a session and a test run in."""

from __future__ import annotations

import pytest

import prefectx
from pytest_prefectx import modes

USES_MODE = "def test_it(prefectx_mode): pass"


def collected(result: pytest.RunResult) -> list[str]:
    """Return the items' names in the order in which they would run."""
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def refusal(result: pytest.RunResult) -> str:
    """Return what pytest said when it refused to start."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    return result.stderr.str().strip()


def test_the_plugin_knows_the_same_modes_as_the_library() -> None:
    """The plugin's copy of the names does not drift from `prefectx.MODES`."""
    assert modes.MODES == prefectx.MODES


def test_option_beats_environment_beats_ini_beats_default(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each source is looked at only if the stronger ones say nothing, and the header names it."""
    project.makepyfile(USES_MODE)
    run = project.runpytest_subprocess
    run().stdout.fnmatch_lines(["prefectx: modes=function,cache (from default)"])
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\nprefectx_mode = prefect, cache"
    project.makeini(ini)
    collect = "--collect-only"
    run(collect).stdout.fnmatch_lines(["prefectx: modes=prefect,cache (from ini prefectx_mode)"])
    monkeypatch.setenv("PREFECTX_MODE", "cache")
    run(collect).stdout.fnmatch_lines(["prefectx: modes=cache (from $PREFECTX_MODE)"])
    result = run("--prefectx-mode=function")
    result.stdout.fnmatch_lines(["prefectx: modes=function (from --prefectx-mode)"])
    result.assert_outcomes(passed=1)


def test_all_means_every_mode_and_duplicates_are_dropped(project: pytest.Pytester) -> None:
    """The order in which modes are named is the order in which they run."""
    project.makepyfile(USES_MODE)
    result = project.runpytest_subprocess("--collect-only", "-q", "--prefectx-mode=prefect, all")
    assert collected(result) == [
        "test_it[prefect]",
        "test_it[function]",
        "test_it[cache]",
        "test_it[prefect.skip]",
        "test_it[prefect.cache]",
    ]


def test_an_unknown_mode_ends_the_session_at_its_start(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the source, the nearest mode and all modes."""
    project.makepyfile(USES_MODE)
    there_are = "The modes are: function, cache, prefect.skip, prefect.cache, prefect, all."
    run = project.runpytest_subprocess
    assert refusal(run("--prefectx-mode=cash")) == (
        f"ERROR: unknown mode 'cash' (from --prefectx-mode). Did you mean 'cache'? {there_are}"
    )
    assert refusal(run("--prefectx-mode=")) == (
        f"ERROR: no mode given (from --prefectx-mode). {there_are}"
    )
    monkeypatch.setenv("PREFECTX_MODE", "function,zzz")
    assert refusal(run()) == f"ERROR: unknown mode 'zzz' (from $PREFECTX_MODE). {there_are}"


def test_items_are_grouped_by_mode(project: pytest.Pytester) -> None:
    """All tests of one mode run before the next mode, so that Prefect's come in one go."""
    project.makepyfile(
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
    result = project.runpytest_subprocess("--collect-only", "-q")
    assert collected(result) == [
        "test_fixture[function]",
        "test_marker[function]",
        "TestIt::test_indirect[function]",
        "test_fixture[cache]",
        "test_marker[cache]",
        "TestIt::test_only_cache[cache-1]",
        "TestIt::test_only_cache[cache-2]",
        "TestIt::test_indirect[cache]",
    ]


def test_the_marker_restricts_and_never_widens(project: pytest.Pytester) -> None:
    """Markers of class and function are both obeyed; no mode left is one skip with its reason."""
    project.makepyfile(
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
    result = project.runpytest_subprocess("-v", "-rs", "--strict-markers", "--strict-config")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*test_one?function? PASSED*",
            "*test_bare?function? PASSED*",
            "SKIPPED *marked for cache and function,prefect, but prefectx runs modes=function,*",
        ]
    )


def test_an_unknown_mode_in_a_marker_is_an_error_at_collection(project: pytest.Pytester) -> None:
    """The message names the test, without a traceback."""
    project.makepyfile(
        test_name="import pytest\n@pytest.mark.prefectx('cahce')\ndef test_it(): pass",
        test_keyword="import pytest\n@pytest.mark.prefectx(mode='cache')\ndef test_it(): pass",
    )
    result = project.runpytest_subprocess("--strict-markers")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "test_keyword.py::test_it: @pytest.mark.prefectx takes *modes only, not mode=",
            "test_name.py::test_it: unknown mode 'cahce' (from @pytest.mark.prefectx). Did you *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_mode_is_in_force_for_the_item_its_fixtures_and_its_processes(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PREFECTX` is the item's mode from the set-up to the tear-down, then what it was before."""
    monkeypatch.setenv("PREFECTX", "prefect")
    project.makeconftest(
        """
        import os

        def pytest_unconfigure():
            print("\\nafterwards:", os.environ["PREFECTX"])
        """
    )
    project.makepyfile(
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
        """
    )
    result = project.runpytest_subprocess("--prefectx-mode=cache,function")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["afterwards: prefect"])


def test_what_cannot_be_generated_runs_once_in_the_first_mode(project: pytest.Pytester) -> None:
    """Classes of unittest, doctests and asynchronous tests behave as without the plugin."""
    project.makepyfile(
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
    result = project.runpytest_subprocess(
        "-rsE", "--doctest-modules", "--prefectx-mode=cache,function"
    )
    result.assert_outcomes(passed=8, skipped=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*TestIt::test_nonsense: unknown mode 'nonsense' (from @pytest.mark.prefectx)*",
            "SKIPPED *marked for prefect, but prefectx runs modes=cache,function*",
        ]
    )
