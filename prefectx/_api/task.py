"""`Task`: a function whose output is stored under a readable name."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Literal,
    Never,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    get_args,
    overload,
)

from prefectx._api.decorated_function import DecoratedFunction
from prefectx._api.entry import entry_of
from prefectx._api.prefect_attributes import PrefectTaskAttributes
from prefectx._identity.names import module_of
from prefectx._identity.task_code import TaskCode
from prefectx._naming.options import (
    OF_EACH_CALL,
    TASK_ATTRIBUTES,
    TASK_OPTIONS,
    TaskHook,
    TaskOptions,
    check_options,
    task_name,
)
from prefectx._naming.task_names import TaskNames
from prefectx._runners import current_runner
from prefectx._runners.prefect_classes import prefect_task_class, upgrade_task
from prefectx._settings.project import read_project
from prefectx._settings.rerun_reasons import validate_expires, validate_rerun_on
from prefectx._values.annotations import unmapped
from prefectx._values.future import Future, FutureList, State
from prefectx._values.item import Item, settle
from prefectx._values.references import is_importable, name_of
from prefectx._values.tracebacks import own_frames_hidden
from prefectx.errors import TemplateError, UnknownOption, UnsupportedValue

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from prefectx._values.future import Handle


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


class Task(_CallSlot, DecoratedFunction[P, R_co], PrefectTaskAttributes):
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

    __module__ = "prefectx"

    options: TaskOptions

    _word = "task"
    _prefect_module = "prefect.tasks"
    _settable = TASK_ATTRIBUTES
    _public = frozenset(
        {"fn", "name", "submit", "map", "item", "with_options", "options", "is_async"}
        | frozenset(get_args(TaskHook))
        # Prefect's, in the Prefect modes.
        | {"apply_async", "aserve", "create_local_run", "create_run", "delay", "serve"}
    )

    def __init__(
        self,
        fn: Callable[P, R_co] | staticmethod[P, R_co] | classmethod[Any, P, R_co],
        options: TaskOptions,
    ) -> None:
        check_options(options, TASK_OPTIONS, "task")
        super().__init__(fn, options)
        self.name = task_name(options) or name_of(self.fn)
        self.qualified_name: Final[str] = f"{module_of(self.fn)}.{self.__qualname__}"
        is_async_generator = inspect.isasyncgenfunction(self.fn)
        self.is_generator: Final = inspect.isgeneratorfunction(self.fn) or is_async_generator
        self.is_async: Final = inspect.iscoroutinefunction(self.fn) or is_async_generator
        self.rerun_on: Final = validate_rerun_on(options.get("rerun_on", ()), f"task {self.name!r}")
        self.expires: Final = validate_expires(options.get("expires"), f"task {self.name!r}")
        self.once: Final = options.get("once", False)
        self.isolate: Final = options.get("isolate", False)
        if self.isolate and self.is_generator:
            msg = (
                f"task {self.name!r} is a generator, which cannot run in another process with"
                " isolate=True. Return a list."
            )
            raise UnsupportedValue(msg)
        self.naming: Final = TaskNames(self.fn, options)
        # Prefect's copy of a method, bound to an object, is another function.
        self.code: Final = TaskCode(self.fn, self.qualified_name)
        # In a Prefect mode, Prefect's own errors come first.
        current_runner().upgrade_task(self)
        for name in OF_EACH_CALL:
            if name in self.naming.parameters:
                msg = (
                    f"task {self.name!r} has a parameter {name!r}, which is a keyword of every"
                    " task's call. Rename the parameter."
                )
                raise UnknownOption(msg)
        self._set_entry(entry_of(self))

    def _prefect_class(self) -> type:
        return prefect_task_class(Task)

    def _upgrade(self) -> None:
        if self._prefect_module in sys.modules:
            upgrade_task(self)
        else:
            current_runner().upgrade_task(self)

    @property
    def bound_arguments(self) -> int:
        """The number of arguments before the caller's: 1 for a bound method, otherwise 0."""
        return len(self._bound)

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
        # A function of which nothing is said, or which only raises, is no coroutine function.
        @overload
        def __call__(  # pyright: ignore[reportOverlappingOverload]
            self: Task[..., Never], /, *args: Any, return_state: Literal[True], **kwargs: Any
        ) -> State[Any]: ...
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
            self, /, *args: Any, wait_for: Handle[Any] | Iterable[Any] | None, **kwargs: Any
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
        with own_frames_hidden:
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
        with own_frames_hidden:
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
        with own_frames_hidden:
            found = self.naming.item(settle(self._bound + args), settle(kwargs))
            if found is None:
                msg = (
                    f"task {self.name!r} has target=None, so its calls have no Item: set a target."
                )
                raise TemplateError(msg)
            return found

    def with_options(self, **options: Unpack[TaskOptions]) -> Task[P, R_co]:
        """Return this task with some options changed.

        Args:
            **options: As for `task`.

        Raises:
            UnknownOption: Tasks have no option with this name.
        """
        changed: Task[P, R_co] = self._with_options(options)
        changed._set_entry(changed.__call__, self._bound)
        return changed

    def on_commit(self, fn: H) -> H:
        """Call `fn(transaction)` when a run's result is committed, in the Prefect modes."""
        return self._add_hook("on_commit", fn)

    def on_rollback(self, fn: H) -> H:
        """Call `fn(transaction)` when a run is rolled back, in the Prefect modes."""
        return self._add_hook("on_rollback", fn)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(
        self: Task[Concatenate[S, Q], R], instance: S, owner: type[S] | None = None
    ) -> Task[Q, R]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Task[..., Any]:
        bound: Task[..., Any] = self._attribute_of(instance, owner)
        return bound

    def _set_entry(self, entry: Callable[..., Any], first: tuple[object, ...] = ()) -> None:
        if first:
            entry = partial(entry, *first)
        self.__call__ = entry  # type: ignore[method-assign] # pyright: ignore[reportAttributeAccessIssue]

    def become_class_method(self) -> None:
        """Become a task of the class method that is written above this task."""
        function: Callable[..., Any] = self.fn
        self._original = classmethod(function)

    def bound_to(self, owner: object) -> Self:
        """Return this task as a method of `owner`, an object or a class."""
        bound = super().bound_to(owner)
        bound._set_entry(self.__call__, (owner,))
        return bound

    def __copy__(self) -> Self:
        one = super().__copy__()
        one._set_entry(entry_of(one), one._bound)
        return one

    @property
    def is_pickled_by_value(self) -> bool:
        """True if the function itself is pickled, because other processes cannot import it."""
        return not is_importable(self._origin or self)

    def __repr__(self) -> str:
        return f"<Task {self.qualified_name}>"
