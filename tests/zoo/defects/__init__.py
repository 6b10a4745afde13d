"""Flows whose modes differ."""

from __future__ import annotations

from defects import (
    arguments,
    asynchronous,
    bodies,
    effects,
    files,
    formats,
    hidden,
    random_and_time,
    results,
    sets,
    targets,
    templates,
    unstorable,
    workers,
)

_TOPICS = (
    arguments,
    results,
    random_and_time,
    hidden,
    effects,
    sets,
    asynchronous,
    targets,
    formats,
    unstorable,
    templates,
    files,
    bodies,
    workers,
)

ALL = [defect for topic in _TOPICS for defect in topic.DEFECTS]
