"""`--prefectx-replace-prefect`: runs tests for Prefect with the decorators of prefectx.

Such tests start their own server, and isolate their settings from the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pytest

FLAG: Final = "--prefectx-replace-prefect"
_OPTION: Final = "prefectx_replace_prefect"


def is_replacement_enabled(config: pytest.Config) -> bool:
    """Tell whether the option is set."""
    # When plugins start, pytest 8 has the options in the second place alone.
    named = config.getoption(_OPTION, default=None)
    return bool(named or getattr(config.known_args_namespace, _OPTION, None))


def replace_decorators() -> None:
    """Replace Prefect's `task` and `flow` for modules that are imported from now on.

    Tasks get target=None, because otherwise one test would use the outputs of another.
    """
    import prefect
    import prefect.flows
    import prefect.tasks

    from prefectx import flow, task

    # Import all modules of the runner now, because a suite may undo the imports of its tests.
    task(lambda: None)
    without_target = task(target=None)
    for module in (prefect, prefect.tasks):
        vars(module)["task"] = without_target
    for module in (prefect, prefect.flows):
        vars(module)["flow"] = flow
