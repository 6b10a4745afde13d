"""Side effects of a task's call: output, logs, warnings, files, connections, time."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from prefectx._logs.runs_log import RUNS_LOG
from pytest_prefectx.agree.audit import Event, record_events
from pytest_prefectx.agree.libraries import set_warning_filters

if TYPE_CHECKING:
    from collections.abc import Generator

LONG: Final = 0.05
"""The time, in seconds, from which a call's duration is an effect."""

TAKES_TIME: Final = "takes time"
"""The start of that effect's text. On a busy machine each call may have it."""

_CODE: Final = (".py", ".pyc", ".so", ".pyd")


class _Tee:
    """Passes writes on to a stream, and notes that there were any."""

    def __init__(self, stream: Any, note: list[str], words: str) -> None:
        self._stream = stream
        self._note = note
        self._words = words

    def write(self, text: str) -> Any:
        if text and self._words not in self._note:
            self._note.append(self._words)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def record_effects(effects: list[str]) -> Generator[None]:
    """Add the effects of the body of the `with` statement to a list, in words."""
    factory, start = logging.getLogRecordFactory(), time.perf_counter()
    out, err = sys.stdout, sys.stderr

    def make_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        if not record.name.startswith("prefectx"):
            _add(effects, f"logs to {record.name!r}")
        return record

    logging.setLogRecordFactory(make_record)
    sys.stdout, sys.stderr = _Tee(out, effects, "prints text"), _Tee(err, effects, "prints text")
    caught: list[warnings.WarningMessage] = []
    events: list[Event] = []
    filters = [*warnings.filters]
    try:
        with warnings.catch_warnings(record=True) as caught, record_events() as events:
            try:
                yield
            finally:
                filters = [*warnings.filters]
    finally:
        if [*warnings.filters] != filters:
            # The task has changed them, and that outlasts it.
            set_warning_filters(warnings, filters)
        sys.stdout, sys.stderr = out, err
        logging.setLogRecordFactory(factory)
        for warning in caught:
            _add(effects, "warns")
            warnings.showwarning(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        # Writes to the log of runs are prefectx's, not the task's.
        runs_log = os.path.abspath(RUNS_LOG.get() or os.devnull)
        for event in events:
            if event.name == runs_log:
                continue
            if event.kind in {"writes", "makes"} and not event.name.endswith(_CODE):
                _add(effects, f"{event.kind} the file {event.name}")
            elif event.kind in {"connects", "starts"}:
                _add(effects, f"{event.kind} {event.name}")
        if (seconds := time.perf_counter() - start) > LONG:
            _add(effects, f"{TAKES_TIME} ({seconds:.2g} s)")


def _add(effects: list[str], words: str) -> None:
    if words not in effects:
        effects.append(words)
