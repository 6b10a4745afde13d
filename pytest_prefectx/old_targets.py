"""`OldTarget`: the warning that a test used outputs that were there before the session."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN: Final = "prefectx._calls.run"
_RUN_BLOCK: Final = "prefectx._runners.run_block"
_SHOWN: Final = 3


class OldTarget(pytest.PytestWarning):
    """A test skipped a call because of a target that is older than the session of pytest.

    Example:
        >>> import pytest
        >>> @pytest.mark.filterwarnings("ignore::pytest_prefectx.OldTarget")
        ... def test_report_of_the_real_data() -> None: ...
    """

    __module__ = "pytest_prefectx"


class OldTargets:
    """Looks, during one test, for skipped calls whose targets are older than the session.

    Args:
        start: The time at which the session has started.
    """

    def __init__(self, start: float) -> None:
        self._start: Final = start
        # For each task the first of its old targets.
        self._found: Final[dict[str, str]] = {}
        # Imports within the test itself are not watched: they are rare, and imports cost time.
        self._listeners: Final = _attribute(_RUN_BLOCK, "run_end_listeners")
        self._outside: Final = _attribute(_RUN, "OUTSIDE")
        if self._outside is not None:
            # The claims of earlier tests are not this test's.
            self._outside.forget()
        self._before: Final = _skipped(self._outside)
        if self._listeners is not None:
            self._listeners.append(self._look)

    def warn(self, item: pytest.Item) -> None:
        """Warn of what was found so far, at the test's line."""
        self._look(self._outside, self._before)
        if self._found:
            message = _message(self._found)
            # A plugin that repeats a failed test tears it down more than once.
            self._found.clear()
            item.warn(OldTarget(message))

    def close(self) -> None:
        """End the search."""
        if self._listeners is not None:
            self._listeners.remove(self._look)

    def _look(self, run: Any, before: dict[str, int] | None = None) -> None:
        """Search the targets of the tasks whose calls a run has skipped."""
        known = before or {}
        tasks = {name for name, count in _skipped(run).items() if count > known.get(name, 0)}
        if not tasks:
            return
        for task, path in run.paths_by_task():
            if task in tasks and task not in self._found and self._is_old(path):
                self._found[task] = path

    def _is_old(self, path: str) -> bool:
        try:
            # A copy has the old time of modification, but it is new.
            return os.stat(path).st_ctime < self._start
        except (OSError, ValueError):
            # Targets of other stores are no files.
            return False


def _attribute(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)


def _skipped(run: Any) -> dict[str, int]:
    if run is None:
        return {}
    return {name: line.skipped for name, line in run.report.lines() if line.skipped}


def _message(found: dict[str, str]) -> str:
    tasks = "\n".join(f"  {line}" for line in _lines(found))
    return (
        "the test used outputs from before this session of pytest, so these tasks did not run:\n"
        f"{tasks}\n"
        "Give the test the fixture tmp_target: it then starts in a fresh folder. If the old outputs"
        " are wanted, mark it with filterwarnings('ignore::pytest_prefectx.OldTarget')."
    )


def _lines(found: dict[str, str]) -> Iterator[str]:
    for task, path in list(found.items())[:_SHOWN]:
        yield f"{task.rpartition('.')[2]}: {os.path.basename(path)} in {_folder(path)}/"
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN} more"


def _folder(path: str) -> str:
    folder = os.path.dirname(path)
    inside = os.path.relpath(folder)
    return folder if inside.startswith("..") else inside
