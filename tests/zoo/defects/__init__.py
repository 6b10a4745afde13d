"""Flows whose modes differ."""

from __future__ import annotations

from defects import (
    arguments,
    asynchronous,
    attempts,
    bodies,
    classes,
    conversions,
    effects,
    files,
    formats,
    hidden,
    identities,
    left_behind,
    libraries,
    observations,
    out_of_sight,
    random_and_time,
    results,
    sets,
    targets,
    templates,
    unstorable,
    used_as_data,
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
    used_as_data,
    left_behind,
    classes,
    libraries,
    observations,
    out_of_sight,
    identities,
    attempts,
    conversions,
)

ALL = [defect for topic in _TOPICS for defect in topic.DEFECTS]
