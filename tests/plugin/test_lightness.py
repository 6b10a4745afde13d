"""What the plugin costs those who do not use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLAIN = "def test_plain(): pass"


def test_a_plain_run_imports_nothing_heavy_and_makes_no_files(
    project: pytest.Pytester, leftovers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Prefect nor the library nor hypothesis is imported by the plugin."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.makeini("[pytest]")
    project.makepyfile(PLAIN)
    project.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            heavy = {"prefect", "prefectx", "hypothesis", "httpx", "distributed", "asyncio"}
            print("\\nimported:", sorted(heavy & sys.modules.keys()))
        """
    )
    result = project.runpytest_subprocess("-p", "pytest_prefectx.plugin")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["prefectx: modes=*", "imported: [[][]]"])
    assert list(leftovers.iterdir()) == []


def test_the_plugin_can_be_turned_off(project: pytest.Pytester) -> None:
    """`-p no:prefectx` leaves no option, no marker and no fixture."""
    project.makepyfile("import os\ndef test_plain(): assert 'PREFECTX' not in os.environ")
    result = project.runpytest_subprocess("-p", "no:prefectx")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*prefectx: modes*")
    result = project.runpytest_subprocess("-p", "no:prefectx", "--prefectx-mode=cache")
    result.stderr.fnmatch_lines(["*unrecognized arguments: --prefectx-mode=cache*"])
