"""`task`, `Task`: a function whose output is stored under a readable name."""

from __future__ import annotations

import inspect
import sys
from functools import partial, update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Generic,
    Literal,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    cast,
    get_args,
    overload,
)

from prefectx._api.class_methods import take_class_methods
from prefectx._api.entry import entry_of
from prefectx._api.public_names import public_names
from prefectx._identity.code_hash import Code, CodeOfOtherProcess, combined_hash
from prefectx._identity.names import module_name
from prefectx._identity.task_identity import task_identity
from prefectx._naming.options import (
    TASK_ATTRIBUTES,
    TASK_OPTIONS,
    TaskHook,
    TaskOptions,
    check_options,
    task_name,
)
from prefectx._naming.task_names import TaskNames
from prefectx._runners import current_runner
from prefectx._runners.upgrade import prefect_task_class, upgrade_task
from prefectx._settings.project import read_project
from prefectx._settings.rerun_reasons import validate_rerun_on
from prefectx._values.annotations import unmapped
from prefectx._values.future import Future, FutureList, State
from prefectx._values.item import Item, settle
from prefectx._values.references import (
    function_in,
    import_by_name,
    is_importable,
    is_static_or_class_method,
    name_of,
    qualified_name_of,
)
from prefectx.errors import TemplateError, UnknownOption, UnsupportedValue
from prefectx.stores.record import maker_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    from prefectx._values.future import Handle


PUBLIC_OF_TASKS: Final = frozenset(
    {"fn", "name", "submit", "map", "item", "with_options", "options", "is_async"}
    | frozenset(get_args(TaskHook))
    # Prefect's, in the Prefect modes.
    | {"apply_async", "aserve", "create_local_run", "create_run", "delay", "serve"}
)

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Q = ParamSpec("Q")
T = TypeVar("T")
S = TypeVar("S")
H = TypeVar("H", bound="Callable[..., Any]")


class _CallSlot:
    """Has `__call__` in a slot: `type(task).__call__` is then the entry itself, one frame less."""

    __slots__ = {
        "__call__": "Run the task; return data in `function` and `prefect`, else an `Item`."
    }


class Task(_CallSlot, Generic[P, R_co]):
    """A function with its options; a call runs it in the current mode.

    Created by `task`. Besides calls, it has `.submit`, `.map`, `.with_options` and `.item`.

    Example:
        >>> @task(target=None)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> double(1), double.submit(2).result(), double.map([3, 4]).result()
        (2, 4, [6, 8])

    Attributes:
        fn: The function itself.
        name: The function's name, `{funcname}` in templates.
        options: The explicit and inherited options.
        is_async: True for a coroutine function or an async generator.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        fn: Callable[P, R_co] | staticmethod[P, R_co] | classmethod[Any, P, R_co],
        options: TaskOptions,
    ) -> None:
        check_options(options, TASK_OPTIONS, "task")
        self._original: Any = fn
        self.fn: Callable[P, R_co] = function_in(fn)
        update_wrapper(self, self.fn)
        self.__qualname__ = qualified_name_of(self.fn)
        self.name: str = task_name(options) or name_of(self.fn)
        self.qualified_name: Final[str] = f"{_module_of(self.fn)}.{self.__qualname__}"
        self.options: TaskOptions = options
        is_async_generator = inspect.isasyncgenfunction(self.fn)
        self.is_generator: Final = inspect.isgeneratorfunction(self.fn) or is_async_generator
        self.is_async: Final = inspect.iscoroutinefunction(self.fn) or is_async_generator
        self.rerun_on: Final = validate_rerun_on(options.get("rerun_on", ()), f"task {self.name!r}")
        self.expires: Final = options.get("expires")
        self.once: Final = options.get("once", False)
        self.isolate: Final = options.get("isolate", False)
        if self.isolate and self.is_generator:
            msg = (
                f"task {self.name!r} is a generator, which cannot run in another process with"
                " isolate=True. Return a list."
            )
            raise UnsupportedValue(msg)
        self.naming: Final = TaskNames(self.fn, options)
        self._bound: tuple[object, ...] = ()
        self._code_hash: str | None = None
        self._code: Code | CodeOfOtherProcess | None = None
        self._identity: str | None = None
        self._maker_mark: str | None = None
        self._origin: Task[..., Any] | None = None
        # For a bound method: the task that is not bound.
        self._unbound: Task[..., Any] | None = None
        # In a Prefect mode, Prefect's own errors come first.
        current_runner().upgrade_task(self)
        for name in ("return_state", "wait_for"):
            if name in self.naming.parameters:
                msg = (
                    f"task {self.name!r} has a parameter {name!r}, which is a keyword of every"
                    " task's call. Rename the parameter."
                )
                raise UnknownOption(msg)
        self._set_entry(entry_of(self))

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """The class for `isinstance`: if Prefect is loaded, every task is a `prefect.Task`.

            The task becomes one when an attribute is used that only `prefect.Task` has.
            """
            if type(self) is Task and "prefect.tasks" in sys.modules:
                return prefect_task_class(Task)
            return type(self)

    @property
    def code_hash(self) -> str:
        """A hash of the function's code."""
        parts = self.code_parts
        if self._code_hash is None:
            self._code_hash = combined_hash(parts)
        return self._code_hash

    @property
    def code_parts(self) -> Mapping[str, str]:
        """Fingerprints of all code that the task's output depends on, by name."""
        if self._code is None or not self._code.is_current():
            # Not of `fn`: Prefect's copy of a method, bound to an object, is not the class's own.
            self._code = Code(function_in(self._original))
            self._code_hash = self._maker_mark = None
        return self._code.fingerprints

    @property
    def maker_mark(self) -> str:
        """A short text for the task and its present code, stored with its targets."""
        code = self.code_hash
        if self._maker_mark is None:
            self._maker_mark = maker_mark(self.qualified_name, code)
        return self._maker_mark

    @property
    def bound_arguments(self) -> int:
        """The number of arguments before the caller's: 1 for a bound method, otherwise 0."""
        return len(self._bound)

    @property
    def identity(self) -> str:
        """A text that is unique to the task: its name, code, closure and defaults."""
        if self._identity is None:
            self._identity = task_identity(function_in(self._original))
        return self._identity

    if TYPE_CHECKING:
        # First the exact signature, then the two additional keywords of every call.
        @overload
        def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
        # A future, an Item or a list of futures in place of the first argument.
        @overload
        def __call__(
            self: Task[Concatenate[T, Q], R],
            first: Handle[T],
            /,
            *args: Q.args,
            **kwargs: Q.kwargs,
        ) -> R: ...
        @overload
        def __call__(
            self: Task[..., Coroutine[Any, Any, T]],
            /,
            *args: Any,
            return_state: Literal[True],
            **kwargs: Any,
        ) -> Coroutine[Any, Any, State[T]]: ...
        @overload
        def __call__(
            self, /, *args: Any, return_state: Literal[True], **kwargs: Any
        ) -> State[R_co]: ...
        @overload
        def __call__(self, /, *args: Any, return_state: Literal[False], **kwargs: Any) -> R_co: ...
        @overload
        def __call__(
            self, /, *args: Any, wait_for: Iterable[Any] | None, **kwargs: Any
        ) -> R_co: ...
        def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
            """Run the task; return data in `function` and `prefect`, else an `Item`."""

    # The other overloads take any arguments, because each may be a future.
    # They do not overlap: __init__ refuses a parameter with the name return_state.
    @overload
    def submit(  # type: ignore[overload-overlap]
        self: Task[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]: ...
    @overload
    def submit(self, /, *args: P.args, **kwargs: P.kwargs) -> Future[R_co]: ...
    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, T]],
        /,
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> State[T]: ...
    @overload
    def submit(self, /, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R_co]: ...
    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, T]],
        /,
        *args: Any,
        return_state: Literal[False] = False,
        **kwargs: Any,
    ) -> Future[T]: ...
    @overload
    def submit(
        self, /, *args: Any, return_state: Literal[False] = False, **kwargs: Any
    ) -> Future[R_co]: ...
    def submit(self, /, *args: Any, **kwargs: Any) -> Any:
        """Start the task and return a future; without Prefect, the future is finished.

        Args:
            *args: The task's arguments, or futures and Items in their place.
            **kwargs: The same by name; also `wait_for=[…]`, futures to wait for first, and
                `return_state=True`, to return the final state instead of a future.
        """
        read_project(self.fn)
        return current_runner().submit(self, self._bound + args, kwargs)

    @overload
    def map(
        self: Task[..., Coroutine[Any, Any, T]],
        /,
        *iterables: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> list[State[T]]: ...
    @overload
    def map(
        self, /, *iterables: Any, return_state: Literal[True], **kwargs: Any
    ) -> list[State[R_co]]: ...
    @overload
    def map(
        self: Task[..., Coroutine[Any, Any, T]],
        /,
        *iterables: Any,
        return_state: Literal[False] = False,
        **kwargs: Any,
    ) -> FutureList[T]: ...
    @overload
    def map(
        self, /, *iterables: Any, return_state: Literal[False] = False, **kwargs: Any
    ) -> FutureList[R_co]: ...
    def map(self, /, *iterables: Any, **kwargs: Any) -> Any:
        """Start the task once for each element of the iterables; return the futures.

        Args:
            *iterables: Iterables of equal length; arguments that are not iterable, or are
                `unmapped(…)`, are passed to each call unchanged.
            **kwargs: The same by name; also `wait_for=` and `return_state=`, as for `submit`.

        Raises:
            MappingError: No argument is iterable, or the iterables differ in length.
        """
        read_project(self.fn)
        bound = tuple(map(unmapped, self._bound))
        return current_runner().map(self, bound + iterables, kwargs)

    @overload
    def item(self: Task[..., Coroutine[Any, Any, T]], /, *args: Any, **kwargs: Any) -> Item[T]: ...
    @overload
    def item(self, /, *args: Any, **kwargs: Any) -> Item[R_co]: ...
    def item(self, /, *args: Any, **kwargs: Any) -> Item[Any]:
        """Return the `Item` of this call without running it.

        Args:
            *args: The task's arguments.
            **kwargs: The same by name.

        Raises:
            TemplateError: The task has no target, or it cannot be rendered.

        Example:
            >>> @task
            ... def pdf2text(path: str, page: int = 1) -> str: ...
            >>> pdf2text.item("in/report.pdf", page=3).target
            'working/pdf2text/report.pdf-3~...'
        """
        found = self.naming.item(settle(self._bound + args), settle(kwargs))
        if found is None:
            msg = f"task {self.name!r} has target=None, so its calls have no Item: set a target."
            raise TemplateError(msg)
        return found

    def with_options(self, **options: Unpack[TaskOptions]) -> Task[P, R_co]:
        """Return this task with some options changed.

        Args:
            **options: As for `task`.

        Raises:
            UnknownOption: Tasks have no option with this name.
        """
        changed: Task[P, R_co] = Task(self._original, {**self.options, **options})
        changed._bound = self._bound
        changed._set_entry(changed.__call__, self._bound)
        changed._origin = self._origin or self
        return changed

    def on_completion(self, fn: H) -> H:
        """Call `fn(task, task_run, state)` when a run completes, in the Prefect modes."""
        return self._add_hook("on_completion", fn)

    def on_failure(self, fn: H) -> H:
        """Call `fn(task, task_run, state)` when a run fails, in the Prefect modes."""
        return self._add_hook("on_failure", fn)

    def on_running(self, fn: H) -> H:
        """Call `fn(task, task_run, state)` when a run starts, in the Prefect modes."""
        return self._add_hook("on_running", fn)

    def on_commit(self, fn: H) -> H:
        """Call `fn(transaction)` when a run's result is committed, in the Prefect modes."""
        return self._add_hook("on_commit", fn)

    def on_rollback(self, fn: H) -> H:
        """Call `fn(transaction)` when a run is rolled back, in the Prefect modes."""
        return self._add_hook("on_rollback", fn)

    def _add_hook(self, option: TaskHook, fn: H) -> H:
        hooks = [*(self.options.get(option) or ()), fn]
        self.options = cast("TaskOptions", {**self.options, option: hooks})
        return fn

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in TASK_ATTRIBUTES:
            # As in Prefect, a task's options are its attributes.
            self.options = cast("TaskOptions", {**self.options, name: value})

    def __getattr__(self, name: str) -> Any:
        # Called only for attributes that this class does not have; prefect.Task may have them.
        if type(self) is Task and not name.startswith("_"):
            if "prefect.tasks" in sys.modules:
                upgrade_task(self)
            else:
                current_runner().upgrade_task(self)
            if type(self) is not Task:
                return getattr(self, name)
        msg = (
            f"task {self.__dict__.get('name')!r} has no attribute {name!r} in this mode. The"
            " attributes of prefect.Task exist in the Prefect modes only: set PREFECTX=prefect, or"
            " call use_mode."
        )
        raise AttributeError(msg, name=name, obj=self)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: Task[Concatenate[S, Q], R], instance: S, owner: type[S] | None = None
    ) -> Task[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Task[..., Any]:
        if isinstance(self._original, classmethod):
            return self._bind_to(owner)
        if instance is None or isinstance(self._original, staticmethod):
            return self
        return self._bind_to(instance)

    def _set_entry(self, entry: Callable[..., Any], first: tuple[object, ...] = ()) -> None:
        if first:
            entry = partial(entry, *first)
        self.__call__ = entry  # type: ignore[method-assign] # pyright: ignore[reportAttributeAccessIssue]

    def become_class_method(self) -> None:
        """Become a task of the class method that is written above this task."""
        function: Callable[..., Any] = self.fn
        self._original = classmethod(function)

    def _bind_to(self, owner: object) -> Task[..., Any]:
        bound: Task[..., Any] = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._bound = (owner,)
        bound._set_entry(self.__call__, (owner,))
        bound._origin = self._origin or self
        bound._unbound = self
        return bound

    @property
    def is_pickled_by_value(self) -> bool:
        """True if the function itself is pickled, because other processes cannot import it."""
        return not is_importable(self._origin or self)

    def __reduce__(self) -> tuple[Any, ...]:
        if is_importable(self):
            return (import_by_name, (self.__module__, self.__qualname__))
        if self._origin is None:
            # Created first, initialised later: a recursive function refers to its own task.
            return (Task.__new__, (Task,), (self._original, self.options))
        return (Task._restore_variant, (self._origin, self.options, self._bound))

    def __copy__(self) -> Self:
        # A separate task, whose attributes can be set without changing this one.
        one = object.__new__(type(self))
        one.__dict__.update(self.__dict__)
        one._set_entry(entry_of(one), one._bound)
        one._origin = self._origin or self
        return one

    def __setstate__(self, state: tuple[Any, TaskOptions]) -> None:
        # Called on this class, because a subclass has another __init__.
        Task.__init__(self, *state)  # pyright: ignore[reportUnknownMemberType]

    @staticmethod
    def _restore_variant(
        origin: Task[..., Any], options: TaskOptions, bound: tuple[object, ...]
    ) -> Task[..., Any]:
        variant: Task[..., Any] = Task(origin._original, options)
        variant._bound = bound
        variant._set_entry(variant.__call__, bound)
        variant._origin = origin
        return variant

    def __dir__(self) -> list[str]:
        return public_names(self, PUBLIC_OF_TASKS)

    def __repr__(self) -> str:
        return f"<Task {self.qualified_name}>"


def _module_of(fn: Any) -> str:
    """Return the name of a function's module; for a script, the name that it is imported by."""
    module: str = fn.__module__
    if module not in {"__main__", "__mp_main__"}:
        return module
    # Stored on the function, because another process may have another script as `__main__`.
    if not hasattr(fn, "__prefectx_module__"):
        fn.__prefectx_module__ = module_name(module)
    name: str = fn.__prefectx_module__
    return name


class TaskDecorator:
    """`task`: decorates a function, or takes options by name and returns a decorator.

    `@task`, `@task(target=…)`, or `task = task(target=…)` for all tasks of a module. An option
    that is left out is inherited.

    Options of prefectx:
        target: the name under which the output is stored, an f-string body; None: not stored.
        base: the value of {base} in templates, unless `context` sets it: an f-string body.
        store: the store of the output, or its class; None: the function writes its target.
        save: False: the function writes its target, and the store checks whether it exists.
        name: the task's name; with {…} in it, the name of each run, an f-string body.
        modules: modules that templates may use, besides os, datetime and Path.
        rerun_on: the reasons to recompute an output: "inputs", "code", "upstream", "expired".
        expires: the age at which an output expires.
        files: the arguments that name files, which are compared by content: see `InFile`.
        once: True: if processes miss a target at the same time, one makes it, the others wait.
        isolate: True: runs in a child process, in all modes except `function`.
        resources: Dask resources that a run needs: {"GPU": 1}.
        priority: Dask's priority: the highest runs first; by default 0.
        workers: the Dask workers that may run it: addresses, names or hosts.

    Options of Prefect, used in the Prefect modes (`cache` uses retries and timeouts too):
        description: text for the API; by default the docstring.
        tags: tags of each task run.
        version: the task's version, a text.
        cache_policy: which calls share a result in Prefect's own cache.
        cache_key_fn: a function that returns the key in Prefect's own cache.
        cache_expiration: how long a result in Prefect's own cache is valid.
        task_run_name: the name of each run, or a function that returns it.
        retries: how often a failed run is tried again.
        retry_delay_seconds: how long to wait before each retry.
        retry_jitter_factor: how much that wait varies at random.
        retry_condition_fn: a function that tells whether a failed run is tried again.
        persist_result: whether Prefect stores the result too.
        result_storage: where Prefect stores it.
        result_serializer: how Prefect writes it.
        result_storage_key: under which key Prefect stores it.
        cache_result_in_memory: whether Prefect keeps the result in memory.
        timeout_seconds: how long a run may take.
        log_prints: whether print goes to the run's log.
        refresh_cache: whether Prefect's own cache is ignored.
        on_completion: functions called when a run completes.
        on_failure: functions called when a run fails.
        on_running: functions called when a run starts.
        on_rollback: functions called when a transaction is rolled back.
        on_commit: functions called when a transaction is committed.
        viz_return_value: the output that `flow.visualize` uses.
        asset_deps: assets that the task depends on.

    Example:
        >>> task = task(target="out/{funcname}/{day}.json")
        >>> @task
        ... def count(day: str) -> int:
        ...     return len(day)
        >>> count("monday")
        6
        >>> count.item("monday").target
        'out/count/monday.json'
    """

    def __init__(self, **options: Unpack[TaskOptions]) -> None:
        check_options(options, TASK_OPTIONS, "task")
        self.options: Final = options
        # `help(task)` shows an object's own docstring; otherwise its class with all methods.
        self.__doc__ = f"\n{type(self).__doc__}"

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"task({options})" if options else "prefectx.task"

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def __call__(self, /, **options: Unpack[TaskOptions]) -> TaskDecorator: ...
    def __call__(self, fn: Any = None, /, **options: Unpack[TaskOptions]) -> Any:
        """Decorate a function, or return a decorator with these options on top of its own."""
        if fn is None:
            return TaskDecorator(**cast("TaskOptions", {**self.options, **options}))
        if not (callable(fn) or is_static_or_class_method(fn)):
            msg = f"task takes a function, or options by name, not {fn!r}"
            raise TypeError(msg)
        decorated: Task[..., Any] = Task(fn, cast("TaskOptions", {**self.options, **options}))
        take_class_methods(decorated)
        return decorated


# Not Final: a user's module may have `task = task(…)` with other options.
task: TaskDecorator = TaskDecorator()
