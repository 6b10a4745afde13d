"""Says at the end how many defects were found and explained, and how many alarms were false."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed, failed = (
        [report.nodeid for report in terminalreporter.getreports(outcome)]
        for outcome in ("passed", "failed")
    )
    found = sum("::test_defect" in nodeid for nodeid in passed)
    missed = sum("::test_defect" in nodeid for nodeid in failed)
    silent = sum("::test_correct" in nodeid for nodeid in passed)
    alarms = sum("::test_correct" in nodeid for nodeid in failed)
    if found + missed + silent + alarms:
        terminalreporter.write_line(
            f"zoo: found and explained {found} of {found + missed};"
            f" false alarms {alarms} in {silent + alarms} tests of correct flows"
        )
