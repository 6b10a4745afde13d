"""`--prefectx-replace-prefect`: tests that were written for Prefect run on our decorators.

They bring their own server, and what keeps their settings apart from the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

FLAG: Final = "--prefectx-replace-prefect"


def is_asked_for(config: pytest.Config) -> bool:
    """Tell whether our decorators are to be in the place of Prefect's."""
    return bool(config.getoption("prefectx_replace_prefect"))


def replace_decorators() -> None:
    """Put our `task` and `flow` where modules that are imported from now on look for Prefect's.

    Tasks have no target: a suite that knows nothing of them would take the output of one test for
    that of another.
    """
    import prefect
    import prefect.flows
    import prefect.tasks

    from prefectx import flow, task

    # All that runs tasks is imported now: a suite may take back what its tests import.
    task(lambda: None)
    without_target = task(target=None)
    for module in (prefect, prefect.tasks):
        vars(module)["task"] = without_target
    for module in (prefect, prefect.flows):
        vars(module)["flow"] = flow
