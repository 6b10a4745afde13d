"""The `prefect.Task` behind a task, and what Prefect's engine calls in place of its function."""

from __future__ import annotations

import copy
import functools
import inspect
import os
import threading
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import prefect
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.states import Completed
from prefect.utilities.annotations import NotSet

from prefectx._calls.call import Call
from prefectx._calls.child_jobs import OUTER_RUNS, aexecute_in_child, execute_in_child
from prefectx._calls.execute import RUNS_LOG, execute
from prefectx._calls.freshness import is_done
from prefectx._calls.make import amake, make
from prefectx._calls.refresh import refreshed
from prefectx._calls.run import current_run, in_task, task_body
from prefectx._logs.handlers import apply_selection, current_selection
from prefectx._logs.progress import VARIABLE as STILL_RUNNING
from prefectx._logs.progress import StillRunning, interval
from prefectx._naming.options import (
    OWN_OPTIONS,
    TASK_ATTRIBUTES,
    TASK_OPTIONS,
    check_options,
    prefect_options,
)
from prefectx._naming.task_names import base_of
from prefectx._runners.prefect.child_context import run_here
from prefectx._runners.prefect.logs import connect, run_logger
from prefectx._runners.prefect.server import api
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.mode import override, use_mode
from prefectx._settings.rerun import rerun_on, rerun_on_here
from prefectx._settings.scoped import ScopedValue
from prefectx._types import type_of
from prefectx._values.containers import replace
from prefectx._values.item import is_handle, load_items, settle
from prefectx._values.kinds import is_state
from prefectx._values.references import (
    function_in,
    import_by_name,
    is_importable,
    name_of,
    qualified_name_of,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from prefectx._logs.selection import LogSelection
    from prefectx._naming.decorated import AnyTask
    from prefectx._settings.mode import Mode
    from prefectx._values.item import Item


def ours(value: Any) -> Any:
    """Return the class of ours that a task or flow was made of before it became Prefect's too."""
    return type_of(value).__mro__[_OURS]


# After the class that was made for both.
OUTER_RUNS.append(run_here)

_OURS: Final = 1
_becoming: Final = threading.RLock()


def attributes_of(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, to read and to change."""
    attributes: dict[str, Any] = value.__dict__
    return attributes


# What Prefect takes for an option that was not given.
_LEFT_OUT: Final = (None, NotSet)


# Its annotations name what is not public, or leave out what it is of.
PREFECT_TASK: Final[Any] = prefect.Task


@functools.cache
def kind_of(kind: Any) -> Any:  # noqa: C901 - a class with many small methods
    """Return the class of tasks that are of this class of ours, and Prefect's as well.

    What both have is ours, but for what stands here; what only `prefect.Task` has is there as well.
    """

    class PrefectTask(kind, prefect.Task[..., Any]):  # type: ignore[misc] # which class, only callers know
        """A task of ours that is one of Prefect's."""

        # Its attributes travel by themselves: see `_changes`.
        __setattr__ = object.__setattr__

        def with_options(self: Any, **options: Any) -> Any:
            """Return this task with some options changed: Prefect's by the rules of Prefect."""
            check_options(options, TASK_OPTIONS, "task")
            theirs = prefect_options(options)
            plain: Any = PREFECT_TASK.with_options(self, **theirs)
            kept = {name: value for name, value in theirs.items() if value not in _LEFT_OUT}
            own = {name: options[name] for name in OWN_OPTIONS & options.keys()}
            changed = ours(self).with_options(self, **{**own, **kept})
            as_prefect_task(changed)
            attributes_of(changed).update(attributes_of(plain))
            _note_made(changed)
            return changed

        def on_completion(self: Any, fn: Any) -> Any:
            """Call `fn(task, task_run, state)` when a run completes."""
            return PREFECT_TASK.on_completion(self, fn)

        def on_failure(self: Any, fn: Any) -> Any:
            """Call `fn(task, task_run, state)` when a run fails."""
            return PREFECT_TASK.on_failure(self, fn)

        def on_running(self: Any, fn: Any) -> Any:
            """Call `fn(task, task_run, state)` when a run starts."""
            return PREFECT_TASK.on_running(self, fn)

        def on_commit(self: Any, fn: Any) -> Any:
            """Call `fn(transaction)` when a run's result is committed."""
            return PREFECT_TASK.on_commit(self, fn)

        def on_rollback(self: Any, fn: Any) -> Any:
            """Call `fn(transaction)` when a run is rolled back."""
            return PREFECT_TASK.on_rollback(self, fn)

        def apply_async(
            self: Any,
            args: tuple[Any, ...] | None = None,
            kwargs: dict[str, Any] | None = None,
            wait_for: Any = None,
            dependencies: Any = None,
        ) -> Any:
            """Have a task worker run the task; `delay` is the same with arguments as in a call."""
            # The worker calls the function itself, which knows nothing of Items.
            args, kwargs = load_items(args), load_items(kwargs)
            with api():
                return PREFECT_TASK.apply_async(self, args, kwargs, wait_for, dependencies)

        def _bind_to(self: Any, owner: object) -> Any:
            bound = ours(self)._bind_to(self, owner)
            bound.fn = _bound_function(bound)
            _note_made(bound)
            return bound

        @property
        def is_pickled_by_value(self: Any) -> bool:
            """Whether others are sent the function itself, for no module gives it to them."""
            return not is_importable(self._origin or whole(self))

        def __reduce__(self: Any) -> tuple[Any, ...]:
            if (task := whole(self)) is not self:
                # By reference to the task, not with the function and all globals that it names.
                body = self.fn if isinstance(self.fn, Body) else None
                return (_restored, (task, body, self.task_run_name))
            changes = _changes(self)
            if is_importable(self):
                return (_found, (self.__module__, self.__qualname__, changes))
            if self._origin is not None:
                return (_restore_variant, (self._origin, self.options, self._bound, changes))
            # There, the function has no source.
            changes["source_code"] = self.source_code
            # Made first, filled then: a recursive function names its own task.
            kind = ours(self)
            return (
                kind.__new__,
                (kind,),
                (self._original, self.options, changes),
                None,
                None,
                _fill,
            )

    return PrefectTask


def is_prefect_task(task: Any) -> bool:
    """Tell whether `task` is one of ours that is one of Prefect's already."""
    return issubclass(type_of(task), prefect.Task)


def as_prefect_task(task: Any) -> Any:
    """Make `task` itself a real `prefect.Task`, if it is none yet; return it."""
    if is_prefect_task(task):
        return task
    if task._unbound is not None:
        unbound = as_prefect_task(task._unbound)
        attributes = {
            **attributes_of(unbound),
            **{name: attributes_of(task)[name] for name in _OF_A_BOUND_TASK},
        }
    else:
        attributes = _attributes(task)
    made_of: Any = type_of(task)
    kind = kind_of(made_of)
    with _becoming:
        if is_prefect_task(task):
            return task
        were_set = TASK_ATTRIBUTES & attributes_of(task).keys()
        # Another thread may use the task meanwhile: it becomes a whole one at once.
        attributes_of(task).update(attributes)
        _SET_CLASS(task, kind)
    if task._bound:
        task.fn = _bound_function(task)
    _note_made(task)
    for name in were_set:
        del task._made[name]
    return task


_SET_CLASS: Final = object.__dict__["__class__"].__set__
_OF_A_BOUND_TASK: Final = ("_bound", "_origin", "_unbound")


def _attributes(task: Any) -> dict[str, Any]:
    """Return what a `prefect.Task` of the same function and options has."""
    plain = PREFECT_TASK(task._original, **prefect_options(task.options))
    return attributes_of(plain)


def _bound_function(task: Any) -> Any:
    """Return the function of a task that is bound to an object, as Prefect binds functions.

    Prefect writes the object onto the function that all objects share, so that a method taken
    from one of them would run on another: each has a function of its own here.
    """
    fn = ours_function(task)
    mark = "__prefect_cls__" if isinstance(task._original, classmethod) else "__prefect_self__"
    return bound_function(fn, mark, task._bound[0])


def ours_function(task: Any) -> Any:
    """Return the function that a task or flow was made of."""
    return function_in(task._original)


def bound_function(fn: Any, mark: str, owner: Any) -> Any:
    """Return a function like `fn` that bears what Prefect binds it to."""
    if not isinstance(fn, FunctionType):
        return fn
    bound = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    bound.__kwdefaults__ = fn.__kwdefaults__
    functools.update_wrapper(bound, fn, assigned=(*functools.WRAPPER_ASSIGNMENTS,))
    # Of what wraps nothing it must not be said that it did: Prefect would read another source.
    attributes_of(bound).pop("__wrapped__")
    attributes_of(bound).update(attributes_of(fn))
    setattr(bound, mark, owner)
    return bound


def has_owner(fn: Any) -> bool:
    """Tell whether Prefect puts the object that a function is bound to before its arguments."""
    return hasattr(fn, "__prefect_self__") or hasattr(fn, "__prefect_cls__")


def _note_made(task: Any) -> None:
    """Note the attributes that other processes give the task by themselves."""
    attributes_of(task)["_made"] = {
        name: value for name, value in attributes_of(task).items() if name not in _NO_ATTRIBUTE
    }


# The last four are worked out when they are asked for: nobody set them.
_NO_ATTRIBUTE: Final = frozenset(
    {"_made", "_whole", "fn", "_code_hash", "_code_parts", "_identity", "_maker_mark"}
)


def _changes(task: Any) -> dict[str, Any]:
    """Return the attributes that were set since the task was made."""
    made = task._made
    return {
        name: value
        for name, value in attributes_of(task).items()
        if name not in _NO_ATTRIBUTE
        and not (name in made and made[name] is value)
        # What is worked out when it is asked for was not set.
        and not isinstance(getattr(type_of(task), name, None), functools.cached_property)
    }


def _found(module: str, qualified_name: str, changes: dict[str, Any]) -> Any:
    task = as_prefect_task(import_by_name(module, qualified_name))
    return _with(copy.copy(task), changes) if changes else task


def _restore_variant(
    origin: Any, options: Any, bound: tuple[object, ...], changes: dict[str, Any]
) -> Any:
    kind = ours(origin) if is_prefect_task(origin) else type_of(origin)
    return _with(as_prefect_task(kind._restore_variant(origin, options, bound)), changes)


def _fill(task: Any, state: tuple[Any, Any, dict[str, Any]]) -> None:
    given, options, changes = state
    task.__setstate__((given, options))
    _with(as_prefect_task(task), changes)


def _with(task: Any, changes: dict[str, Any]) -> Any:
    attributes_of(task).update(changes)
    return task


def whole(task: Any) -> Any:
    """Return the task that all calls share, of one that was made for a call."""
    return attributes_of(task).get("_whole", task)


def for_call(task: Any, body: Body | None, name: str | None) -> Any:
    """Return a task like this one, with the body, and the run's name, of one call.

    Args:
        task: The task.
        body: What Prefect runs in place of the function; None for the function itself.
        name: The run's name, if it is known.
    """
    one = object.__new__(type_of(task))
    attributes_of(one).update(attributes_of(task))
    one.__call__ = task.__call__
    one._whole = whole(task)
    if body is not None:
        one.fn = body
    if name is not None:
        one.task_run_name = RunName(name)
    elif task.naming.names_runs or (_keeps(task, body) and task.task_run_name is None):
        # Prefect asks for a parameter of this name, not for its own class.
        one.task_run_name = LateRunName(whole(task), dict(context_names()))
    if _keeps(task, body):
        # The target is the cache: Prefect's own would give Items whose files were deleted.
        one.cache_policy, one.cache_key_fn, one.result_storage_key = NO_CACHE, None, None
    return one


def _keeps(task: Any, body: Body | None) -> bool:
    return isinstance(body, KeepingBody) and task.naming.has_target


def _restored(task: Any, body: Body | None, name: Any) -> Any:
    one = for_call(as_prefect_task(task), body, None)
    one.task_run_name = name
    return one


@functools.lru_cache(maxsize=1024)
def _signature(fn: Any) -> inspect.Signature:
    return inspect.signature(fn)


class Carried:
    """Hides a value from Prefect, which uses an iterator up by looking into it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def settled_and_unpacked(value: Any) -> Any:
    """Return `value` without what Prefect cannot see into: hidden values, futures in odd places."""
    return replace(value, _unpacked)


def _unpacked(value: Any) -> Any:
    if isinstance(value, Carried):
        return value.value
    return settle(value) if is_handle(value) else value


class There(NamedTuple):
    """What held where a call was made, and holds where it runs.

    Attributes:
        mode: The mode of the call.
        names: What `context` held.
        for_task: Whether a task made the call: it is given data, not an Item.
        logged: What was to be logged.
        rerun_on: What makes targets be made anew, beside what the task says.
        still_running: After how many seconds, and then how often, a log line says that the task
            is alive; 0 for never.
        refreshed: The tasks whose calls run anew.
    """

    mode: Mode
    names: dict[str, Any]
    for_task: bool
    logged: LogSelection | None
    still_running: float
    rerun_on: frozenset[str]
    refreshed: frozenset[str]

    @contextmanager
    def holds(self) -> Generator[None]:
        """Let it hold within the `with` statement."""
        with (
            use_mode(self.mode),
            replace_context(self.names),
            apply_selection(self.logged, connect),
            rerun_on(self.rerun_on),
            ScopedValue(refreshed, self.refreshed),
        ):
            yield


class Body:
    """What Prefect runs: the function, within what held where the call was made.

    Args:
        task: The task.
        there: What held there.
    """

    # Prefect asks for a function's attributes, and finds the function's own.
    def __init__(self, task: AnyTask, there: There) -> None:
        self.task = task
        self.there = there
        fn = ours_function(task)
        self.__name__ = name_of(fn)
        self.__qualname__ = qualified_name_of(fn)
        self.__doc__ = fn.__doc__
        self.__wrapped__ = fn
        self.__signature__ = _signature(fn)

    @classmethod
    def here(cls, task: AnyTask, mode: Mode) -> Self:
        """Return the body of a call that is made here and now."""
        names = dict(context_names())
        there = There(
            mode,
            names,
            in_task(),
            current_selection(),
            interval(),
            rerun_on_here(),
            refreshed.get(),
        )
        return cls(task, there)

    @classmethod
    def if_needed(cls, task: AnyTask, mode: Mode) -> Self | None:
        """Return the body of a call, or None if nothing holds here that must hold there as well.

        In mode `prefect` Prefect is then given the task itself, with its own function.
        """
        asked_for = (RUNS_LOG.name, STILL_RUNNING)
        if (
            override.get() is None
            and not context_names()
            and not task.isolate
            and current_selection() is None
            and not any(map(os.environ.get, asked_for))
        ):
            return None
        return cls.here(task, mode)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the task as `run` does, or return a coroutine that does."""
        args, kwargs = settled_and_unpacked(args), settled_and_unpacked(kwargs)
        if self.task.is_async and not self.task.is_generator:
            return self._acall(args, kwargs)
        with self.there.holds(), self._alive():
            return self.run(args, kwargs)

    async def _acall(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self.there.holds(), self._alive():
            return await self.arun(args, kwargs)

    def _alive(self) -> StillRunning:
        return StillRunning(self._label, self.there.still_running, run_logger)

    def _label(self) -> str:
        """Return what the log calls the run that is under way: its name, if it was given one."""
        item = self.item()
        if item is not None and not self.task.naming.names_runs:
            return f"{self.task.name} {base_of(item)}"
        run = TaskRunContext.get()
        return self.task.name if run is None else run.task_run.name

    def item(self) -> Item[Any] | None:
        """Return the Item of the call that is under way, if there is one."""
        return None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function; return its data."""
        if self.task.isolate:
            return execute_in_child(self.task, args, kwargs)
        with task_body():
            return execute(self.task, args, kwargs)

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do the same for a coroutine function."""
        if self.task.isolate:
            return await aexecute_in_child(self.task, args, kwargs)
        with task_body():
            return await execute(self.task, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.task, self.there))


class KeepingBody(Body):
    """Asks the target first, where the task runs; keeps what the function gives."""

    _call: Call | None = None

    def item(self) -> Item[Any] | None:
        """Return the Item of the call that is under way, if it has a target."""
        return None if self._call is None else self._call.item

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the Item of what is there, as a `Cached` state, or of what is made now."""
        call = self._call_with(args, kwargs)
        return self._skipped(call) if is_done(call) else self._made(call, make(call))

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do the same for a coroutine function."""
        call = self._call_with(args, kwargs)
        return self._skipped(call) if is_done(call) else self._made(call, await amake(call))

    def _call_with(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        # A retry is the same call, although the first try may have changed its arguments.
        self._call = self._call or Call(self.task, args, kwargs)
        return self._call

    def _made(self, call: Call, made: Any) -> Any:
        if is_state(made):
            return made
        return self._cached(call) if call.was_made_by_other else self._given(call, made)

    def _skipped(self, call: Call) -> Any:
        current_run().report.line(call.task).skipped += 1
        return self._cached(call)

    def _cached(self, call: Call) -> Any:
        return Completed(name="Cached", data=self._given(call, call.item))

    def _given(self, call: Call, made: Any) -> Any:
        if call.item is None:
            return made
        return call.item.load() if self.there.for_task else call.item


class RunName:
    """The name of a task run, known when it was submitted."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> str:
        """Return the name."""
        return self.name


class LateRunName:
    """The name of a task run some of whose arguments were not known when it was submitted."""

    def __init__(self, task: AnyTask, names: dict[str, Any]) -> None:
        self.task = task
        self.names = names

    def __call__(self, parameters: dict[str, Any]) -> str:
        """Return the name for the arguments, which are known where the task runs."""
        with replace_context(self.names):
            args, kwargs = self.task.naming.unbound(settled_and_unpacked(parameters))
            naming = self.task.naming
            if naming.names_runs:
                return str(naming.run_name(args, kwargs))
            return str(naming.default_run_name(self.task.name, args, kwargs))
