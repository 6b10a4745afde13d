"""`DecoratedFunction`: the base class of tasks and flows."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, ParamSpec, Self, TypeVar

from prefectx._values.references import (
    function_in,
    import_by_name,
    is_importable,
    qualified_name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
H = TypeVar("H", bound="Callable[..., Any]")


class DecoratedFunction(Generic[P, R_co]):
    """A function with options, which becomes one of Prefect's objects in the Prefect modes.

    Its options can also be set as attributes, as in Prefect. It may be a method: then each object
    has one of its own. Other processes import it by its name, if they can.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[P, R_co]
    name: str
    # Each subclass has its own TypedDict.
    options: Any

    #: `Task` or `Flow`, also in the classes that inherit from Prefect's as well.
    _own_class: ClassVar[type[Any]]
    #: The word for it in messages.
    _word: ClassVar[Literal["task", "flow"]]
    #: The module of Prefect's class of this name.
    _prefect_module: ClassVar[str]
    #: The options that can be set as attributes.
    _settable: ClassVar[frozenset[str]]
    #: The attributes that `dir` shows, including those that exist in the Prefect modes only.
    _public: ClassVar[frozenset[str]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if DecoratedFunction in cls.__bases__:
            cls._own_class = cls

    def __init__(
        self,
        fn: Callable[P, R_co] | staticmethod[P, R_co] | classmethod[Any, P, R_co],
        options: Mapping[str, Any],
    ) -> None:
        self._original: Any = fn
        self.fn: Callable[P, R_co] = function_in(fn)
        this: Any = self
        update_wrapper(this, self.fn)
        self.__qualname__ = qualified_name_of(self.fn)
        self.options = options
        self._bound: tuple[object, ...] = ()
        # For a variant, with other options or bound to an object: the one that was decorated.
        self._origin: Self | None = None
        # For a bound method: the one that is not bound.
        self._unbound: Self | None = None

    # In the Prefect modes.
    def _prefect_class(self) -> type:
        """Return the class that inherits from this class and from Prefect's."""
        raise NotImplementedError

    def _upgrade(self) -> None:
        """Become an object of Prefect's, if Prefect has been imported or the mode uses it."""
        raise NotImplementedError

    # Type checkers would take any name for an attribute; they see `prefect_attributes` instead.
    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """The class for `isinstance`: if Prefect is loaded, Prefect's too.

            The object is upgraded when an attribute is used that only Prefect's class has.
            """
            if type(self) is self._own_class and self._prefect_module in sys.modules:
                return self._prefect_class()
            return type(self)

        def __getattr__(self, name: str) -> Any:
            # Called only for attributes that this class does not have; Prefect's may have them.
            if type(self) is self._own_class and not name.startswith("_"):
                self._upgrade()
            if type(self) is not self._own_class:
                # Another thread may have upgraded it since the attribute was looked up.
                with suppress(AttributeError):
                    return object.__getattribute__(self, name)
            msg = (
                f"{self._word} {self.__dict__.get('name')!r} has no attribute {name!r} in this"
                f" mode. The attributes of prefect.{self._own_class.__name__} exist in the Prefect"
                " modes only: set PREFECTX=prefect, or call use_mode."
            )
            raise AttributeError(msg, name=name, obj=self)

        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)
            if name in self._settable:
                self.options = {**self.options, name: value}

    def on_completion(self, fn: H) -> H:
        """Call `fn(task, task_run, state)` when a run completes, in the Prefect modes.

        For a flow, the arguments are the flow, its run and the state.
        """
        return self._add_hook("on_completion", fn)

    def on_failure(self, fn: H) -> H:
        """Call `fn(task, task_run, state)` when a run fails, in the Prefect modes.

        For a flow, the arguments are the flow, its run and the state.
        """
        return self._add_hook("on_failure", fn)

    def on_running(self, fn: H) -> H:
        """Call `fn(task, task_run, state)` when a run starts, in the Prefect modes.

        For a flow, the arguments are the flow, its run and the state.
        """
        return self._add_hook("on_running", fn)

    def _add_hook(self, option: str, fn: H) -> H:
        self.options = {**self.options, option: [*(self.options.get(option) or ()), fn]}
        return fn

    def bound_to(self, owner: object) -> Self:
        """Return this task or flow as a method of `owner`, an object or a class."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._bound = (owner,)
        bound._origin = self._origin or self
        bound._unbound = self
        return bound

    def _attribute_of(self, instance: object, owner: type | None) -> Any:
        """Return what the attribute of an object or a class is, whose body holds this one."""
        if isinstance(self._original, classmethod):
            return self.bound_to(owner)
        if instance is None or isinstance(self._original, staticmethod):
            return self
        return self.bound_to(instance)

    def _with_options(self, options: Mapping[str, Any]) -> Any:
        changed = self._own_class(self._original, {**self.options, **options})
        changed._bound = self._bound
        changed._origin = self._origin or self
        return changed

    def __copy__(self) -> Self:
        # Its attributes can be set without changing this one.
        one = object.__new__(type(self))
        one.__dict__.update(self.__dict__)
        one._origin = self._origin or self
        return one

    def __reduce__(self) -> tuple[Any, ...]:
        if is_importable(self):
            return (import_by_name, (self.__module__, self.__qualname__))
        own = self._own_class
        if self._origin is None:
            # Created first, initialised later: a recursive function refers to its own task.
            return (own.__new__, (own,), (self._original, self.options))
        return (own.restore_variant, (self._origin, self.options, self._bound))

    def __setstate__(self, state: tuple[Any, Mapping[str, Any]]) -> None:
        # Not that of a subclass, which may take other arguments.
        own: Any = self._own_class
        own.__init__(self, *state)

    @classmethod
    def restore_variant(
        cls, origin: Any, options: Mapping[str, Any], bound: tuple[object, ...]
    ) -> Any:
        """Return a variant of `origin` in another process, with other options or bound."""
        variant: Any = cls(origin._original, options)
        variant._origin = origin
        return variant.bound_to(*bound) if bound else variant

    def __dir__(self) -> list[str]:
        every: Iterable[str] = object.__dir__(self)
        python = {name for name in every if name.startswith("__")}
        of_function = {name for name in vars(self.fn) if not name.startswith("_")}
        return sorted({*self._public, *python, *of_function})
