"""Stands for a library that logs, and knows nothing of prefectx."""

from __future__ import annotations

import logging

log = logging.getLogger(f"{__name__}.parts")


def work(what: object) -> None:
    log.debug("begins %s", what)
    log.info("has done %s", what)
