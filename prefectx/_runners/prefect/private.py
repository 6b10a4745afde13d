"""The private names of Prefect that are used, each as a shortcut for what has a public way.

In a version that was not tested, or that lacks one of them, the public way is taken: a hit in
`prefect.cache` is then recorded by Prefect's engine, whose body finds the target there.
"""

from __future__ import annotations

import functools
import logging
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

TESTED: Final = ((3, 8), (3, 10))
"""The first version that was tested, and the first that was not."""

_log: Final = logging.getLogger("prefectx.prefect")


def _private(module: str, name: str) -> Any:
    return getattr(import_module(module), name, None)


#: Makes a task run that the API does not know of yet.
create_task_run: Final = _private("prefect.task_engine", "_create_task_run_locally")

#: Lets Prefect find the run that a value came from.
link_result: Final = _private("prefect.utilities.engine", "link_state_to_task_run_result")

#: Tells the API of a task run's new state.
emit_state: Final = _private("prefect.utilities.engine", "emit_task_run_state_change_event")


@functools.cache
def are_tested() -> bool:
    """Tell whether these names can be used here; if the version is another, say so, once."""
    number = version("prefect")
    parts = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
    tested = TESTED[0] <= parts < TESTED[1]
    if not tested:
        _log.warning(
            "prefectx was tested with Prefect %s up to, not with, %s; this is %s. It works by what"
            " is public alone: a hit in prefect.cache takes longer.",
            *(".".join(map(str, bound)) for bound in TESTED),
            number,
        )
    return tested and None not in {create_task_run, link_result, emit_state}
