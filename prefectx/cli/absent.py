"""`AbsentStore`: the store of an output that a run would make, or has failed to make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx.stores.base import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefectx.errors import PrefectxError


class AbsentStore(Store):
    """A store without the output, which says why when the output is loaded.

    Args:
        store: The store where the output would be; None for a task without a target.
        error: The exception raised when the output is loaded.
    """

    def __init__(self, store: Store | None, error: PrefectxError) -> None:
        self._store = store
        self._error = error

    def exists(self, target: str) -> bool:  # noqa: ARG002
        """Return False: the output does not exist."""
        return False

    def load(self, target: str) -> Any:  # noqa: ARG002
        """Raise the exception."""
        raise self._error

    def save(self, target: str, value: Any) -> None:  # noqa: ARG002
        """Raise the exception: nothing is written."""
        raise self._error

    def delete(self, target: str) -> None:
        """Do nothing: nothing is removed."""

    def list(self, prefix: str = "") -> Iterable[str]:  # noqa: ARG002
        """Return no targets."""
        return ()

    def path(self, target: str) -> str:
        """Return the path that the output would have."""
        return target if self._store is None else self._store.path(target)

    def label(self) -> str:
        """Return the label of the store that a run would use: names depend on it."""
        return "" if self._store is None else self._store.label()
