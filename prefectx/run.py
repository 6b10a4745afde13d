"""A run: one outermost flow call, within which no two calls may share a target."""

from __future__ import annotations

import warnings
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from prefectx.context import context_names, replaced_context
from prefectx.digest import cheap_digest
from prefectx.errors import StaleTarget, TargetCollision
from prefectx.stores.places.listing import Listings, listings
from prefectx.summary import brief

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_MOST_OUTSIDE: Final = 10_000


class Claim:
    """One call's claim to its target: enough to tell it apart from another, and never much.

    Args:
        call: The call as short text.
        task: What tells the task apart from all others.
        arguments: The call's arguments.
    """

    __slots__ = ("_parts", "_task", "call")

    def __init__(self, call: str, task: str, arguments: Mapping[str, Any]) -> None:
        self.call = call
        self._task = task
        self._parts = tuple(map(_part, arguments.values()))

    def is_same_call(self, other: Claim) -> bool:
        """Tell whether the other claim is, as far as can be seen, of the same call."""
        return self._task == other._task and all(
            content == other_content or (identity is not None and identity == other_identity)
            for (identity, content), (other_identity, other_content) in zip(
                self._parts, other._parts, strict=True
            )
        )


def _part(value: Any) -> tuple[int | None, bytes | str]:
    known = cheap_digest(value)
    # An object may fill attributes as it is used, and is the same all the same.
    identity = None if type(value).__module__ == "builtins" else id(value)
    return identity, brief(value) if known is None else known


class Run:
    """What the calls of one run have filled, and whose records have been looked at."""

    #: Whether a target may be made anew within the run, for another call.
    allows_remaking = False

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._looked_at: set[str] = set()
        #: How many calls of each task needed no task run, in `prefect.skip`.
        self.skipped: Counter[str] = Counter()

    def claim(self, path: str, target: str, claim: Claim) -> None:
        """Note which call fills `target`.

        Raises:
            TargetCollision: Another call of this run fills it.
        """
        other = self._claims.setdefault(path, claim)
        if not other.is_same_call(claim):
            self._collide(target, other, claim)

    def looks_first(self, task: str) -> bool:
        """Tell whether this is the first time that a record of `task` would be looked at."""
        if task in self._looked_at:
            return False
        self._looked_at.add(task)
        return True

    def _collide(self, target: str, other: Claim, claim: Claim) -> None:
        raise TargetCollision(_collision(target, other, claim))


class _Outside(Run):
    """Calls outside any flow, as in a notebook: they may share a target, but not silently."""

    allows_remaking = True

    def claim(self, path: str, target: str, claim: Claim) -> None:
        super().claim(path, target, claim)
        if len(self._claims) > _MOST_OUTSIDE:
            self._claims.clear()
            self._looked_at.clear()

    def _collide(self, target: str, other: Claim, claim: Claim) -> None:
        warnings.warn(_collision(target, other, claim), StaleTarget, stacklevel=6)


def _collision(target: str, other: Claim, claim: Claim) -> str:
    return (
        f"two different calls share the target {target!r}: {other.call} and {claim.call}."
        " Name in the target what tells them apart, as {base} does if no context sets it."
    )


_run: ContextVar[Run | None] = ContextVar("prefectx_run", default=None)
_outside: Final = _Outside()
_in_task: ContextVar[bool] = ContextVar("prefectx_in_task", default=False)


def current_run() -> Run:
    """Return the run that is under way here, or the one that stands for calls outside any flow."""
    return _run.get() or _outside


def in_task() -> bool:
    """Tell whether a task's function is running here: it is given data, never Items."""
    return _in_task.get()


def begin_flow() -> None:
    """Do what `flow_body` does, in a context that ends with the flow."""
    _run.set(_run.get() or Run())
    listings.set(listings.get() or Listings())
    _in_task.set(False)


@contextmanager
def flow_body() -> Generator[Run | None]:
    """Mark that a flow's body runs: it starts a run, and gives it, unless called within one."""
    started = None if _run.get() else Run()
    run = _run.set(_run.get() or started)
    listed = listings.set(listings.get() or Listings())
    inside = _in_task.set(False)
    try:
        yield started
    finally:
        _in_task.reset(inside)
        listings.reset(listed)
        _run.reset(run)


@contextmanager
def task_body() -> Generator[None]:
    """Mark that a task's function runs; what it sets in the context ends with it."""
    token = _in_task.set(True)
    try:
        with replaced_context(context_names()):
            yield
    finally:
        _in_task.reset(token)
