"""The upgrade of a task to a real `prefect.Task`, and the function that Prefect's engine calls."""

from __future__ import annotations

import functools
import inspect
import os
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import prefect
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.states import Completed

from prefectx._calls.call import Call
from prefectx._calls.child_jobs import OUTER_RUNS, aexecute_in_child, execute_in_child
from prefectx._calls.execute import RUNS_LOG, execute
from prefectx._calls.freshness import is_done
from prefectx._calls.make import amake, make
from prefectx._calls.refresh import refreshed
from prefectx._calls.run import current_run, in_task, task_body
from prefectx._identity.code_hash import CodeOfOtherProcess
from prefectx._identity.names import module_name
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
from prefectx._runners.prefect.assembly import is_taken_apart, put_together
from prefectx._runners.prefect.child_context import run_here
from prefectx._runners.prefect.logs import connect, run_logger
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.upgrade import (
    NOT_SET,
    Upgrade,
    attributes_of,
    changes_of,
    copy_function,
    note_attributes,
    own_class,
    restore_by_name,
    restore_state,
    restore_variant,
)
from prefectx._settings.context import context_names, replace_context
from prefectx._settings.mode import override, use_mode
from prefectx._settings.rerun import rerun_on, rerun_on_here
from prefectx._settings.scoped import ScopedValue
from prefectx._settings.script import MAINS, Script, main_file, script
from prefectx._types import type_of
from prefectx._values.containers import replace
from prefectx._values.item import is_handle, load_items, settle
from prefectx._values.kinds import is_state
from prefectx._values.references import (
    function_in,
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


OUTER_RUNS.append(run_here)

# Any, because Prefect's annotations have private or missing types.
PREFECT_TASK: Final[Any] = prefect.Task


@functools.cache
def prefect_class(kind: Any) -> Any:  # noqa: C901 - a class with many small methods
    """Return the class that inherits from a class of prefectx's tasks and from `prefect.Task`.

    Attributes of both are prefectx's, except those defined here.
    """

    class PrefectTask(kind, prefect.Task[..., Any]):  # type: ignore[misc] # which class, only callers know
        """A task of prefectx that is also a `prefect.Task`."""

        # Changes of attributes are pickled separately: see `_changes`.
        __setattr__ = object.__setattr__

        def with_options(self: Any, **options: Any) -> Any:
            """Return this task with some options changed: Prefect's options by Prefect's rules."""
            check_options(options, TASK_OPTIONS, "task")
            theirs = prefect_options(options)
            plain: Any = PREFECT_TASK.with_options(self, **theirs)
            kept = {name: value for name, value in theirs.items() if value not in NOT_SET}
            own = {name: options[name] for name in OWN_OPTIONS & options.keys()}
            changed = own_class(self).with_options(self, **{**own, **kept})
            as_prefect_task(changed)
            attributes_of(changed).update(attributes_of(plain))
            note_attributes(changed)
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
            """Submit the task to a task worker, like `delay`, but with arguments as containers."""
            # The worker calls the function itself, with data.
            args, kwargs = load_items(args), load_items(kwargs)
            with api():
                return PREFECT_TASK.apply_async(self, args, kwargs, wait_for, dependencies)

        def _bind_to(self: Any, owner: object) -> Any:
            bound = own_class(self)._bind_to(self, owner)
            _bind(bound)
            note_attributes(bound)
            return bound

        @property
        def is_pickled_by_value(self: Any) -> bool:
            """True if the function itself is pickled, because other processes cannot import it."""
            return not is_importable(self._origin or shared_task(self))

        def __reduce__(self: Any) -> tuple[Any, ...]:
            if (task := shared_task(self)) is not self:
                # By reference to the shared task, so that the function's globals are not pickled.
                body = self.fn if isinstance(self.fn, Body) else None
                return (_restore_call_task, (task, body, self.task_run_name))
            changes = changes_of(self)
            if is_importable(self):
                named = (self.__module__, self.__qualname__)
                return (restore_by_name, (as_prefect_task, *named, changes))
            if self._origin is not None:
                variant = (self._origin, self.options, self._bound)
                return (restore_variant, (as_prefect_task, *variant, changes))
            # In the other process, the function has no source, hence other fingerprints.
            changes["source_code"] = self.source_code
            changes["_code"] = CodeOfOtherProcess(self.code_parts)
            # Created first, initialised later: a recursive function refers to its own task.
            kind = own_class(self)
            state = (as_prefect_task, self._original, self.options, changes)
            return (kind.__new__, (kind,), state, None, None, restore_state)

    return PrefectTask


def is_prefect_task(task: Any) -> bool:
    """Tell whether a task of prefectx is a `prefect.Task` already."""
    return issubclass(type_of(task), prefect.Task)


def as_prefect_task(task: Any) -> Any:
    """Upgrade `task` itself to a real `prefect.Task`, unless it is one; return it."""
    return _UPGRADE.apply(task)


def _create(task: Any) -> Any:
    return PREFECT_TASK(task._original, **prefect_options(task.options))


def _bind(task: Any) -> None:
    task.fn = _bound_function(task)


_UPGRADE: Final = Upgrade(PREFECT_TASK, TASK_ATTRIBUTES, _create, prefect_class, _bind)


def _bound_function(task: Any) -> Any:
    """Return the function of a bound task, bound as Prefect binds functions.

    Prefect sets the object as an attribute of the function that all objects share, so that a
    method of one would run on another. Here each bound task has a copy of the function.
    """
    fn = own_function(task)
    mark = "__prefect_cls__" if isinstance(task._original, classmethod) else "__prefect_self__"
    return bound_function(fn, mark, task._bound[0])


def own_function(task: Any) -> Any:
    """Return the original function of a task or flow."""
    return function_in(task._original)


def bound_function(fn: Any, mark: str, owner: Any) -> Any:
    """Return a copy of `fn` with the attribute by which Prefect binds it to an object."""
    if not isinstance(fn, FunctionType):
        return fn
    bound = copy_function(fn)
    setattr(bound, mark, owner)
    return bound


def has_owner(fn: Any) -> bool:
    """Tell whether Prefect passes a bound object as the function's first argument."""
    return hasattr(fn, "__prefect_self__") or hasattr(fn, "__prefect_cls__")


def shared_task(task: Any) -> Any:
    """Return the task that all calls share, for a copy that was made for one call."""
    return attributes_of(task).get("_shared_task", task)


def task_for_call(task: Any, body: Body | None, name: str | None) -> Any:
    """Return a copy of a task with the body, and the run's name, of one call.

    Args:
        task: The task.
        body: The callable that Prefect runs; None for the function itself.
        name: The run's name; None if it is not known.
    """
    one = object.__new__(type_of(task))
    attributes_of(one).update(attributes_of(task))
    one.__call__ = task.__call__
    one._shared_task = shared_task(task)
    if body is not None:
        one.fn = body
    if name is not None:
        one.task_run_name = RunName(name)
    elif task.naming.names_runs or (_stores_output(task, body) and task.task_run_name is None):
        # Prefect passes the arguments to a name function with a parameter `parameters`.
        one.task_run_name = LateRunName(shared_task(task), dict(context_names()))
    if _stores_output(task, body):
        # The target is the cache. Prefect's own could return Items whose files were deleted.
        one.cache_policy, one.cache_key_fn, one.result_storage_key = NO_CACHE, None, None
    return one


def _stores_output(task: Any, body: Body | None) -> bool:
    return isinstance(body, StoringBody) and task.naming.has_target


def _restore_call_task(task: Any, body: Body | None, name: Any) -> Any:
    one = task_for_call(as_prefect_task(task), body, None)
    one.task_run_name = name
    return one


@functools.lru_cache(maxsize=1024)
def _signature(fn: Any) -> inspect.Signature:
    return inspect.signature(fn)


class HiddenValue:
    """A wrapper that hides an iterator from Prefect, which would use it up."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def settle_and_unhide(value: Any) -> Any:
    """Return `value` as the caller has passed it, with results in place of futures."""
    return replace(value, _unhide)


def _unhide(value: Any) -> Any:
    if isinstance(value, HiddenValue):
        return value.value
    if is_taken_apart(value):
        return put_together(value, _unhide)
    return settle(value) if is_handle(value) else value


class CallContext(NamedTuple):
    """The context of a call: captured where it is made, restored where it runs.

    Attributes:
        mode: The mode of the call.
        names: The names that `context` has set.
        for_task: Whether a task made the call, which then gets data, not an Item.
        logs: The selection of loggers.
        rerun_on: The reasons to recompute targets, besides the task's own.
        still_running: The interval, in seconds, of log lines that the task is still running; 0
            for none.
        refreshed: The tasks that `refresh` applies to.
        script: The `__main__` of the caller, if that is another process; else None.
    """

    mode: Mode
    names: dict[str, Any]
    for_task: bool
    logs: LogSelection | None
    still_running: float
    rerun_on: frozenset[str]
    refreshed: frozenset[str]
    script: Script | None = None

    @contextmanager
    def restore(self) -> Generator[None]:
        """Restore the context within the `with` statement."""
        with (
            use_mode(self.mode),
            replace_context(self.names),
            apply_selection(self.logs, connect),
            rerun_on(self.rerun_on),
            ScopedValue(refreshed, self.refreshed),
            ScopedValue(script, self.script),
        ):
            yield

    def for_other_process(self) -> CallContext:
        """Return the context with the caller's `__main__`, which another process does not have."""
        return self._replace(script=Script(main_file(), module_name("__main__"), {}))

    def in_this_process(self, fn: Any) -> CallContext:
        """Return a context from another process with the globals of its `__main__`.

        Args:
            fn: The function of the task.
        """
        if self.script is None or getattr(fn, "__module__", None) not in MAINS:
            return self
        # A function that came by value has those globals that it, or what it calls, uses.
        return self._replace(script=self.script._replace(names=fn.__globals__))


class Body:
    """The callable that Prefect runs: the function, within the call's context.

    Args:
        task: The task.
        context: The context of the call.
    """

    # Prefect reads these attributes of a function.
    def __init__(self, task: AnyTask, context: CallContext) -> None:
        self.task = task
        self.context = context
        fn = own_function(task)
        self.__name__ = name_of(fn)
        self.__qualname__ = qualified_name_of(fn)
        self.__doc__ = fn.__doc__
        self.__wrapped__ = fn
        self.__signature__ = _signature(fn)

    @classmethod
    def here(cls, task: AnyTask, mode: Mode) -> Self:
        """Return the body of a call with the current context."""
        names = dict(context_names())
        context = CallContext(
            mode,
            names,
            in_task(),
            current_selection(),
            interval(),
            rerun_on_here(),
            refreshed.get(),
        )
        return cls(task, context)

    @classmethod
    def if_needed(cls, task: AnyTask, mode: Mode) -> Self | None:
        """Return the body of a call; None if there is no context to restore.

        In mode `prefect`, Prefect then gets the task itself, with its own function.
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
        args, kwargs = settle_and_unhide(args), settle_and_unhide(kwargs)
        if self.task.is_async and not self.task.is_generator:
            return self._acall(args, kwargs)
        with self.context.restore(), self._alive():
            return self.run(args, kwargs)

    async def _acall(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self.context.restore(), self._alive():
            return await self.arun(args, kwargs)

    def _alive(self) -> StillRunning:
        return StillRunning(self._label, self.context.still_running, run_logger)

    def _label(self) -> str:
        """Return the name of the current run for log lines."""
        item = self.item()
        if item is not None and not self.task.naming.names_runs:
            return f"{self.task.name} {base_of(item)}"
        run = TaskRunContext.get()
        return self.task.name if run is None else run.task_run.name

    def item(self) -> Item[Any] | None:
        """Return the Item of the current call, if there is one."""
        return None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function; return its data."""
        if self.task.isolate:
            return execute_in_child(self.task, args, kwargs)
        with task_body():
            return execute(self.task, args, kwargs)

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Async version of `run`."""
        if self.task.isolate:
            return await aexecute_in_child(self.task, args, kwargs)
        with task_body():
            return await execute(self.task, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore_body, (type(self), self.task, self.context.for_other_process()))


def _restore_body(kind: type[Body], task: AnyTask, context: CallContext) -> Body:
    return kind(task, context.in_this_process(own_function(task)))


class StoringBody(Body):
    """A body that checks the target where the task runs, and stores the function's output."""

    _call: Call | None = None

    def item(self) -> Item[Any] | None:
        """Return the Item of the current call, if it has a target."""
        return None if self._call is None else self._call.item

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a `Cached` state if the target is valid; otherwise make it and return its Item."""
        call = self._call_with(args, kwargs)
        return self._skip(call) if is_done(call) else self._finish(call, make(call))

    async def arun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Async version of `run`."""
        call = self._call_with(args, kwargs)
        return self._skip(call) if is_done(call) else self._finish(call, await amake(call))

    def _call_with(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        # A retry is the same call, although the first attempt may have changed its arguments.
        self._call = self._call or Call(self.task, args, kwargs)
        return self._call

    def _finish(self, call: Call, made: Any) -> Any:
        if is_state(made):
            return made
        return self._cached_state(call) if call.was_made_by_other else self._output(call, made)

    def _skip(self, call: Call) -> Any:
        current_run().report.line(call.task).skipped += 1
        return self._cached_state(call)

    def _cached_state(self, call: Call) -> Any:
        return Completed(name="Cached", data=self._output(call, call.item))

    def _output(self, call: Call, made: Any) -> Any:
        if call.item is None:
            return made
        return call.item.load() if self.context.for_task else call.item


class RunName:
    """The name of a task run, if it is known at submission."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> str:
        """Return the name."""
        return self.name


class LateRunName:
    """The name of a task run, if some of its arguments are not known at submission."""

    def __init__(self, task: AnyTask, names: dict[str, Any]) -> None:
        self.task = task
        self.names = names

    def __call__(self, parameters: dict[str, Any]) -> str:
        """Return the name for the arguments, which are known when the task runs."""
        naming = self.task.naming
        try:
            with replace_context(self.names):
                args, kwargs = naming.unbound(settle_and_unhide(parameters))
                if naming.names_runs:
                    return str(naming.run_name(args, kwargs))
                return str(naming.default_run_name(self.task.name, args, kwargs))
        except Exception as error:  # noqa: BLE001 - a template may raise anything
            # Prefect would crash the run, and a process pool would wait for it for ever. What is
            # wrong with a target is told by the run itself.
            run_logger().warning("the run has the name of its task: %s", error)
            return str(self.task.name)
