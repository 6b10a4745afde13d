"""The upgrade of a task to a real `prefect.Task`, in the Prefect modes."""

from __future__ import annotations

import functools
from typing import Any, Final

import prefect

from prefectx._naming.options import (
    OWN_OPTIONS,
    TASK_ATTRIBUTES,
    TASK_OPTIONS,
    check_options,
    prefect_options,
)
from prefectx._runners.prefect.bound_functions import bound_function, own_function
from prefectx._runners.prefect.server import api
from prefectx._runners.prefect.task_for_call import reduce_task_for_call, shared_task
from prefectx._runners.prefect.upgrade import (
    NOT_SET,
    Upgrade,
    attributes_of,
    changes_of,
    own_class,
    restore_by_name,
    restore_state,
    restore_variant,
    save_initial_attributes,
)
from prefectx._types import type_of
from prefectx._values.item import load_items
from prefectx._values.references import is_importable

# Any, because Prefect's annotations have private or missing types.
PREFECT_TASK: Final[Any] = prefect.Task


@functools.cache
def prefect_class(kind: Any) -> Any:
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
            save_initial_attributes(changed)
            return changed

        # Prefect's own keep the hooks where its engine looks for them.
        on_completion: Any = PREFECT_TASK.on_completion
        on_failure: Any = PREFECT_TASK.on_failure
        on_running: Any = PREFECT_TASK.on_running
        on_commit: Any = PREFECT_TASK.on_commit
        on_rollback: Any = PREFECT_TASK.on_rollback

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

        def bound_to(self: Any, owner: object) -> Any:
            """Return this task as a method of `owner`, an object or a class."""
            bound = own_class(self).bound_to(self, owner)
            _bind(bound)
            save_initial_attributes(bound)
            return bound

        @property
        def is_pickled_by_value(self: Any) -> bool:
            """True if the function itself is pickled, because other processes cannot import it."""
            return not is_importable(self._origin or shared_task(self))

        def __reduce__(self: Any) -> tuple[Any, ...]:
            if shared_task(self) is not self:
                return reduce_task_for_call(self, as_prefect_task)
            changes = changes_of(self)
            if is_importable(self):
                named = (self.__module__, self.__qualname__)
                return (restore_by_name, (as_prefect_task, *named, changes))
            if self._origin is not None:
                variant = (self._origin, self.options, self._bound)
                return (restore_variant, (as_prefect_task, *variant, changes))
            # In the other process, the function has no source.
            changes |= {"source_code": self.source_code, "code": self.code}
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
    task.fn = bound_function(own_function(task), task)


_UPGRADE: Final = Upgrade(PREFECT_TASK, TASK_ATTRIBUTES, _create, prefect_class, _bind)
