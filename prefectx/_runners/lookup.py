"""`Lookup`: where `prefect.skip` looks for a target before it submits a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item


class Lookup:
    """A look where the flow runs, which is right if workers see the same stores."""

    def looks_here(self, item: Item[Any]) -> bool:  # noqa: ARG002
        """Tell whether to look where the flow runs; otherwise the task's run looks."""
        return True

    def confirms(self, item: Item[Any]) -> bool:  # noqa: ARG002
        """Tell whether a target that was seen here is visible to the workers."""
        return True


HERE: Final = Lookup()

PLACEMENTS: Final[list[Callable[[AnyTask, Any], AbstractContextManager[None] | None]]] = []
"""Functions of a task and a task runner. Each returns, for a task runner that it knows, a context
manager that applies the task's options for placement, or None. Task runners add theirs."""
