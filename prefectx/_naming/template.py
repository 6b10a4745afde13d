"""Templates: f-string bodies for the names of targets and runs."""

from __future__ import annotations

import ast
import builtins
import datetime
import linecache
import os
import sys
from functools import cached_property, lru_cache
from pathlib import Path
from symtable import symtable
from typing import TYPE_CHECKING, Any, Final

from prefectx._identity.syntax import syntax_tree
from prefectx._naming.recovered_parameters import recovered_parameters
from prefectx._naming.safe_names import LONGEST, LONGEST_PART, are_clearly_safe, why_unsafe
from prefectx._settings.context import context_names
from prefectx._values.item import Item
from prefectx.errors import PrefectxError, TemplateError, UnsafeTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from symtable import SymbolTable
    from types import ModuleType

    from prefectx._identity.call_identity import CallIdentity
    from prefectx._naming.signature import Signature

_ALWAYS: Final[Mapping[str, Any]] = {"os": os, "datetime": datetime, "Path": Path}
_QUOTES: Final = ("'''", '"""')
_TASK_NAMES: Final = ("funcname", "taskname")
_NOT_ALLOWED: Final = (ast.Await, ast.Yield, ast.YieldFrom)

# The sources that debuggers show, by file name.
_sources: Final[dict[str, str]] = {}


class Template:
    """A template of one task, compiled when it is first rendered.

    Args:
        text: An f-string body, as in `"working/{funcname}/{base[:8]}"`.
        signature: The parameters of the task's function.
        modules: Modules that the template may use, beside `os`, `datetime` and `Path`.
        option: The option's name, for messages.
        base: Returns a call's base from its arguments and identity; called only if the template
            uses it.

    Raises:
        TemplateError: The text is not the body of an f-string.
    """

    def __init__(
        self,
        text: str,
        signature: Signature,
        modules: Iterable[ModuleType] = (),
        option: str = "target",
        base: Callable[[Mapping[str, Any], CallIdentity | None], str] | None = None,
    ) -> None:
        self.text: Final = text
        #: The template as messages name it.
        self.label: Final = f"{option}={text!r} of task {signature.name!r}"
        self._option = option
        self._place = f"{option} of {signature.module}.{signature.qualified_name}"
        self._signature = signature
        self._base_of = base
        try:
            self._body, names = _parse(text)
        except (SyntaxError, ValueError) as error:
            why = error.msg if isinstance(error, SyntaxError) else error
            msg = f"{self.label} is not the body of an f-string: {why}"
            raise TemplateError(msg) from error
        self.argument_names: Final = names & signature.parameters.keys()
        self.uses_base: Final = base is not None and "base" in names - self.argument_names
        task_names = frozenset(_TASK_NAMES) - self.argument_names
        self.folder: Final = _literal_start(text, signature.name, task_names)
        self.ending: Final = text.rpartition("}")[2]
        packages = dict(map(_package, modules))
        self._known: Final = {
            **{name: vars(builtins)[name] for name in names if name in vars(builtins)},
            **{name: value for name, value in _ALWAYS.items() if name in names},
            **packages,
        }
        self._always: Final = (*["base"] * (base is not None), *_TASK_NAMES, *_ALWAYS, *packages)
        self._fixed: Final = dict.fromkeys(names & task_names, signature.name)
        # The context may set these, also in place of modules and builtins.
        self._settable: Final = sorted(
            names - self.argument_names - task_names - {"base" if self.uses_base else ""}
        )

    @cached_property
    def _function(self) -> Callable[..., str]:
        """The template compiled to one function, whose source debuggers show."""
        parameters = [*sorted(self.argument_names), *["base"] * self.uses_base, *self._settable]
        star = "*, " * bool(parameters)
        source = f"def {self._option}({star}{', '.join(parameters)}):\n    return {self._body}\n"
        file = _register_source(self._place, source)
        namespace: dict[str, Any] = dict(self._fixed)
        exec(compile(source, file, "exec"), namespace)  # noqa: S102 - templates are code by the author
        compiled: Callable[..., str] = namespace[self._option]
        return compiled

    def render(self, arguments: Mapping[str, Any], identity: CallIdentity | None = None) -> str:
        """Return the text for a call; Items that the template names are loaded.

        Args:
            arguments: The call's arguments by name, defaults applied.
            identity: The call's identity, if it is there: then nothing is hashed twice.

        Raises:
            TemplateError: The template uses an unknown name, or an expression in it failed.
        """
        try:
            values: dict[str, Any] = {}
            for name in self.argument_names:
                value = arguments[name]
                values[name] = value.load() if isinstance(value, Item) else value
            if self.uses_base and self._base_of is not None:
                values["base"] = self._base_of(arguments, identity)
            if self._settable:
                values.update(self._from_context())
            return self._function(**values)
        except (PrefectxError, RecursionError):
            # If nested calls have filled the stack, the outer call raises NestedTooDeeply.
            raise
        except Exception as error:
            msg = f"{self.label} cannot be rendered: {type(error).__name__}: {error}"
            raise TemplateError(msg) from error

    def render_safely(
        self, arguments: Mapping[str, Any], identity: CallIdentity | None = None
    ) -> str:
        """Return the target for a call, below the folder with which the template starts.

        Raises:
            UnsafeTarget: A value would leave the folder or is not allowed in a file name.
        """
        target = self.render(arguments, identity)
        inside = target[len(self.folder) :]
        if not are_clearly_safe(inside):
            self._check(target, inside)
        return target

    def parameters_in(self, target: str, of_base: Sequence[str] = ()) -> dict[str, str] | None:
        """Return the values in a target by name, as far as it tells; None if it is none of these.

        Args:
            target: The target.
            of_base: The parameters that `{base}` is made from.
        """
        return recovered_parameters(self._body, target, self._signature.name, tuple(of_base))

    def _from_context(self) -> dict[str, Any]:
        names = context_names()
        found: dict[str, Any] = {}
        for name in self._settable:
            if name in names:
                found[name] = names[name]
            elif name in self._known:
                found[name] = self._known[name]
            else:
                raise self._missing(name)
        return found

    def _missing(self, name: str) -> TemplateError:
        msg = (
            f"{self.label} uses the name {name!r}, which is not defined. Names that are defined:"
            f" arguments: {_join_sorted(self._signature.parameters)}; context:"
            f" {_join_sorted(context_names())}; and {', '.join(self._always)}. Set it with"
            f" context({name}=…), or add its module to modules=[…]."
        )
        return TemplateError(msg)

    def _check(self, target: str, inside: str) -> None:
        for part in inside.split("/"):
            if (why := why_unsafe(part)) is not None:
                raise self._refusal(target, f"in which {_short(part)} {why}")
        if len(inside.encode()) > LONGEST:
            raise self._refusal(target, f"which is longer than {LONGEST} bytes")

    def _refusal(self, target: str, why: str) -> UnsafeTarget:
        where = repr(self.folder) if self.folder else "the root of the store"
        msg = (
            f"{self.label} gives the target {_short(target)}, {why}. A target must stay below"
            f" {where} and have valid file names. Clean the value in the template, or use another"
            " one."
        )
        return UnsafeTarget(msg)


def _short(text: str) -> str:
    return repr(text) if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]!r}…"


@lru_cache
def _parse(text: str) -> tuple[str, frozenset[str]]:
    """Return the text as the source of an f-string, and its free names.

    Raises:
        SyntaxError: The text is not the body of an f-string.
        ValueError: The text has both kinds of triple quotes.
    """
    for quotes in _QUOTES:
        if quotes in text or text.endswith(quotes[0]):
            continue
        body = f"rf{quotes}{text}{quotes}"
        if any(isinstance(node, _NOT_ALLOWED) for node in ast.walk(syntax_tree(body, "eval"))):
            msg = "a template cannot await or yield"
            raise SyntaxError(msg)
        return body, frozenset(_free_names(symtable(body, "template", "eval")))
    msg = "it cannot be quoted; use fewer quotation marks in it"
    raise ValueError(msg)


def _free_names(table: SymbolTable) -> set[str]:
    """Return the names that are looked up outside, without those that inner scopes bind."""
    free = {symbol.get_name() for symbol in table.get_symbols() if _is_looked_up_outside(symbol)}
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()}
    return free.union(*map(_free_names, table.get_children())) - bound


def _is_looked_up_outside(symbol: Any) -> bool:
    return bool(symbol.is_referenced() and symbol.is_global())


def _register_source(place: str, source: str) -> str:
    """Register a source for debuggers and tracebacks; return its file name."""
    number = 1
    file = f"<{place}>"
    while _sources.setdefault(file, source) != source:
        number += 1
        file = f"<{place}, {number}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return file


def _package(module: ModuleType) -> tuple[str, ModuleType]:
    """Return the top-level name and package of `module`: `xml` for `xml.dom`."""
    name = module.__name__.partition(".")[0]
    return name, sys.modules.get(name, module)


def _literal_start(text: str, funcname: str, task_names: frozenset[str]) -> str:
    """Return the folder of all targets of a template."""
    start = ""
    while True:
        literal, brace, text = text.partition("{")
        start += literal
        if text[:1] == "{":
            start, text = start + "{", text[1:]
            continue
        name, end, rest = text.partition("}")
        if not (brace and end and name in task_names):
            break
        start, text = start + funcname, rest
    folder, slash, _ = start.replace("}}", "}").rpartition("/")
    return folder + slash


def _join_sorted(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
