"""The syntax tree of a function as text: without comments, docstrings, layout and line numbers."""

from __future__ import annotations

import ast
import linecache
import time
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_WITH_DOCSTRING: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Fields that differ between versions of Python and have no effect.
_IGNORED: Final = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def syntax_of(fn: Any) -> str | None:
    """Return the syntax tree of a function as text, the same in each version of Python.

    Args:
        fn: A function.

    Returns:
        The text; None if there is no source, or not the one that was compiled: at the interactive
        prompt, after `exec`, for a file that was edited since.
    """
    return _syntax(*_place_of(fn))


def tree_of(fn: Any) -> ast.AST | None:
    """Return the syntax tree of a function; None where `syntax_of` gives none."""
    return _tree(*_place_of(fn))


def _place_of(fn: Any) -> tuple[str, CodeType]:
    code: CodeType = fn.__code__
    # The source of a module in an archive is found by its loader alone.
    linecache.lazycache(code.co_filename, fn.__globals__)
    return code.co_filename, code


@lru_cache(maxsize=4096)
def _syntax(file: str, code: CodeType) -> str | None:
    tree = _tree(file, code)
    # Decorators are left out: they are fingerprinted separately.
    return None if tree is None else text_of_tree(tree, _IGNORED | {"decorator_list"})


# Equal code of two files may have been written in two ways.
@lru_cache(maxsize=4096)
def _tree(file: str, code: CodeType) -> ast.AST | None:
    definitions = _definitions_with(file, code)
    if definitions is None:
        # The file was edited and its module reloaded since its lines were read.
        linecache.checkcache(file)
        definitions = _definitions_with(file, code)
    if definitions is None:
        return None
    found = definitions.get(code.co_firstlineno, [])
    named = [node for node in found if getattr(node, "name", "<lambda>") == code.co_name]
    # If there are two lambdas in one line, the tree does not say which one it is.
    return named[0] if len(named) == 1 else None


def _definitions_with(file: str, code: CodeType) -> dict[int, list[ast.AST]] | None:
    """Return the definitions in the source of code by their first lines; None without it."""
    lines = linecache.getlines(file)
    parsed = _parse("".join(lines)) if lines else None
    if parsed is None:
        return None
    definitions, compiled = parsed
    return definitions if code in compiled else None


def syntax_tree(source: str, mode: str = "exec") -> Any:
    """Return the syntax tree of a text, whatever other threads do meanwhile.

    Args:
        source: The text.
        mode: As for `compile`.

    Raises:
        SyntaxError: It is no Python.
        ValueError: It has a null byte.
        RecursionError: It is nested too deeply.
    """
    for _ in range(_MOST_TRIES - 1):
        try:
            return ast.parse(source, mode=mode)
        except SystemError:
            # Python 3.11 counts the depth of trees for all threads together, and gives up if one
            # goes on in the middle of another's: github.com/python/cpython/issues/106905.
            time.sleep(0.001)
    return ast.parse(source, mode=mode)


_MOST_TRIES: Final = 100


@lru_cache(maxsize=64)
def _parse(source: str) -> tuple[dict[int, list[ast.AST]], frozenset[CodeType]] | None:
    """Return the definitions in a module by their first lines, and all code; None if it has none.

    Large modules have thousands of functions, so each is not looked for anew.
    """
    try:
        tree = syntax_tree(source)
        compiled = compile(source, "", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None
    definitions: dict[int, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if (line := _first_line(node)) is not None:
            definitions.setdefault(line, []).append(node)
    return definitions, frozenset(_codes(compiled))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _first_line(node: ast.AST) -> int | None:
    if not isinstance(node, _DEFINITIONS):
        return None
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def text_of_tree(part: Any, ignored: frozenset[str] = _IGNORED) -> str:
    """Return a part of a tree, or a list of parts, as text, the same in each version of Python.

    It has no empty fields, which some versions leave out.
    """
    if isinstance(part, ast.Constant):
        return repr(part.value)
    if isinstance(part, ast.AST):
        fields = [(name, _part(part, name)) for name in part._fields if name not in ignored]
        inside = [
            f"{name}={text_of_tree(value)}" for name, value in fields if value not in (None, [])
        ]
        return f"{type(part).__name__}({', '.join(inside)})"
    # The type of the list's elements is not known.
    return _text_of_all(part) if isinstance(part, list) else repr(part)  # pyright: ignore[reportUnknownArgumentType]


def _text_of_all(parts: list[Any]) -> str:
    return f"[{', '.join(map(text_of_tree, parts))}]"


def _part(node: ast.AST, name: str) -> Any:
    part: Any = getattr(node, name, None)
    if isinstance(node, ast.JoinedStr):
        return _join_constants(part)
    if name == "body" and isinstance(node, _WITH_DOCSTRING):
        return part[1:] if ast.get_docstring(node, clean=False) is not None else part
    return part


def _join_constants(parts: list[Any]) -> list[Any]:
    """Return the parts of an f-string with adjacent constants joined, as some versions do."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, ast.Constant) and found and isinstance(found[-1], ast.Constant):
            found[-1] = ast.Constant(str(found[-1].value) + str(part.value))
        elif not isinstance(part, ast.Constant) or part.value != "":
            found.append(part)
    return found
