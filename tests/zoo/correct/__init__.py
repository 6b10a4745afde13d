"""Flows on which every mode agrees."""

from __future__ import annotations

from correct import alike, changes, composition, everyday, files, names, state, values

_TOPICS = (alike, changes, values, state, composition, names, files, everyday)

ALL = [specimen for topic in _TOPICS for specimen in topic.CORRECT]
