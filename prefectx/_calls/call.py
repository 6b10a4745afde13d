"""One call of one task: its arguments, its Item, its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx import records
from prefectx._calls.claims import CallIdentity, claim_of
from prefectx._calls.run import current_run
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._settings.rerun import rerun_on_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx._api.task import Task
    from prefectx._calls.claims import Claim
    from prefectx._calls.run import Run
    from prefectx._values.item import Item


class Call:
    """One call of a task, whose arguments are data or Items, never futures.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Attributes:
        item: Where the output lies or will lie; None without a target.
        identity: What tells the call apart from all others.
        reasons: What makes a target that is there be made anew.
        was_found: Whether another has made the target while this call, with `once=True`, waited.
    """

    __slots__ = (
        *("_claim", "_files", "args", "identity", "item", "kwargs", "noted_inputs"),
        *("noted_upstream", "reasons", "task", "was_found"),
    )

    def __init__(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        arguments = task.naming.bind(*args, **kwargs)
        self.identity = CallIdentity(task.qualified_name, arguments)
        self.item: Item[Any] | None = task.naming.item_of(arguments)
        self.reasons: frozenset[str] = task.rerun_on | rerun_on_here()
        self.was_found = False
        self._claim: str | Claim | None = None
        #: The hashes that `inputs` and `upstream` have given, if they were asked.
        self.noted_inputs: str | None = None
        self.noted_upstream: str | None = None
        self._files: Mapping[str, FileFingerprint | None] | None = None

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        # A claim counts in this process only.
        state = {name: getattr(self, name) for name in self.__slots__ if name != "_claim"}
        return None, {**state, "_claim": None}

    @property
    def summary(self) -> str:
        """The call as short text."""
        return self.identity.short

    def mark(self, run: Run) -> str:
        """Return what stands for the task in a run's claims."""
        return run.mark(self.task.identity, self.task.qualified_name)

    def claim(self) -> None:
        """Claim the target for this call.

        Raises:
            TargetCollision: Another call of this run fills the same target.
        """
        run = current_run()
        if self.item is None or (run.allows_remaking and "inputs" in self.reasons):
            return
        if self._claim is None:
            # Once: the function may change its arguments, and a retry is the same call.
            self._claim = claim_of(self.mark(run), self.identity)
        run.claim(self.item, self._claim)

    def inputs(self) -> str:
        """Return a hash of all arguments' contents: for Items, of what lies at their targets."""
        if self.noted_inputs is None:
            self.noted_inputs = records.inputs_hash(self.identity.arguments)
        return self.noted_inputs

    def upstream(self) -> str:
        """Return a hash of what lies at the targets of the Items among the arguments."""
        if self.noted_upstream is None:
            self.noted_upstream = records.upstream_hash(self.identity.arguments)
        return self.noted_upstream

    def files(self) -> Mapping[str, FileFingerprint | None]:
        """Return the fingerprints of the files that the arguments name, by their paths."""
        if self._files is None:
            paths = self.task.naming.files(self.identity.arguments)
            self._files = {path: FileFingerprint.of(path) for path in paths}
        return self._files
