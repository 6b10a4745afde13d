"""A run: one outermost flow call, within which no two calls may share a target."""

from __future__ import annotations

import os
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.claims import Claim, collision, is_same_call, mark_of
from prefectx._calls.report import Report
from prefectx._calls.user_line import UserLine, user_line
from prefectx._identity.call_identity import key_of
from prefectx._settings.context import context_names, replaced_context
from prefectx._settings.scoped import Setting
from prefectx._values.item import Item
from prefectx.errors import StaleTarget, TargetCollision
from prefectx.stores.folders.listing import Listings, listings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx._naming.decorated import AnyTask
    from prefectx._naming.task_names import Naming

_MOST_OUTSIDE: Final = 10_000


class Stale:
    """Targets of one task that are trusted although they were made otherwise.

    Args:
        task: The task's name.
        target: The first of them.
        why: What of the first is otherwise.
        line: The user's line that asked for the first.
    """

    __slots__ = ("_line", "_target", "_task", "_why", "count")

    def __init__(self, task: str, target: str, why: str, line: UserLine) -> None:
        self._task = task
        self._target = target
        self._why = why
        self._line = line
        self.count = 0

    def warn(self) -> None:
        """Warn of all of them, in one line."""
        one = f"target {self._target!r} {self._why}"
        if self.count > 1:
            one = f"{self.count:,} targets were made otherwise; the first, {one[len('target ') :]}"
        msg = (
            f"{self._task}: {one}. What is there is trusted: see prefectx status. Delete it to make"
            " it anew, or let rerun_on={'inputs', 'code'} decide."
        )
        self._line.warn(msg, StaleTarget)


def other_version(task: str) -> str:
    """Return what is told of a target that other code has made."""
    return f"was made by another version of the task {task!r}"


class Known:
    """What a run knows of a task whose targets it has found before: how it claims others.

    Args:
        task: The task.
        mark: Stands for it before the text of a call.
        claims: The claims to the targets in the task's store.
        run: The run.
        folder: The current folder that the claims hold in, in a run that may outlive it.
    """

    __slots__ = ("_line", "_look", "_maker", "claims", "folder", "mark")

    def __init__(
        self,
        task: AnyTask,
        mark: str,
        claims: dict[str, str | Claim],
        run: Run,
        folder: str | None,
    ) -> None:
        self._line = run.report.line(task)
        self.mark = mark
        self.claims = claims
        self.folder = folder
        self._look = task.naming.store.look
        self._maker = task.maker_mark

    def found(self, item: Item[Any], text: str) -> Any:
        """Return what the call is given if the target is there and this call's, else None.

        Args:
            item: The call's Item.
            text: The exact text of its arguments.
        """
        target, claim = item.target, self.mark + text
        if self.claims.setdefault(target, claim) != claim:
            return None
        mark = self._look(target)
        if mark is None or (mark and mark != self._maker + key_of(text)):
            # The long way finds out whether another task or call has made it, or other code.
            return None
        self._line.skipped += 1
        return item.load() if inside_task.get() else item

    def is_outdated(self) -> bool:
        """Tell whether claims are made elsewhere by now, or too many to remember."""
        return os.getcwd() != self.folder or len(self.claims) > _MOST_OUTSIDE


class Run:
    """What the calls of one run have filled, and whose records have been looked at."""

    #: Whether a target may be made anew within the run, for another call.
    allows_remaking = False

    def __init__(self, flow: str = "", mode: str = "") -> None:
        self._forget()
        #: What the run has done so far.
        self.report: Final = Report(flow, mode)
        #: The paths of the targets that were made anew because `refresh` asks for it.
        self.remade: Final[set[str]] = set()
        self._refreshing = 0
        #: What was trusted although it was made otherwise, by task.
        self.stale: dict[str, Stale] = {}
        self._line = user_line()

    def _forget(self) -> None:
        # A claim is a mark and a text of plain arguments, or a Claim. By roots of stores, and then
        # by what comes below: mostly the target itself, which costs no further memory.
        self._claims: dict[str, dict[str, str | Claim]] = {}
        self._tasks: dict[str, tuple[str, str]] = {}
        self._numbers = count()
        self._looked_at: set[tuple[str, str]] = set()
        #: The tasks, by how they are named, that were looked at and may claim by themselves.
        self.known: dict[Naming, Known] = {}

    def claim(self, item: Item[Any], claim: str | Claim) -> bool:
        """Note which call fills an item's target; tell whether it is this one.

        Raises:
            TargetCollision: Another call of this run fills it.
        """
        claims, key = self._place(item)
        other = claims.setdefault(key, claim)
        if is_same_call(other, claim):
            return True
        self._collide(item.target, self._call(other), self._call(claim))
        return False

    def begin_refresh(self) -> None:
        """Let each call look for itself, until `end_refresh`, whether its target counts."""
        self._refreshing += 1
        self.known.clear()

    def end_refresh(self) -> None:
        """Let tasks be known again."""
        self._refreshing -= 1

    def targets(self) -> Iterator[str]:
        """Give all targets that calls of this run have claimed."""
        for claims in self._claims.values():
            yield from list(claims)

    def mark(self, identity: str, name: str) -> str:
        """Return the short text that stands for a task in its claims.

        Args:
            identity: What tells the task apart from all others.
            name: The task's qualified name.
        """
        known = self._tasks.get(identity)
        if known is None:
            # Not the number of tasks there are: two threads may be here at once.
            known = self._tasks.setdefault(identity, (f"{next(self._numbers)}:", name))
        return known[0]

    def know(self, task: AnyTask, item: Item[Any], mark: str) -> None:
        """Let a task claim targets like this one by itself."""
        if self._refreshing:
            return
        naming, folder = task.naming, self._folder()
        if (known := self.known.get(naming)) is not None and known.folder == folder:
            return
        claims, key = self._place(item)
        if key == item.target:
            self.known[naming] = Known(task, mark, claims, self, folder)

    def looks_first(self, task: str, target: str) -> bool:
        """Tell whether no record of a task's target in the same folder was looked at before."""
        place = (task, target.rpartition("/")[0])
        if place in self._looked_at:
            return False
        self._looked_at.add(place)
        return True

    def note_stale(self, task: AnyTask, target: str, why: str) -> None:
        """Note that a target is trusted although it was made otherwise: told when the run ends."""
        if (stale := self.stale.get(task.identity)) is None:
            stale = Stale(task.name, target, why, user_line(self._line))
            stale = self.stale.setdefault(task.identity, stale)
        stale.count += 1

    def warn_of_stale(self) -> None:
        """Warn of what was trusted although it was made otherwise, once a task."""
        for stale in self.stale.values():
            stale.warn()

    def _place(self, item: Item[Any]) -> tuple[dict[str, str | Claim], str]:
        """Return the claims that an item's target belongs to, and its key among them."""
        path = item.path
        for root, claims in self._claims.items():
            if root and path.startswith(root):
                return claims, path[len(root) :]
        root = path.removesuffix(item.target)
        if root == path:
            root = ""
        claims = self._claims.setdefault(root, {})
        if root:
            self._take_in(root, claims)
        return claims, path[len(root) :]

    def _take_in(self, root: str, claims: dict[str, str | Claim]) -> None:
        """Let claims of stores that lie within this one count as claims in this one."""
        for inner in [other for other in self._claims if other.startswith(root) and other != root]:
            within = inner[len(root) :]
            claims.update((within + key, claim) for key, claim in self._claims.pop(inner).items())
            self.known.clear()
        # Below no root are those that are known by their full paths.
        paths = self._claims.get("", {})
        for path in [path for path in paths if path.startswith(root)]:
            claims[path[len(root) :]] = paths.pop(path)
            self.known.clear()

    def _call(self, claim: str | Claim) -> str:
        if isinstance(claim, Claim):
            return claim.call
        mark, colon, text = claim.partition(":")
        names = dict(self._tasks.values())
        return f"{names[mark + colon]}({text})"

    def _folder(self) -> str | None:
        return None

    def _collide(self, target: str, other: str, call: str) -> None:
        raise TargetCollision(collision(target, other, call))


class _Outside(Run):
    """Calls outside any flow, as in a notebook: they may share a target, but not silently."""

    allows_remaking = True

    def claim(self, item: Item[Any], claim: str | Claim) -> bool:
        claims, key = self._place(item)
        other = claims.get(key)
        if other is not None and self._is_edited(mark_of(other), mark_of(claim)):
            # What is different now is the task: its record tells.
            claims[key] = claim
        is_claimed = super().claim(item, claim)
        if sum(map(len, self._claims.values())) + len(self.known) > _MOST_OUTSIDE:
            self._forget()
        return is_claimed

    def _is_edited(self, before: str, now: str) -> bool:
        """Tell whether a cell of a notebook, or a reloaded module, has defined a task anew."""
        names = dict(self._tasks.values())
        return before != now and names[before] == names[now] and "<locals>" not in names[now]

    def note_stale(self, task: AnyTask, target: str, why: str) -> None:
        is_first = task.identity not in self.stale
        super().note_stale(task, target, why)
        if is_first:
            self.stale[task.identity].warn()

    def _folder(self) -> str | None:
        return os.getcwd()

    def _collide(self, target: str, other: str, call: str) -> None:
        user_line().warn(collision(target, other, call), StaleTarget)


run_here: ContextVar[Run | None] = ContextVar("prefectx_run", default=None)
OUTSIDE: Final = _Outside()
inside_task: ContextVar[bool] = ContextVar("prefectx_in_task", default=False)


def current_run() -> Run:
    """Return the run that is under way here, or the one that stands for calls outside any flow."""
    return run_here.get() or OUTSIDE


def known_here(naming: Naming) -> Known | None:
    """Return what the run that is under way here knows of a task, if that holds here."""
    known = (run_here.get() or OUTSIDE).known.get(naming)
    if known is not None and known.folder is not None and known.is_outdated():
        return None
    return known


def in_task() -> bool:
    """Tell whether a task's function is running here: it is given data, never Items."""
    return inside_task.get()


def begin_flow() -> Run | None:
    """Do what `flow_body` does, in a context that ends with the flow."""
    started = None if run_here.get() else Run()
    run_here.set(run_here.get() or started)
    listings.set(listings.get() or Listings())
    inside_task.set(False)
    return started


_submitted: Final[ContextVar[set[Any] | None]] = ContextVar("prefectx_submitted", default=None)


def note_submitted(future: Any) -> None:
    """Note a future, which the flow that is under way here waits for should it fail."""
    futures = _submitted.get()
    if futures is None or not hasattr(future, "add_done_callback"):
        return
    futures.add(future)
    future.add_done_callback(futures.discard)


class flow_body:  # noqa: N801 - used as a function
    """Mark that a flow's body runs: it starts a run, and gives it, unless called within one."""

    __slots__ = ("_futures", "_inside", "_listed", "_run")

    def __enter__(self) -> Run | None:
        started = None if run_here.get() else Run()
        self._run = run_here.set(run_here.get() or started)
        self._listed = listings.set(listings.get() or Listings())
        self._inside = inside_task.set(False)
        self._futures = _submitted.set(set())
        return started

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        futures = _submitted.get()
        _submitted.reset(self._futures)
        if kind is not None and futures:
            # Prefect cancels what has not begun when a flow fails, but all is to be tried.
            _wait_or_stop(futures, is_error=issubclass(kind, Exception))
        inside_task.reset(self._inside)
        listings.reset(self._listed)
        run_here.reset(self._run)


def _wait_or_stop(futures: set[Any], *, is_error: bool) -> None:
    if is_error:
        for future in list(futures):
            future.wait()
        return
    from prefectx._calls.interruption import stop

    stop(futures, current_run().report)


class task_body:  # noqa: N801 - used as a function
    """Mark that a task's function runs; what it sets in the context ends with it."""

    __slots__ = ("_inside", "_names")

    def __enter__(self) -> None:
        self._inside = Setting(inside_task, value=True)
        self._names = replaced_context(context_names())
        self._inside.__enter__()
        self._names.__enter__()

    def __exit__(self, *_: object) -> None:
        self._names.__exit__()
        self._inside.__exit__()
