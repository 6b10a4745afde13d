"""Tasks below `@classmethod`, to which Python no longer passes the class since 3.13.

Up to 3.12 a class method calls `__get__` of the object that it wraps. Since then it only calls the
object with the class, so `Parser.read(page)` works but `Parser.read.submit(page)` would be the
`submit` of an unbound task. So the class gets the task itself, as if `@task` were above
`@classmethod`. (In a `NamedTuple`, whose body does not become a class, it must be written so.)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from prefectx._values.references import function_in

if TYPE_CHECKING:
    from types import FrameType

_HOOK: Final = "__prefectx_class_methods__"
_OF_A_FUNCTION: Final = 0x1  # inspect.CO_OPTIMIZED


def take_class_methods(task: Any) -> None:
    """Make class methods of the class whose body is being executed real tasks."""
    body, _, name = task.__qualname__.rpartition(".")
    if not name or body.endswith("<locals>"):
        return
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        code = frame.f_code
        if code.co_qualname == body and not code.co_flags & _OF_A_FUNCTION:
            frame.f_locals.setdefault(_HOOK, _Hook())
            return
        frame = frame.f_back


class _Hook:
    """An attribute that is called when its class is created, and then removes itself."""

    def __set_name__(self, owner: type, name: str) -> None:
        type.__delattr__(owner, name)
        for attribute, value in list(vars(owner).items()):
            task: Any = function_in(value)
            if isinstance(value, classmethod) and hasattr(task, "become_class_method"):
                task.become_class_method()
                type.__setattr__(owner, attribute, task)
