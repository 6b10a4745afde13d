"""A run: one outermost flow call, within which no two calls may share a target."""

from __future__ import annotations

import atexit
import os
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from prefectx._calls.claims import Claim, collision, is_same_call, task_of
from prefectx._calls.here import inside_task, run_here
from prefectx._calls.report import Report
from prefectx._calls.stale_targets import StaleTargets
from prefectx._calls.user_line import user_line
from prefectx._identity.call_identity import key_of
from prefectx._identity.task_identity import difference_of_tasks
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.scoped import ScopedValue
from prefectx._settings.start_folder import start_folder, start_folder_here
from prefectx._values.item import Item
from prefectx.errors import StaleTarget, TargetCollision
from prefectx.stores.folders.listing import Listings, listings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefectx._naming.decorated import AnyTask
    from prefectx._naming.task_names import TaskNames

_MOST_OUTSIDE: Final = 10_000


class TaskClaims:
    """Fast claims for a task that a run has checked before: later calls skip the slow path.

    Args:
        task: The task.
        number: The task's number in the run, put before the text of a call.
        claims: The claims to the targets in the task's store.
        run: The run.
        folder: The folder for which the claims are valid; None if it cannot change.
    """

    __slots__ = ("_line", "_look", "_maker", "_task", "claims", "folder", "number", "store")

    def __init__(
        self,
        task: AnyTask,
        number: str,
        claims: dict[str, str | Claim],
        run: Run,
        folder: str | None,
    ) -> None:
        self._line = run.report.line(task)
        self.number = number
        self.claims = claims
        self.folder = folder
        #: The task's store, with a relative root below the folder where the run began.
        self.store = task.naming.store_here()
        self._look = self.store.look
        self._task = task
        self._maker = task.code.maker_mark

    def version_of_hit(self, item: Item[Any], text: str) -> str | None:
        """Return the version that this call makes, if the target exists and is this call's.

        Args:
            item: The call's Item.
            text: The exact text of its arguments.
        """
        target, claim = item.target, self.number + text
        if self.claims.setdefault(target, claim) != claim:
            return None
        mark = self._look(target)
        if mark is None:
            return None
        version = self._maker + key_of(text)
        # The slow path finds out whether another task, call or code has made it.
        return None if mark and mark != version else version

    def count_skipped(self) -> None:
        """Count a call as skipped."""
        self._line.skipped += 1

    def is_outdated(self) -> bool:
        """Tell whether the folder or the code has changed, or claims are too many."""
        if (start_folder.get() or os.getcwd()) != self.folder or len(self.claims) > _MOST_OUTSIDE:
            return True
        return self._maker != self._task.code.maker_mark


class Run:
    """One outermost flow call: which call fills which target, and the report of what ran."""

    #: Whether another call may recompute a target within the run.
    allows_recomputing = False

    def __init__(self, flow: str = "", mode: str = "") -> None:
        self.forget()
        #: The counts so far.
        self.report: Final = Report(flow, mode)
        #: The paths of the targets that were recomputed because `refresh` asks for it.
        self.recomputed: Final[set[str]] = set()
        self._refreshing = 0
        #: The targets that are used although they may be outdated, by task.
        self.stale: dict[str, StaleTargets] = {}
        self._line = user_line()

    def forget(self) -> None:
        """Forget the claims so far."""
        # A claim is a task's number and the exact text of the arguments, or a Claim. Keys are the
        # root of the store, then the path below it: mostly the target itself, which takes no more
        # memory.
        self._claims: dict[str, dict[str, str | Claim]] = {}
        self._tasks: dict[str, tuple[str, str]] = {}
        self._numbers = count()
        #: The fast claims of the tasks that were checked before.
        self.task_claims: dict[TaskNames, TaskClaims] = {}

    def claim(self, item: Item[Any], claim: str | Claim) -> bool:
        """Note which call fills an item's target; tell whether it is this one.

        Raises:
            TargetCollision: Another call of this run fills it.
        """
        claims, key = self._place(item)
        other = claims.setdefault(key, claim)
        if is_same_call(other, claim):
            return True
        one, two = self._call(other), self._call(claim)
        difference = self._difference(other, claim) if one == two else ""
        self._collide(collision(item.target, one, two, difference))
        return False

    def begin_refresh(self) -> None:
        """Make each call check its target on the slow path until `end_refresh`."""
        self._refreshing += 1
        self.task_claims.clear()

    def end_refresh(self) -> None:
        """Allow the fast path again."""
        self._refreshing -= 1

    def targets(self) -> Iterator[str]:
        """Yield all targets that calls of this run have claimed."""
        for claims in self._claims.values():
            yield from list(claims)

    def paths_by_task(self) -> Iterator[tuple[str, str]]:
        """Yield a task's qualified name and a path for each target that was claimed."""
        names = dict(list(self._tasks.values()))
        for root, claims in list(self._claims.items()):
            for key, claim in list(claims.items()):
                if name := names.get(task_of(claim)):
                    yield name, root + key

    def task_number(self, identity: str, name: str) -> str:
        """Return the number of a task in this run, as it begins the text of its claims: `3:`.

        Args:
            identity: The task's identity.
            name: The task's qualified name.
        """
        known = self._tasks.get(identity)
        if known is None:
            # A counter, not the number of tasks: two threads may be here at once.
            known = self._tasks.setdefault(identity, (f"{next(self._numbers)}:", name))
        return known[0]

    def remember_task(self, task: AnyTask, item: Item[Any], number: str) -> None:
        """Let later calls of a task take the fast path for targets like this one."""
        if self._refreshing:
            return
        naming, folder = task.naming, self._folder()
        known = self.task_claims.get(naming)
        if known is not None and known.folder == folder and not (folder and known.is_outdated()):
            return
        claims, key = self._place(item)
        if key == item.target:
            self.task_claims[naming] = TaskClaims(task, number, claims, self, folder)

    def note_stale(self, task: AnyTask, item: Item[Any], why: str) -> None:
        """Note a target that is used although it may be outdated; warned of when the run ends."""
        key = self._key_of_stale(task)
        if (stale := self.stale.get(key)) is None:
            stale = StaleTargets(task.name, item, why, user_line(self._line))
            stale = self.stale.setdefault(key, stale)
        stale.count += 1

    def _key_of_stale(self, task: AnyTask) -> str:
        return task.code.identity

    def warn_of_stale_targets(self) -> None:
        """Warn of the targets that were used although they may be outdated, once per task."""
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
            self._absorb(root, claims)
        return claims, path[len(root) :]

    def _absorb(self, root: str, claims: dict[str, str | Claim]) -> None:
        """Move the claims of stores whose root is below this one to this one."""
        for inner in [other for other in self._claims if other.startswith(root) and other != root]:
            within = inner[len(root) :]
            claims.update((within + key, claim) for key, claim in self._claims.pop(inner).items())
            self.task_claims.clear()
        # The claims below no root have full paths as keys.
        paths = self._claims.get("", {})
        for path in [path for path in paths if path.startswith(root)]:
            claims[path[len(root) :]] = paths.pop(path)
            self.task_claims.clear()

    def _call(self, claim: str | Claim) -> str:
        if isinstance(claim, Claim):
            return claim.call
        _, _, text = claim.partition(":")
        names = dict(self._tasks.values())
        return f"{names[task_of(claim)]}({text})"

    def _difference(self, other: str | Claim, claim: str | Claim) -> str:
        """Return what differs between two calls that have the same text."""
        numbers = (task_of(other), task_of(claim))
        if numbers[0] == numbers[1]:
            return ", whose arguments differ in what is not shown here"
        identities = {number: identity for identity, (number, _) in list(self._tasks.items())}
        return difference_of_tasks(*(identities.get(number, "") for number in numbers))

    def _folder(self) -> str | None:
        return None

    def _collide(self, message: str) -> None:
        raise TargetCollision(message)


class _Outside(Run):
    """The run of calls outside any flow, as in a notebook: a shared target gives a warning."""

    allows_recomputing = True

    def claim(self, item: Item[Any], claim: str | Claim) -> bool:
        claims, key = self._place(item)
        other = claims.get(key)
        if other is not None and self._is_edited(task_of(other), task_of(claim)):
            # The task itself has changed: the slow path compares its record.
            claims[key] = claim
        is_claimed = super().claim(item, claim)
        if sum(map(len, self._claims.values())) + len(self.task_claims) > _MOST_OUTSIDE:
            self.forget()
        return is_claimed

    def _is_edited(self, before: str, now: str) -> bool:
        """Tell whether a notebook's cell, or a reloaded module, has redefined a task."""
        names = dict(self._tasks.values())
        return before != now and names[before] == names[now] and "<locals>" not in names[now]

    def note_stale(self, task: AnyTask, item: Item[Any], why: str) -> None:
        if not self.stale:
            atexit.register(self._warn_of_untold)
        super().note_stale(task, item, why)
        stale = self.stale[self._key_of_stale(task)]
        # The first, the tenth, the hundredth: a notebook's cell may call a task a thousand times.
        if str(stale.count).strip("0") == "1":
            stale.warn()

    def _key_of_stale(self, task: AnyTask) -> str:
        # After another edit of the code there is another warning.
        return f"{task.code.identity} {task.code.hash}"

    def _warn_of_untold(self) -> None:
        for stale in self.stale.values():
            if stale.has_more:
                stale.warn()

    def _folder(self) -> str | None:
        return start_folder_here()

    def _collide(self, message: str) -> None:
        user_line().warn(message, StaleTarget)


OUTSIDE: Final = _Outside()


def current_run() -> Run:
    """Return the current run, or the one for calls outside any flow."""
    return run_here.get() or OUTSIDE


def task_claims_here(naming: TaskNames) -> TaskClaims | None:
    """Return the current run's fast claims for a task; None if there are none or outdated ones."""
    claims = (run_here.get() or OUTSIDE).task_claims.get(naming)
    if claims is not None and claims.folder is not None and claims.is_outdated():
        return None
    return claims


def begin_flow() -> Run | None:
    """Start a run as `flow_body` does, in a context that ends with the flow."""
    started = None if run_here.get() else Run()
    run_here.set(run_here.get() or started)
    start_folder.set(start_folder_here())
    listings.set(listings.get() or Listings())
    inside_task.set(False)
    return started


_submitted: Final[ContextVar[set[Any] | None]] = ContextVar("prefectx_submitted", default=None)


def note_submitted(future: Any) -> None:
    """Note a future, for which the current flow waits if it fails."""
    futures = _submitted.get()
    if futures is None or not hasattr(future, "add_done_callback"):
        return
    futures.add(future)
    future.add_done_callback(futures.discard)


class flow_body:  # noqa: N801 - used as a function
    """A context manager for a flow's body: starts a run, and returns it, unless there is one."""

    __slots__ = ("_folder", "_futures", "_inside", "_listed", "_run")

    def __enter__(self) -> Run | None:
        started = None if run_here.get() else Run()
        self._run = run_here.set(run_here.get() or started)
        self._folder = start_folder.set(start_folder_here())
        self._listed = listings.set(listings.get() or Listings())
        self._inside = inside_task.set(False)
        self._futures = _submitted.set(set())
        return started

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        futures = _submitted.get()
        _submitted.reset(self._futures)
        if kind is not None and futures:
            # Prefect would cancel calls that have not begun; but every call is to be tried.
            _wait_or_stop(futures, is_error=issubclass(kind, Exception))
        inside_task.reset(self._inside)
        listings.reset(self._listed)
        start_folder.reset(self._folder)
        run_here.reset(self._run)


def _wait_or_stop(futures: set[Any], *, is_error: bool) -> None:
    if is_error:
        for future in list(futures):
            future.wait()
        return
    from prefectx._calls.interruption import stop

    stop(futures, current_run().report)


class task_body:  # noqa: N801 - used as a function
    """A context manager for a task's function; what it sets in the context ends with it."""

    __slots__ = ("_folder", "_inside", "_names")

    def __enter__(self) -> None:
        self._inside = ScopedValue(inside_task, value=True)
        self._names = replace_context(context_names())
        # Outside any flow, too, what the function calls has its outputs where its own will be.
        self._folder = ScopedValue(start_folder, start_folder_here())
        self._inside.__enter__()
        self._names.__enter__()
        self._folder.__enter__()

    def __exit__(self, *_: object) -> None:
        self._folder.__exit__()
        self._names.__exit__()
        self._inside.__exit__()
