"""The source of assignments in modules and classes, for values that tasks may change.

A list or an object outside a task may be a cache, so its content is not compared. The source of its
assignment is, which does not change while a program runs.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import time
from functools import lru_cache
from importlib.util import resolve_name
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefectx._identity.syntax import syntax_tree, text_of_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# When this module was imported: what was edited since may not be what runs.
_STARTED: Final = time.time_ns()
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS: Final = (ast.Import, ast.ImportFrom)


class Assignment(NamedTuple):
    """The statements that give a name its value.

    Attributes:
        text: Their syntax trees.
        names: The names that they use.
        imported_from: The module and the name from which the value was imported, if it was.
    """

    text: str
    names: frozenset[str]
    imported_from: tuple[str, str] | None = None


def assignment(module: str, name: str, within: str = "") -> Assignment | None:
    """Return the statements of a module, or of a class in it, that assign to a name.

    Args:
        module: The name of the module.
        name: The name that they assign to.
        within: The qualified name of the class; "" for the module itself.

    Returns:
        The statements; None if there is no source, or it was edited since the program started.
    """
    loaded = sys.modules.get(module)
    file = _file_of(loaded)
    if file is None:
        return None
    known = _assignments(file, within)
    # A name that no statement assigns may come from `from module import *`.
    found = known.get(name) or known.get("*")
    if found is None or found.imported_from is None:
        return found
    origin, other = found.imported_from
    try:
        full = resolve_name(origin, getattr(loaded, "__package__", None) or "")
    except ImportError:
        return None
    if other != "*":
        return found._replace(imported_from=(full, other))
    is_there = name in vars(sys.modules.get(full, object))
    return found._replace(imported_from=(full, name)) if is_there else None


def is_set_from_outside(kind: type[Any], name: str) -> bool:
    """Tell whether no statement in a class assigns to an attribute of it, as far as is known."""
    file = _file_of(sys.modules.get(kind.__module__))
    if file is None or "<locals>" in kind.__qualname__:
        return False
    return name not in _assignments(file, kind.__qualname__)


def _file_of(module: Any) -> str | None:
    """Return the file of a module; None without one, or if it was edited since."""
    file: object = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return None
    try:
        is_old = os.stat(file).st_mtime_ns <= _STARTED
    except OSError:  # it is in an archive
        return None
    return file if is_old else None


@lru_cache(maxsize=512)
def _assignments(file: str, within: str) -> dict[str, Assignment]:
    try:
        tree = syntax_tree("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    body = _body_of(tree, within)
    statements: dict[str, list[ast.stmt]] = {}
    imported: dict[str, tuple[str, str]] = {}
    for statement in _statements(body):
        for name in _assigned_in(statement):
            statements.setdefault(name, []).append(statement)
        if isinstance(statement, ast.ImportFrom):
            origin = "." * statement.level + (statement.module or "")
            imported |= {each.asname or each.name: (origin, each.name) for each in statement.names}
    found = {
        name: Assignment(text_of_tree(found), frozenset(_names_in(found)).difference({name}))
        for name, found in statements.items()
    }
    others = {name: Assignment("", frozenset(), origin) for name, origin in imported.items()}
    return {**others, **found}


def _body_of(tree: Any, within: str) -> list[ast.stmt]:
    body: list[ast.stmt] = tree.body
    for part in filter(None, within.split(".")):
        classes = [each for each in body if isinstance(each, ast.ClassDef) and each.name == part]
        if not classes:
            return []
        body = classes[-1].body
    return body


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements; of what runs only in a script, those inside it."""
    for statement in body:
        if isinstance(statement, ast.If) and "__name__" in _names_in([statement.test]):
            yield from _statements(statement.body)
        else:
            yield statement


def _assigned_in(statement: ast.stmt) -> set[str]:
    """Return the names to which a statement assigns, or whose values it may change."""
    if isinstance(statement, (*_DEFINITIONS, *_IMPORTS)):
        return set()
    if isinstance(statement, ast.Expr):
        # A method that is called, or a function that is given the value, may change it.
        return set(_names_in([statement]))
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(
            node.ctx, ast.Load
        ):
            found.update(_root_of(node))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Expr):
            found.update(_names_in([node]))
    return found


def _root_of(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _names_in(nodes: list[Any]) -> Iterator[str]:
    for tree in nodes:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                yield node.id
