"""Tests from real runs: recorded calls, frozen calls, and the list of a flow's calls."""

from __future__ import annotations

from pytest_prefectx.replay.frozen import FrozenCall, freeze, frozen_calls
from pytest_prefectx.replay.history import CallsDiffer, History
from pytest_prefectx.replay.inline import register_inline_formats
from pytest_prefectx.replay.recorded import NotReplayed, OutputDiffers, RecordedCall, recorded_calls

for _public in (
    *(CallsDiffer, FrozenCall, History, NotReplayed, OutputDiffers, RecordedCall),
    *(freeze, frozen_calls, recorded_calls, register_inline_formats),
):
    _public.__module__ = __name__

__all__ = [
    "CallsDiffer",
    "FrozenCall",
    "History",
    "NotReplayed",
    "OutputDiffers",
    "RecordedCall",
    "freeze",
    "frozen_calls",
    "recorded_calls",
    "register_inline_formats",
]
