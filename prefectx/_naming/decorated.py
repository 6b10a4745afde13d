"""Tasks and flows as calls and runners see them: what they ask of one, whatever its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from prefectx._naming.options import TaskOptions
    from prefectx._naming.task_names import Naming


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
    def identity(self) -> str:
        """A text that no other task has."""
        ...

    @property
    def code_hash(self) -> str:
        """A hash of what the function does."""
        ...

    @property
    def maker_mark(self) -> str:
        """A short text that its targets carry, to be known as its own."""
        ...

    @property
    def options(self) -> TaskOptions:
        """The options that were given or inherited."""
        ...

    @property
    def naming(self) -> Naming:
        """The names of its calls: targets, bases, runs."""
        ...

    @property
    def bound_arguments(self) -> int:
        """How many arguments come with it: the object or class of a method."""
        ...

    @property
    def rerun_on(self) -> frozenset[Any]:
        """The reasons for which a target that exists is recomputed."""
        ...

    @property
    def expires(self) -> datetime.timedelta | None:
        """How old a target may be."""
        ...

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function or an async generator."""
        ...

    @property
    def is_generator(self) -> bool:
        """Whether the function is a generator."""
        ...

    @property
    def once(self) -> bool:
        """Whether one process makes a target while others wait for it."""
        ...

    @property
    def isolate(self) -> bool:
        """Whether the function runs in a process of its own."""
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
        """The function, within a run of its own if it is the outermost."""
        ...
