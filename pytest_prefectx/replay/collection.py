"""pytest's collectors for recorded calls: one test for each call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from pytest_prefectx.replay.recorded import NotReplayed, OutputDiffers, recorded_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_prefectx.replay.recorded import RecordedCall

PER_TASK: Final = "prefectx_replay_per_task"


class ReplayFolder(pytest.Directory):
    """A folder of targets, each of which is a test."""

    def collect(self) -> Iterator[ReplayItem]:
        """Yield an item for each recorded call."""
        # As with `python -m pytest`, so that tasks can be imported by their names in records.
        here = str(self.config.invocation_params.dir)
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            calls = recorded_calls(self.path, self.config.getoption(PER_TASK))
        except FileNotFoundError as error:
            raise self.CollectError(str(error)) from None
        for call in calls:
            make: Any = cast("Any", ReplayItem).from_parent
            yield make(self, name=call.target, call=call)


class ReplayItem(pytest.Item):
    """A recorded call as a test: it must return the stored output."""

    def __init__(self, *, call: RecordedCall, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType] - pytest's
        self._call: Final = call

    def runtest(self) -> None:
        """Run the call again and compare."""
        try:
            self._call.check()
        except NotReplayed as why:
            pytest.skip(str(why))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the difference only, without this plugin's own lines."""
        if isinstance(excinfo.value, OutputDiffers):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return the path and the name of the target."""
        return self.path, None, f"replay of {self.name}"
