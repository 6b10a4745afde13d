"""Templates: f-string bodies that name targets and runs, compiled with the task's signature."""

from __future__ import annotations

import ast
import builtins
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from prefectx.context import context_names
from prefectx.errors import PrefectxError, TemplateError, UnsafeTarget
from prefectx.item import loaded_item
from prefectx.plain import TOLD, not_plain, told_with_items
from prefectx.safety import LONGEST_PART, why_unsafe
from prefectx.signature import assignment, expression

if TYPE_CHECKING:
    from prefectx.signature import Signature

_ALWAYS: Final = ("os", "datetime", "Path")
_QUOTES: Final = ("'''", '"""')
# What S3 takes, and less than any file system does.
_LONGEST: Final = 1024
_HOUSE_NAMES: Final = ("funcname", "taskname")

# What compiled templates use, under names that no argument has.
_NAMES: Final = "_prefectx_names"
_NAMED: Final = "_prefectx_named"
_DATA: Final = "_prefectx_data"
_BASE_OF: Final = "_prefectx_base_of"
_BASE: Final = "_prefectx_base"
_TEXT: Final = "_prefectx_text"
_TARGET: Final = "_prefectx_target"
_IS_SAFE: Final = "_prefectx_is_safe"
_CONTEXT: Final = "_prefectx_context"
_REFUSE: Final = "_prefectx_refuse"
_TOLD: Final = "_prefectx_told"
_TOLD_WITH_ITEMS: Final = "_prefectx_told_with_items"
_TYPE: Final = "_prefectx_type"
_LEN: Final = "_prefectx_len"

# What nearly every rendered target looks like that is not too long; whatever does not match is
# looked at part by part. On Windows that is all of them.
_PART: Final = r"(?!\.)[a-zA-Z0-9_~.,+=@ -]++"
_SAFE: Final = re.compile(r"(?!)" if os.name == "nt" else rf"{_PART}(?:/{_PART})*+")


class Template:
    """A template of one task, compiled once.

    Args:
        text: An f-string body, as in `"working/{funcname}/{base[:8]}"`.
        signature: The task's signature, by which a call's arguments are bound.
        modules: Modules that the template may use, beside `os`, `datetime` and `Path`.
        option: Which option of the task it is, for messages.
        base: Gives the base of a call from its arguments; called only if the template names it.

    Raises:
        TemplateError: The text is no f-string body.
    """

    def __init__(
        self,
        text: str,
        signature: Signature,
        modules: Iterable[ModuleType] = (),
        option: str = "target",
        base: Callable[[Mapping[str, Any]], str] | None = None,
    ) -> None:
        self.text: Final = text
        self.source: Final = f"{option}={text!r} of task {signature.name!r}"
        self._signature = signature
        tree = _parsed(text, self.source)
        names = _named_in(tree)
        self.arguments: Final = frozenset(names & signature.parameters.keys())
        self.uses_base: Final = base is not None and "base" in names - self.arguments
        house_names = frozenset(_HOUSE_NAMES) - self.arguments
        self.folder: Final = _literal_start(tree, signature.name, house_names)
        self._start: Final = len(self.folder)
        self.ending: Final = _literal_end(tree)
        known = {**_always(names), **dict(map(_package, modules))}
        sources = {name: self._source_of(name, known) for name in names}
        named = {**known, _BASE_OF: base, _DATA: loaded_item, _NAMED: self._named}
        base_source = f"{_BASE_OF}({signature.arguments_source()})"
        set_base = [assignment(_BASE, expression(base_source))] if self.uses_base else []
        rendered = _Renamed(sources).visit(_parsed(text, self.source))
        self._render: Final[Callable[..., str]] = signature.compile(
            [_NAMES], set_base, rendered, named
        )
        as_they_are = {
            name: source for name, source in sources.items() if name not in self.arguments
        }
        set_names = any(_NAMES in source for source in as_they_are.values())
        longest = self._start + LONGEST_PART
        statements = [
            assignment(_TEXT, expression(self._told_source())),
            *([assignment(_NAMES, expression(f"{_CONTEXT}()"))] if set_names else []),
            *set_base,
            assignment(_TARGET, _Renamed(as_they_are).visit(tree)),
            ast.Expr(expression(f"{_IS_SAFE}({_TARGET}, {self._start}) or {_REFUSE}()")),
            ast.Expr(expression(f"{_LEN}({_TARGET}) <= {longest} or {_REFUSE}()")),
        ]
        plainly = {
            _CONTEXT: context_names,
            _TYPE: type,
            _LEN: len,
            _TOLD: TOLD,
            _TOLD_WITH_ITEMS: told_with_items(),
            _IS_SAFE: _SAFE.fullmatch,
            _REFUSE: not_plain,
        }
        #: As `Naming.plain_target`.
        self.plain: Final[Callable[..., tuple[str, str]]] = signature.compile(
            [],
            statements,
            expression(f"({_TARGET}, {_TEXT})"),
            {**named, **plainly},
        )

    def _told_source(self) -> str:
        """Return the source of a text of all arguments, which raises `NotPlain`."""
        parts = (
            f"{name}={{{_TOLD if name in self.arguments else _TOLD_WITH_ITEMS}"
            f"[{_TYPE}({name})]({name})}}"
            for name in self._signature.parameters
        )
        return f'f"{", ".join(parts)}"'

    def _source_of(self, name: str, known: Mapping[str, Any]) -> str:
        if name in self.arguments:
            return f"{_DATA}({name})"
        if name in _HOUSE_NAMES:
            return repr(self._signature.name)
        if name == "base" and self.uses_base:
            return _BASE
        if name in known or hasattr(builtins, name):
            return f"{_NAMES}.get({name!r}, {name})"
        return f"{_NAMED}({name!r}, {_NAMES})"

    def _named(self, name: str, names: Mapping[str, Any]) -> Any:
        if name in names:
            return names[name]
        msg = (
            f"{self.source} names {name!r}, which is not there. The names there are:"
            f" arguments: {_listed(self._signature.parameters)}; context: {_listed(names)};"
            f" and base, funcname, {', '.join(_ALWAYS)}. Set it with context({name}=…), or name"
            " its module with modules=[…]."
        )
        raise TemplateError(msg)

    def render(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the text for a call; Items that the template names are loaded.

        Raises:
            TypeError: The arguments do not fit the task's signature.
            TemplateError: The template names what is not there, or an expression in it failed.
        """
        try:
            return self._render(context_names(), *args, **kwargs)
        except PrefectxError:
            raise
        except Exception as error:
            self._signature.binder()(*args, **kwargs)
            msg = f"{self.source} cannot be rendered: {type(error).__name__}: {error}"
            raise TemplateError(msg) from error

    def render_safely(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the target for a call, within the folder that the template's literal start names.

        Raises:
            UnsafeTarget: A value would leave the folder or cannot be part of a file's name.
        """
        target = self.render(args, kwargs)
        if not self._is_safe(target):
            self._check(target, target[self._start :])
        return target

    def _is_safe(self, target: str) -> bool:
        is_short = len(target) <= self._start + LONGEST_PART
        return is_short and _SAFE.fullmatch(target, self._start) is not None

    def _check(self, target: str, inside: str) -> None:
        for part in inside.split("/"):
            if (why := why_unsafe(part)) is not None:
                raise self._refusal(target, f"in which {_short(part)} {why}")
        if len(inside.encode()) > _LONGEST:
            raise self._refusal(target, f"which is longer than {_LONGEST} bytes")

    def _refusal(self, target: str, why: str) -> UnsafeTarget:
        msg = (
            f"{self.source} gives the target {_short(target)}, {why}. Values must name something"
            f" below {self.folder or 'the root'!r}; clean the value in the template or choose"
            " another one."
        )
        return UnsafeTarget(msg)


def _short(text: str) -> str:
    return repr(text) if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]!r}…"


def _parsed(text: str, source: str) -> ast.JoinedStr:
    for quotes in _QUOTES:
        if quotes in text or text.endswith(quotes[0]):
            continue
        try:
            tree = ast.parse(f"rf{quotes}{text}{quotes}", mode="eval").body
        except (SyntaxError, ValueError) as error:
            msg = f"{source} is not the body of an f-string: {error}"
            raise TemplateError(msg) from error
        if isinstance(tree, ast.JoinedStr):
            return tree
    msg = f"{source} cannot be quoted; use fewer quotation marks in it"
    raise TemplateError(msg)


class _Renamed(ast.NodeTransformer):
    """Puts expressions in place of names."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def visit_Name(self, node: ast.Name) -> ast.expr:
        source = self._sources.get(node.id)
        return node if source is None else expression(source)


def _always(names: Iterable[str]) -> dict[str, Any]:
    """Return those of the names that every template may use: slow to import, so only if it does."""
    found: dict[str, Any] = {"os": os}
    if "datetime" in names:
        found["datetime"] = import_module("datetime")
    if "Path" in names:
        found["Path"] = import_module("pathlib").Path
    return {name: value for name, value in found.items() if name in names}


def _package(module: ModuleType) -> tuple[str, ModuleType]:
    """Return what a template names first to get at `module`, as `xml` for `xml.dom`."""
    name = module.__name__.partition(".")[0]
    return name, sys.modules.get(name, module)


def _named_in(tree: ast.AST) -> set[str]:
    """Return the names that a template uses and does not bind itself, as comprehensions do."""
    nodes = list(ast.walk(tree))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return {node.id for node in names} - bound


def _literal_start(tree: ast.JoinedStr, funcname: str, house_names: frozenset[str]) -> str:
    start = ""
    for part in tree.values:
        if isinstance(part, ast.Constant):
            start += str(part.value)
        elif _is_one_of(part, house_names):
            start += funcname
        else:
            break
    return start[: start.rfind("/") + 1]


def _is_one_of(part: ast.expr, names: frozenset[str]) -> bool:
    return (
        isinstance(part, ast.FormattedValue)
        and isinstance(part.value, ast.Name)
        and part.value.id in names
        and part.conversion == -1
        and part.format_spec is None
    )


def _literal_end(tree: ast.JoinedStr) -> str:
    last = tree.values[-1] if tree.values else None
    return str(last.value) if isinstance(last, ast.Constant) else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
