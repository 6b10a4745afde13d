"""The names of one task's calls: its templates, and the store of its targets."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.call_identity import CallIdentity
from prefectx._identity.given_fields import looks_at_given_fields
from prefectx._naming.default_base import base_from, default_base
from prefectx._naming.options import run_name_template
from prefectx._naming.signature import Signature
from prefectx._naming.template import Template
from prefectx._settings.context import context_names
from prefectx._settings.project import folder_of, root_for
from prefectx._settings.start_folder import start_folder_here
from prefectx._values.files import names_files, paths_in
from prefectx._values.item import Item
from prefectx._values.references import name_of, qualified_name_of
from prefectx.errors import TemplateError, UnknownOption, UnsupportedValue
from prefectx.stores.base import Store
from prefectx.stores.file import Filestore
from prefectx.stores.formats import check_suffix
from prefectx.stores.self_written import SelfWritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from inspect import Parameter

    from prefectx._naming.options import TaskOptions

DEFAULTS: Final[TaskOptions] = {
    "target": "working/{funcname}/{base}",
    "store": Filestore,
    "save": True,
}


class TaskNames:
    """The targets, bases and run names of a task's calls, made from its options.

    Args:
        fn: The task's function.
        options: The task's options, defaults left out.

    Raises:
        TemplateError: A template does not compile.
        UnsupportedValue: The store is no `Store`, or has no format for the target's suffix.
    """

    def __init__(self, fn: Callable[..., Any], options: TaskOptions) -> None:
        merged: TaskOptions = {**DEFAULTS, **options}
        self._fn = fn
        #: The reason why outputs cannot be stored, if any: raised at the first call.
        self._refusal: Final = _refusal(fn) if merged.get("target") is not None else None
        self._signature: Final = Signature(fn)
        self.bind: Final = self._signature.bind
        self.unbound: Final = self._signature.unbound
        self._modules: Final = tuple(merged.get("modules", ()))
        self._base: Final = self._template("base", merged.get("base"), None)
        self._name: Final = self._template("name", run_name_template(options), self._base_of)
        self._target: Final = self._template("target", merged.get("target"), self._base_of)
        self._around: Final = (
            (self._target.folder, self._target.ending) if self._target is not None else None
        )
        self._is_store_given: Final = options.get("store", Filestore) is not Filestore
        self._store: Store = self._checked_store(merged)
        self._is_placed = False
        self._looks_at_given_fields: bool | None = None
        #: "" if the template has no {base}: then the target's last part does not name the call.
        self.item_base: Final = None if self._target and self._target.uses_base else ""
        self._file_arguments: Final = _file_arguments(fn, merged.get("files", ()), self.parameters)
        first = next(iter(self._signature.parameters), None)
        qualified_name = qualified_name_of(fn)
        is_method = first in {"self", "cls"} and "." in qualified_name
        self._owner: Final = qualified_name if is_method else ""

    @property
    def store(self) -> Store:
        """The store of the outputs; by default a `Filestore` at the project's `root`."""
        if not self._is_placed:
            self._is_placed = True
            if not self._is_store_given and type(self._store) is Filestore:
                self._store = _below(root_for(folder_of(self._fn)))
        return self._store

    @property
    def looks_at_given_fields(self) -> bool:
        """True if the project looks at which fields of a pydantic model were given."""
        if self._looks_at_given_fields is None:
            self._looks_at_given_fields = looks_at_given_fields(self._fn)
        return self._looks_at_given_fields

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The function's parameters."""
        return self._signature.parameters

    @property
    def names_runs(self) -> bool:
        """True if there is a template for the names of runs."""
        return self._name is not None

    @property
    def has_target(self) -> bool:
        """True if outputs are stored."""
        return self._target is not None

    @property
    def must_read_records(self) -> bool:
        """True if a target is valid only if its record's file fingerprints match."""
        return self.store.is_written_by_function or bool(self._file_arguments)

    def files(self, arguments: Mapping[str, Any]) -> list[str]:
        """Return the paths of the input files that a call's arguments name."""
        named = [arguments[name] for name in self._file_arguments]
        return paths_in(named)

    def item(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Item[Any] | None:
        """Return the Item of a call whose arguments hold no futures; None without a target.

        Raises:
            UnsupportedValue: The function's output cannot be stored.
        """
        return self.item_of(self.bind(*args, **kwargs))

    def item_of(
        self,
        arguments: Mapping[str, Any],
        identity: CallIdentity | None = None,
        store: Store | None = None,
    ) -> Item[Any] | None:
        """Return the Item of a call with these bound arguments; None without a target.

        Args:
            arguments: The call's arguments by name, defaults applied.
            identity: The call's identity, if it is there: then nothing is hashed twice.
            store: The task's store at the folder where the run began, if it is known.
        """
        if self._target is None:
            return None
        if self._refusal is not None:
            raise UnsupportedValue(self._refusal)
        target = self._target.render_safely(arguments, identity)
        return Item(store or self.store_here(), target, self.item_base)

    def store_here(self) -> Store:
        """Return the store, with a relative root below the folder where the run began."""
        return self.store.anchored(start_folder_here())

    def parameters_in(self, target: str) -> dict[str, str] | None:
        """Return the values in a target by name, as texts; None if it is no target of the task."""
        if self._target is None:
            return None
        is_made = self._base is None and not self._owner
        return self._target.parameters_in(target, [*self.parameters] if is_made else [])

    def run_name(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        """Return the name of a call's run; None if there is no template for it."""
        return None if self._name is None else self._name.render(self.bind(*args, **kwargs))

    def default_run_name(
        self, task: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str | None:
        """Return the name of a call's run if there is no template: the task's name and the base.

        Args:
            task: The task's name.
            args: The call's positional arguments.
            kwargs: Its arguments by name.
        """
        item = self.item(args, kwargs)
        return None if item is None else f"{task} {base_of(item)}"

    def _base_of(self, arguments: Mapping[str, Any], identity: CallIdentity | None) -> str:
        names = context_names()
        if "base" in names:
            return str(names["base"])
        if self._base is not None:
            return self._base.render(arguments)
        identity = identity or CallIdentity("", arguments, self)
        return default_base(arguments, self._signature.absent, self._owner, self._around, identity)

    def base_from(self, arguments: Mapping[str, Any]) -> str:
        """Return the location of the Item whose base a call's target uses; "" if there is none."""
        if self.item_base == "" or self._base is not None or "base" in context_names():
            return ""
        return base_from(arguments, self._signature.absent, self._around, self.store)

    def _template(
        self, option: str, text: object, base: Callable[..., str] | None
    ) -> Template | None:
        if text is None:
            return None
        if not isinstance(text, str):
            msg = f"task {name_of(self._fn)!r}: {option} must be a str, not {text!r}"
            raise TemplateError(msg)
        return Template(text, self._signature, self._modules, option, base)

    def _checked_store(self, options: TaskOptions) -> Store:
        kind: Any = options.get("store")
        store = kind() if isinstance(kind, type) else kind
        if not (store is None or isinstance(store, Store)):
            msg = (
                f"task {name_of(self._fn)!r}: store must be a Store, a subclass of Store or None,"
                f" not {store!r}"
            )
            raise UnsupportedValue(msg)
        if self._target is None:
            return store or Filestore()
        if store is None or not options.get("save"):
            annotations = getattr(self._fn, "__annotations__", {})
            return SelfWritten(store or Filestore(), _path_type(annotations.get("return")))
        if isinstance(store, Filestore):
            check_suffix(self._target.ending, self._target.label)
        return store


def _below(root: str) -> Store:
    """Return a store at the project's root, with paths that do not depend on where that is."""
    return Filestore() if root == "." else Filestore.with_label(root, label="")


def base_of(item: Item[Any]) -> str:
    """Return the name of an item among those of its task, for people."""
    # An Item whose target does not use {base} has none.
    return item.base or item.target.rpartition("/")[2]


def _refusal(fn: Callable[..., Any]) -> str | None:
    """Return the reason why the output of `fn` cannot be stored; None if it can."""
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        return (
            f"task {name_of(fn)!r} is a generator, whose output cannot be stored. Return a list,"
            " or set target=None: then the task runs at every call."
        )
    if not hasattr(fn, "__qualname__"):
        return (
            f"task {name_of(fn)!r} is made of {fn!r}, whose output cannot be stored, because it"
            " has no name of its own. Wrap it in a def, or set target=None: then the task runs at"
            " every call."
        )
    return None


def _file_arguments(
    fn: Callable[..., Any], named: Iterable[str], parameters: Mapping[str, Parameter]
) -> list[str]:
    """Return the parameters that name files: by the option, or annotated `InFile` or `Path`."""
    asked = [named] if isinstance(named, str) else list(named)
    if unknown := set(asked).difference(parameters):
        msg = (
            f"task {name_of(fn)!r}: files has {sorted(unknown)}, which are no parameters of the"
            f" function. Its parameters: {', '.join(parameters) or 'none'}."
        )
        raise UnknownOption(msg)
    annotations = getattr(fn, "__annotations__", {})
    names = getattr(fn, "__globals__", {})
    annotated = [name for name in parameters if names_files(annotations.get(name, ""), names)]
    return [name for name in parameters if name in {*asked, *annotated}]


def _path_type(annotation: object) -> type[str | Path]:
    return Path if "Path" in str(annotation) else str
