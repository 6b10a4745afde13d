"""How the calls of one task are named: its templates, compiled, and the store that keeps them."""

from __future__ import annotations

from prefectx._identity.exact_text import NotPlain
from prefectx._naming.default_base import made_base
from prefectx._naming.signature import Signature
from prefectx._naming.template import Template
from prefectx._settings.context import context_names
from prefectx._settings.options import run_name_template
from prefectx._values.functions import (
    is_async_generator_function,
    is_generator_function,
    name_of,
    qualified_name_of,
)
from prefectx._values.item import Item
from prefectx.errors import TemplateError, UnsupportedValue
from prefectx.stores.base import Store
from prefectx.stores.file import Filestore
from prefectx.stores.formats import check_suffix
from prefectx.stores.self_written import SelfWritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

    from prefectx._settings.options import TaskOptions
    from prefectx._values.functions import Parameter

DEFAULTS: Final[TaskOptions] = {
    "target": "working/{funcname}/{base}",
    "store": Filestore,
    "save": True,
}


class Naming:
    """What of a task's options says where outputs lie and what runs are called.

    Args:
        fn: The task's function.
        options: The task's options, defaults left out.

    Raises:
        TemplateError: A template does not compile.
        UnsupportedValue: The store is none, or has no format for the target's suffix.
    """

    def __init__(self, fn: Callable[..., Any], options: TaskOptions) -> None:
        merged: TaskOptions = {**DEFAULTS, **options}
        self._fn = fn
        #: Why outputs cannot be kept, whatever the options: said when one would have to be.
        self._refusal: Final = _refusal(fn) if merged.get("target") is not None else None
        self._signature: Final = Signature(fn)
        self.bind: Final = self._signature.binder()
        self.unbound: Final = self._signature.unbound
        self._modules: Final = tuple(merged.get("modules", ()))
        self._base: Final = self._template("base", merged.get("base"), None)
        self._name: Final = self._template("name", run_name_template(options), self._base_of)
        self._target: Final = self._template("target", merged.get("target"), self._base_of)
        #: Takes a call's arguments and gives its Item, data inside a task, if it is plainly done:
        #: the arguments are plain, the run knows the task, no other call has claimed the target,
        #: and it is there. Of all else it gives None.
        self.hit: Final = (
            self._target.hit(self) if self._target and self._refusal is None else _no_hit
        )
        self._told: Callable[..., str] | None = None
        self.store: Final = self._checked_store(merged)
        #: Where the template does not name base, the target's last part is no name for the whole.
        self.item_base: Final = None if self._target and self._target.uses_base else ""
        first = next(iter(self._signature.parameters), None)
        qualified_name = qualified_name_of(fn)
        is_method = first in {"self", "cls"} and "." in qualified_name
        self._owner: Final = qualified_name if is_method else ""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The function's parameters."""
        return self._signature.parameters

    @property
    def names_runs(self) -> bool:
        """Whether there is a template for the names of runs."""
        return self._name is not None

    @property
    def has_target(self) -> bool:
        """Whether outputs are kept."""
        return self._target is not None

    def compiled(
        self,
        statements: Sequence[str],
        result: str,
        namespace: Mapping[str, Any],
        further: Sequence[str],
    ) -> Callable[..., Any]:
        """Return a function with the task's parameters and further ones."""
        compiled: Callable[..., Any] = self._signature.compile(
            [], statements, result, namespace, further
        )
        return compiled

    def item(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Item[Any] | None:
        """Return the Item of a call whose arguments hold no futures, or None without a target.

        Raises:
            UnsupportedValue: The function is one whose output cannot be kept.
        """
        if self._target is None:
            self.bind(*args, **kwargs)
            return None
        if self._refusal is not None:
            raise UnsupportedValue(self._refusal)
        target = self._target.render_safely(args, kwargs)
        return Item(self.store, target, self.item_base)

    def plain_text(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        """Return what tells a call apart if its arguments are plain, else None."""
        if self._target is None:
            return None
        self._told = self._told or self._target.told()
        try:
            return self._told(*args, **kwargs)
        except (NotPlain, ValueError):
            return None

    def run_name(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        """Return the name of a call's run, or None without a template for it."""
        return None if self._name is None else self._name.render(args, kwargs)

    def _base_of(self, arguments: Mapping[str, Any]) -> str:
        names = context_names()
        if "base" in names:
            return str(names["base"])
        if self._base is not None:
            return self._base.render(*self.unbound(arguments))
        return made_base(arguments, self._signature.absent, owner=self._owner)

    def _template(
        self, option: str, text: object, base: Callable[[Mapping[str, Any]], str] | None
    ) -> Template | None:
        if text is None:
            return None
        if not isinstance(text, str):
            msg = f"a template is a str, not {text!r}"
            raise TemplateError(msg)
        return Template(text, self._signature, self._modules, option, base)

    def _checked_store(self, options: TaskOptions) -> Store:
        kind: Any = options.get("store")
        store = kind() if isinstance(kind, type) else kind
        if not (store is None or isinstance(store, Store)):
            msg = f"task {name_of(self._fn)!r}: store takes a Store or its class, not {store!r}"
            raise UnsupportedValue(msg)
        if self._target is None:
            return store or Filestore()
        if store is None or not options.get("save"):
            annotations = getattr(self._fn, "__annotations__", {})
            return SelfWritten(store or Filestore(), _path_type(annotations.get("return")))
        if isinstance(store, Filestore):
            check_suffix(self._target.ending, self._target.source)
        return store


def _refusal(fn: Callable[..., Any]) -> str | None:
    """Return why the output of `fn` cannot be kept, if it cannot."""
    if is_generator_function(fn) or is_async_generator_function(fn):
        return (
            f"task {name_of(fn)!r} is a generator, whose output cannot be kept. Return a list, or"
            " give it target=None: then it always runs."
        )
    if not hasattr(fn, "__qualname__"):
        return (
            f"task {name_of(fn)!r} is made of {fn!r}, whose output cannot be kept, for it has no"
            " name of its own to tell it from others: wrap it in a def, or give it target=None:"
            " then it always runs."
        )
    return None


def _no_hit(*_args: object, **_kwargs: object) -> None:
    pass


def _path_type(annotation: object) -> type[str | Path]:
    if "Path" not in str(annotation):
        return str
    from pathlib import Path

    return Path
