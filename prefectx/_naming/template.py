"""Templates: f-string bodies that name targets and runs, compiled with the task's signature."""

from __future__ import annotations

import builtins
import os
import sys
from importlib import import_module
from types import CodeType, ModuleType

from prefectx._calls.run import known_here
from prefectx._identity.exact_text import TOLD, TOLD_WITH_ITEMS, not_plain
from prefectx._naming.safe_names import LONGEST, LONGEST_PART, are_plainly_safe, why_unsafe
from prefectx._naming.signature import own, own_names
from prefectx._settings.context import context_names
from prefectx._values.item import loaded_item
from prefectx.errors import PrefectxError, TemplateError, UnsafeTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final, TypeGuard

    from prefectx._naming.signature import Signature
    from prefectx._naming.task_names import Naming


_ALWAYS: Final = ("os", "datetime", "Path")
_QUOTES: Final = ("'''", '"""')
_HOUSE_NAMES: Final = ("funcname", "taskname")


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
        quoted = _quoted(text, self.source)
        names = _named_in(quoted)
        self.arguments: Final = frozenset(names & signature.parameters.keys())
        self.uses_base: Final = base is not None and "base" in names - self.arguments
        house_names = frozenset(_HOUSE_NAMES) - self.arguments
        self.folder: Final = _literal_start(text, signature.name, house_names)
        self._start: Final = len(self.folder)
        self.ending: Final = text.rpartition("}")[2]
        known = {**_known(names), **dict(map(_package, modules))}
        others = names - self.arguments - house_names - {"base" if self.uses_base else ""}
        #: What can only be had from the context.
        self._asked: Final = sorted(others - known.keys())
        set_others = [
            *(f"{name} = {signature.name!r}" for name in sorted(names & house_names)),
            *(
                own(f"{name} = $names.get({name!r}, $given_{name})")
                for name in sorted(others & known.keys())
            ),
            *(own(f"if {name!r} in $names: {name} = $names[{name!r}]") for name in self._asked),
        ]
        set_base = own(f"base = $base_of({signature.arguments_source()})" * self.uses_base)
        load_items = [own(f"{name} = $data({name})") for name in sorted(self.arguments)]
        self._namespace: Final = own_names(
            {f"given_{name}": value for name, value in known.items()} | {"base_of": base}
        )
        self._render: Final[Callable[..., str]] = signature.compile(
            [own("$names")],
            [set_base, *load_items, *set_others],
            quoted,
            {**self._namespace, **own_names({"data": loaded_item})},
        )
        self._set_target: Final = [
            own("$names = $context()" if others else ""),
            set_base,
            *set_others,
            own("$target = ") + quoted,
        ]

    def told(self) -> Callable[..., str]:
        """Return a function of a call's arguments: what tells them apart, or `NotPlain`."""
        told: Callable[..., str] = self._signature.compile([], [], self._told_source(), _PLAINLY)
        return told

    def hit(self, naming: Naming) -> Callable[..., Any]:
        """Return a function of a call's arguments that gives its Item if it is plainly done.

        Args:
            naming: What the run that is under way may know the task by.
        """
        inside, longest = f"$target[{self._start}:]", self._start + LONGEST_PART
        tried = [
            own("$claim = $known.mark + ") + self._told_source(),
            *self._set_target,
            # Most are, and this is quicker than asking.
            own(f"$is_word = {inside}.isalnum() and $target.isascii()"),
            own(f"$is_word and $len($target) <= {longest} or $are_safe({inside}) or $refuse()"),
        ]
        hit: Callable[..., Any] = self._signature.compile(
            [],
            [
                own("$known = $known_here($naming)"),
                own("if $known is None: return None"),
                "try:",
                *(f" {line}" for line in tried if line),
                # It is raised again on the long way, with all that is known.
                own("except $Exception: return None"),
            ],
            own("$known.found($target, $claim)"),
            {**self._namespace, **_PLAINLY, **own_names({"naming": naming})},
        )
        return hit

    def _told_source(self) -> str:
        """Return the source of a text of all arguments, which raises `NotPlain`."""
        told = (
            f"{name}={{{name} if $type({name}) is $int else {table}[$type({name})]({name})}}"
            for name in self._signature.parameters
            for table in ["$told" if name in self.arguments else "$told_with_items"]
        )
        return own(f"f'{', '.join(told)}'")

    def _missing(self, name: str) -> TemplateError:
        msg = (
            f"{self.source} names {name!r}, which is not there. The names there are:"
            f" arguments: {_listed(self._signature.parameters)}; context:"
            f" {_listed(context_names())}; and base, funcname, {', '.join(_ALWAYS)}. Set it with"
            f" context({name}=…), or name its module with modules=[…]."
        )
        return TemplateError(msg)

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
            if isinstance(error, NameError):
                for name in self._asked:
                    if name not in context_names():
                        raise self._missing(name) from None
            msg = f"{self.source} cannot be rendered: {type(error).__name__}: {error}"
            raise TemplateError(msg) from error

    def render_safely(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the target for a call, within the folder that the template's literal start names.

        Raises:
            UnsafeTarget: A value would leave the folder or cannot be part of a file's name.
        """
        target = self.render(args, kwargs)
        inside = target[self._start :]
        if not are_plainly_safe(inside):
            self._check(target, inside)
        return target

    def _check(self, target: str, inside: str) -> None:
        for part in inside.split("/"):
            if (why := why_unsafe(part)) is not None:
                raise self._refusal(target, f"in which {_short(part)} {why}")
        if len(inside.encode()) > LONGEST:
            raise self._refusal(target, f"which is longer than {LONGEST} bytes")

    def _refusal(self, target: str, why: str) -> UnsafeTarget:
        msg = (
            f"{self.source} gives the target {_short(target)}, {why}. Values must name something"
            f" below {self.folder or 'the root'!r}; clean the value in the template or choose"
            " another one."
        )
        return UnsafeTarget(msg)


_PLAINLY: Final = own_names(
    {
        "context": context_names,
        "known_here": known_here,
        "type": type,
        "int": int,
        "len": len,
        "Exception": Exception,
        "told": TOLD,
        "told_with_items": TOLD_WITH_ITEMS,
        "are_safe": are_plainly_safe,
        "refuse": not_plain,
    }
)


def _short(text: str) -> str:
    return repr(text) if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]!r}…"


def _quoted(text: str, source: str) -> str:
    """Return the text as the source of an f-string."""
    for quotes in _QUOTES:
        if quotes in text or text.endswith(quotes[0]):
            continue
        quoted = f"rf{quotes}{text}{quotes}"
        try:
            compile(quoted, source, "eval")
        except (SyntaxError, ValueError) as error:
            msg = f"{source} is not the body of an f-string: {error}"
            raise TemplateError(msg) from error
        return quoted
    msg = f"{source} cannot be quoted; use fewer quotation marks in it"
    raise TemplateError(msg)


def _named_in(quoted: str) -> set[str]:
    """Return the names that an f-string uses and does not bind itself, as comprehensions do."""
    found = _names_of(compile(quoted, "", "eval"))
    # Names of attributes are among them. Where all are known outside, only those count as free
    # that are looked up there.
    outside = compile(f"lambda {', '.join(found)}: lambda: {quoted}", "", "eval")
    inner = next(filter(_is_code, next(filter(_is_code, outside.co_consts)).co_consts))
    return set(inner.co_freevars)


def _names_of(code: CodeType) -> set[str]:
    return set(code.co_names).union(*map(_names_of, filter(_is_code, code.co_consts)))


def _is_code(value: Any) -> TypeGuard[CodeType]:
    return isinstance(value, CodeType)


def _known(names: Iterable[str]) -> dict[str, Any]:
    """Return those of the names that every template may use: slow to import, so only if it does."""
    found = {name: vars(builtins)[name] for name in names if name in vars(builtins)}
    if "os" in names:
        found["os"] = os
    if "datetime" in names:
        found["datetime"] = import_module("datetime")
    if "Path" in names:
        found["Path"] = import_module("pathlib").Path
    return found


def _package(module: ModuleType) -> tuple[str, ModuleType]:
    """Return what a template names first to get at `module`, as `xml` for `xml.dom`."""
    name = module.__name__.partition(".")[0]
    return name, sys.modules.get(name, module)


def _literal_start(text: str, funcname: str, house_names: frozenset[str]) -> str:
    """Return the folder that all targets of a template lie in."""
    start = ""
    while True:
        literal, brace, text = text.partition("{")
        start += literal
        if text[:1] == "{":
            start, text = start + "{", text[1:]
            continue
        name, end, rest = text.partition("}")
        if not (brace and end and name in house_names):
            break
        start, text = start + funcname, rest
    folder, slash, _ = start.replace("}}", "}").rpartition("/")
    return folder + slash


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
