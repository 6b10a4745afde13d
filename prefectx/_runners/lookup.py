"""Where `prefect.skip` may look for a target before it sends a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from prefectx._values.item import Item


class Sight:
    """Looks where the flow runs: right for all who see the same stores."""

    def looks_here(self, item: Item[Any]) -> bool:  # noqa: ARG002
        """Tell whether to look where the flow runs; if not, the task's run looks."""
        return True

    def confirms(self, item: Item[Any]) -> bool:  # noqa: ARG002
        """Tell whether what was seen here counts."""
        return True


HERE: Final = Sight()
