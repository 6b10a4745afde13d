"""`TaskCode`: the code of a task, read again when it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._identity.task_identity import task_identity
from prefectx.stores.record import maker_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefectx._identity.code_hash import Code, CodeOfOtherProcess


class TaskCode:
    """The code of a task's function; the task and its bound methods share it.

    Args:
        fn: The function.
        qualified_name: The task's module and name.
        code: Its code, if another process has looked at it.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        qualified_name: str,
        code: Code | CodeOfOtherProcess | None = None,
    ) -> None:
        self._fn = fn
        self._qualified_name = qualified_name
        self._code = code
        self._hash: str | None = None
        self._mark: str | None = None
        self._identity: str | None = None

    @property
    def parts(self) -> Mapping[str, str]:
        """Fingerprints of all code that the task's output depends on, by name."""
        if self._code is None or not self._code.is_current():
            # Half of what prefectx consists of looks at code, which most runs never need.
            from prefectx._identity.code_hash import Code

            self._code = Code(self._fn)
            self._hash = self._mark = None
        return self._code.fingerprints

    @property
    def hash(self) -> str:
        """A hash of the code."""
        parts = self.parts
        if self._hash is None:
            from prefectx._identity.code_hash import combined_hash

            self._hash = combined_hash(parts)
        return self._hash

    @property
    def maker_mark(self) -> str:
        """A short text for the task and its present code, stored with its targets."""
        code = self.hash
        if self._mark is None:
            self._mark = maker_mark(self._qualified_name, code)
        return self._mark

    @property
    def identity(self) -> str:
        """A text that is unique to the task: its name, code, closure and defaults."""
        if self._identity is None:
            self._identity = task_identity(self._fn)
        return self._identity

    def __reduce__(self) -> tuple[Any, ...]:
        from prefectx._identity.code_hash import CodeOfOtherProcess

        # In the other process, the function has no source, hence other fingerprints.
        return (TaskCode, (self._fn, self._qualified_name, CodeOfOtherProcess(self.parts)))
