"""The place where `prefect.skip` looks for a target before it sends a call, and its task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item


class Lookup:
    """A look where the flow runs: right for all who see the same stores."""

    def looks_here(self, item: Item[Any]) -> bool:  # noqa: ARG002
        """Tell whether to look where the flow runs; if not, the task's run looks."""
        return True

    def confirms(self, item: Item[Any]) -> bool:  # noqa: ARG002
        """Tell whether what was seen here counts."""
        return True


HERE: Final = Lookup()

PLACEMENTS: Final[list[Callable[[AnyTask, Any], AbstractContextManager[None] | None]]] = []
"""Each returns, for a task and a task runner that it knows, a context manager within which the task
is submitted to where its options ask for: packages of task runners add theirs."""
