"""One call of one task: its arguments, its Item, its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefectx._calls.claims import claim_of
from prefectx._calls.recorded_arguments import describe_arguments, items_in
from prefectx._calls.run import current_run
from prefectx._identity.argument_code import hashes_of
from prefectx._identity.call_identity import CallIdentity
from prefectx._identity.file_fingerprint import FileFingerprint, is_there
from prefectx._identity.input_hash import inputs_hash, upstream_hash
from prefectx._settings.rerun import rerun_on_here
from prefectx._settings.script import MAINS, script
from prefectx.errors import UnsupportedValue
from prefectx.stores import record as records
from prefectx.stores.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefectx._calls.claims import Claim
    from prefectx._calls.run import Run
    from prefectx._naming.decorated import AnyTask
    from prefectx._values.item import Item


class Call:
    """One call of a task, whose arguments are data or Items, never futures.

    Args:
        task: The task.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Attributes:
        item: The Item of its target; None without a target.
        identity: The identity of the call: equal for equal arguments.
        reasons: The reasons for which an existing target is recomputed.
        was_made_by_other: Whether another process made the target while this call waited for it
            (`once=True`).
    """

    __slots__ = (
        "_claim",
        "_code",
        "_contents",
        "_files",
        "_inputs",
        "_recorded",
        "_upstream",
        "args",
        "identity",
        "item",
        "kwargs",
        "reasons",
        "task",
        "was_made_by_other",
    )

    def __init__(self, task: AnyTask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        arguments = task.naming.bind(*args, **kwargs)
        self.identity = CallIdentity(task.qualified_name, arguments, task.naming)
        self.item: Item[Any] | None = task.naming.item_of(arguments, self.identity)
        self.reasons: frozenset[str] = task.rerun_on | rerun_on_here()
        if self.reasons and self.item is not None and not self.item.store.keeps_records:
            raise _no_records(task, self.item, self.reasons)
        self.was_made_by_other = False
        self._claim: str | Claim | None = None
        self._code: str | None = None
        self._inputs: str | None = None
        self._contents: str | None = None
        self._recorded: dict[str, Any] | None = None
        self._upstream: list[str] | None = None
        self._files: Mapping[str, FileFingerprint | None] | None = None

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        state = {name: getattr(self, name) for name in self.__slots__}
        # A claim is valid in this process only. In another process the functions of a script have
        # no source, hence other hashes.
        return None, {**state, "_claim": None, "_code": self.task.code.hash}

    @property
    def summary(self) -> str:
        """The call as short text."""
        return self.identity.short

    @property
    def mark(self) -> str:
        """The mark of a target that this call, with the present code, has made."""
        maker, args_code = self.task.code.maker_mark, self.code_of_arguments()
        return records.call_mark(maker, self.identity.key, args_code)

    def code_of_arguments(self) -> dict[str, str]:
        """Return a hash of the project's code in each argument that has any."""
        return hashes_of(self.identity.code)

    def task_number(self, run: Run) -> str:
        """Return the task's number in a run's claims."""
        return run.task_number(self.task.code.identity, self.task.qualified_name)

    def claim(self) -> bool:
        """Claim the target for this call; tell whether no other call has it.

        Raises:
            TargetCollision: Another call of this run fills the same target.
        """
        run = current_run()
        if self.item is None or (run.allows_recomputing and "inputs" in self.reasons):
            return True
        if self._claim is None:
            # Kept, since the function may change its arguments, and a retry is the same call.
            self._claim = claim_of(self.task_number(run), self.identity)
        return run.claim(self.item, self._claim)

    def inputs(self) -> str:
        """Return a hash of the contents of all arguments; for Items, of the data they refer to."""
        if self._inputs is None:
            self._inputs = inputs_hash(self.identity.arguments)
        return self._inputs

    def contents(self) -> str:
        """Return a hash of the data that the Items among the arguments refer to."""
        if self._contents is None:
            self._contents = upstream_hash(self.identity.arguments)
        return self._contents

    def recorded_arguments(self) -> dict[str, Any]:
        """Return the arguments in the form that the record has."""
        if self._recorded is None:
            self._recorded = describe_arguments(self.identity.arguments, identity=self.identity)
            self._upstream = items_in(self.identity.arguments)
        return self._recorded

    def note_inputs(self) -> None:
        """Compute the record's entries about the arguments before the function can change them."""
        self.identity.compute()
        self.files()
        self.recorded_arguments()
        if "inputs" in self.reasons:
            self.inputs()
        if "upstream" in self.reasons:
            self.contents()

    def files(self) -> Mapping[str, FileFingerprint | None]:
        """Return the fingerprints of the files that the arguments name, by path."""
        if self._files is None:
            paths = self.task.naming.files(self.identity.arguments)
            self._files = {path: FileFingerprint.of(path) for path in paths}
        return self._files

    def must_read_record(self) -> bool:
        """Tell whether only the record says whether the target is valid."""
        names = self.task.naming
        if self.reasons or names.must_read_records:
            return True
        # No literal is a path.
        is_plain = self.identity.exact is not None
        return not is_plain and bool(names.path_objects(self.identity.arguments))

    def record(
        self, seconds: float, shape: dict[str, Any] | None = None, *, is_complete: bool = True
    ) -> Record:
        """Return the record of the call and its output, as of the last `note_inputs`."""
        # A file that appeared meanwhile was written by the task: it is no input.
        files = {
            path: found
            for path, found in self.files().items()
            if found is not None or not is_there(path)
        }
        return Record(
            task=self.task.qualified_name,
            call=self.summary,
            made=records.now(),
            seconds=round(seconds, 6),
            python=records.python_version(),
            code=self._code or self.task.code.hash,
            inputs=self._inputs,
            complete=is_complete,
            by=records.user(),
            host=records.host(),
            args=self._recorded,
            upstream=self._upstream,
            shape=shape,
            file=_script_of(self.task),
            contents=self._contents,
            files=files or None,
            base_from=self.task.naming.base_from(self.identity.arguments) or None,
            key=self.identity.key,
            args_code=self.code_of_arguments() or None,
        )


def _no_records(task: AnyTask, item: Item[Any], reasons: frozenset[str]) -> UnsupportedValue:
    msg = (
        f"task {task.name!r}, target {item.target!r}: rerun_on={sorted(reasons)} needs records of"
        f" outputs, and {item.store!r} has none. Give the store `load_record` and `save_record`,"
        " or leave out rerun_on (of the task, the flow and $PREFECTX_RERUN_ON)."
    )
    return UnsupportedValue(msg)


def _script_of(task: AnyTask) -> str | None:
    """Return the script that defines a task, or None for a task of a module."""
    if task.fn.__module__ not in MAINS:
        return None
    if (other := script.get()) is not None:
        # In code that came by value, the file's name is lost.
        return other.file
    code = getattr(task.fn, "__code__", None)
    return None if code is None else str(code.co_filename)
