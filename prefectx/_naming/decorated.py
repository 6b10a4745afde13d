"""Protocols of tasks and flows: the parts that calls and runners use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from prefectx._identity.task_code import TaskCode
    from prefectx._naming.options import TaskOptions
    from prefectx._naming.task_names import TaskNames


class AnyTask(Protocol):
    """A task: a function, its options and its names."""

    __qualname__: str

    @property
    def fn(self) -> Callable[..., Any]:
        """The function itself."""
        ...

    @property
    def name(self) -> str:
        """The task's name, `{funcname}` in templates."""
        ...

    @property
    def qualified_name(self) -> str:
        """The function's module and name."""
        ...

    @property
    def code(self) -> TaskCode:
        """The code of the function, which distinguishes the task and its versions."""
        ...

    @property
    def options(self) -> TaskOptions:
        """The explicit and inherited options."""
        ...

    @property
    def naming(self) -> TaskNames:
        """The names of its calls: targets, bases, runs."""
        ...

    @property
    def bound_arguments(self) -> int:
        """The number of bound arguments: the object or class of a method."""
        ...

    @property
    def rerun_on(self) -> frozenset[Any]:
        """The reasons for which a target that exists is recomputed."""
        ...

    @property
    def expires(self) -> datetime.timedelta | None:
        """The maximal age of a target."""
        ...

    @property
    def is_async(self) -> bool:
        """True for a coroutine function or an async generator."""
        ...

    @property
    def is_generator(self) -> bool:
        """True for a generator."""
        ...

    @property
    def once(self) -> bool:
        """True if one process makes a target while others wait for it."""
        ...

    @property
    def isolate(self) -> bool:
        """True if the function runs in a child process."""
        ...


class AnyFlow(Protocol):
    """A flow: a function and its options."""

    @property
    def name(self) -> str:
        """The flow's name."""
        ...

    @property
    def function(self) -> Callable[..., Any]:
        """The function that Prefect runs."""
        ...

    @property
    def body(self) -> Callable[..., Any]:
        """The function, within a new run if it is the outermost flow."""
        ...
