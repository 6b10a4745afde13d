"""What code only reads of values that can change: `config["rate"]`, `args.rate`, `table.merge(…)`.

A list, a dict or an object outside a task may be a cache, which does not count. But what none of
the code changes that a task reaches is no cache: it counts by what is read of it. Where it is not
clear what happens to a value, it counts by what its module assigns to the name alone.
"""

from __future__ import annotations

import ast
import builtins
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from prefectx._identity.code_parts import is_fixed_value
from prefectx._identity.global_names import STORES, instructions
from prefectx._identity.names import module_name
from prefectx._identity.objects_with_code import is_wrapper
from prefectx._identity.read_values import ABSENT, CONTAINERS, Step, is_data, step_into
from prefectx._identity.syntax import tree_of
from prefectx._types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prefectx._identity.packages import Project

# Methods that change their object, and functions that change their first argument.
_CHANGING: Final = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "remove", "pop", "popleft"),
        *(
            "popitem",
            "clear",
            "update",
            "setdefault",
            "add",
            "discard",
            "sort",
            "reverse",
            "rotate",
        ),
        *("move_to_end", "subtract", "difference_update", "intersection_update"),
        *("symmetric_difference_update", "fill", "put", "resize", "setflags"),
        *("shuffle", "heappush", "heappop", "heapify", "heapreplace", "heappushpop", "insort"),
        *("insort_left", "insort_right", "setattr", "delattr", "setitem", "delitem"),
    }
)
_PASSING_ON: Final = (ast.BoolOp, ast.Starred, ast.NamedExpr, ast.IfExp, ast.Await)
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.comprehension)
_LOADS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
# A value that is not known, such as `config[name]`.
_UNKNOWN: Final = object()
_MOST_USES: Final = 100


class Root:
    """A value of a module that can change, and what code reads of it.

    Attributes:
        namespace: The names of the module.
        key: Its name in the module.
        name: Its full name.
        value: The value.
        reads: What is read, by its place in the value.
        changes: The places where it is changed, or where nobody knows.
    """

    def __init__(self, namespace: Mapping[str, Any], key: str, name: str, value: Any) -> None:
        self.namespace = namespace
        self.key = key
        self.name = name
        self.value = value
        self.reads: dict[tuple[Step, ...], Any] = {}
        self.changes: set[tuple[Step, ...]] = set()

    def only_read(self) -> Iterator[tuple[tuple[Step, ...], Any]]:
        """Yield what is read and never changed, as far as was seen, after its place."""
        for steps, value in self.reads.items():
            if not any(steps[: len(each)] == each[: len(steps)] for each in self.changes):
                yield steps, value


class Reads:
    """What functions read of the values of their modules.

    Args:
        project: The project of the functions.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._roots: dict[int, Root] = {}
        self._assigned: set[tuple[int, str]] = set()
        # Not by the code: two modules may have the same.
        self._scopes: dict[int, _Scope | None] = {}

    def look_at(self, fn: FunctionType) -> None:
        """Note what a function reads and changes."""
        found = instructions(fn.__code__)
        self._assigned.update(
            (id(fn.__globals__), str(name)) for kind, name in found if kind in STORES
        )
        names = {
            str(name)
            for kind, name in found
            if kind in _LOADS and self._leads_to_root(fn.__globals__.get(name))
        }
        scope = self.scope_of(fn) if names else None
        if scope is not None:
            for node in scope.uses(names.difference(fn.__code__.co_varnames)):
                self._from_owner(scope, node, fn.__globals__, node.id, fn.__module__)

    def roots(self) -> Iterator[Root]:
        """Yield the values that code reads, without those whose names it assigns."""
        for root in self._roots.values():
            if (id(root.namespace), root.key) not in self._assigned:
                yield root

    def scope_of(self, fn: FunctionType) -> _Scope | None:
        """Return the scope of a function; None if there is no source."""
        if id(fn) not in self._scopes:
            tree = tree_of(fn)
            self._scopes[id(fn)] = None if tree is None else _Scope(fn, tree)
        return self._scopes[id(fn)]

    def is_own(self, fn: object) -> TypeGuard[FunctionType]:
        """Tell whether a value is a function of the project."""
        return isinstance(fn, FunctionType) and self._project.has_code(fn)

    def _leads_to_root(self, value: Any) -> bool:
        if isinstance(value, ModuleType):
            return self._project.has_code(value)
        if isinstance(value, type | FunctionType):
            held = [each for key, each in vars(value).items() if not key.startswith("__")]
            return any(map(_can_change, held)) and self._project.has_code(value)
        return _can_change(value)

    def _from_owner(
        self, scope: _Scope, node: ast.expr, names: Mapping[str, Any], key: str, module: str
    ) -> None:
        """Follow what a module, a class or a function has under a name."""
        value = names.get(key, ABSENT)
        if not isinstance(value, ModuleType | type | FunctionType):
            if _can_change(value):
                root = self._roots.get(id(value))
                if root is None:
                    root = Root(names, key, f"{module_name(module)}.{key}", value)
                    self._roots[id(value)] = root
                try:
                    _Use(root, scope, self).follow(node, value, ())
                except RecursionError:  # it goes through too many functions
                    root.changes.add(())
            return
        parent = scope.parent(node)
        if isinstance(parent, ast.Attribute) and self._project.has_code(value):
            if isinstance(parent.ctx, ast.Load):
                owner = value.__name__
                if not isinstance(value, ModuleType):
                    owner = f"{value.__module__}.{value.__qualname__}"
                self._from_owner(scope, parent, vars(value), parent.attr, owner)
            else:
                self._assigned.add((id(vars(value)), parent.attr))


def _can_change(value: Any) -> bool:
    """Tell whether a value is one that code may change, and no code itself."""
    is_code = isinstance(value, type | FunctionType | ModuleType)
    return not (value is ABSENT or is_code or is_fixed_value(value) or is_wrapper(value))


class _Scope:
    """The syntax tree of a function, and what its names stand for."""

    def __init__(self, fn: FunctionType, tree: ast.AST) -> None:
        code = fn.__code__
        self._local = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
        self._names = fn.__globals__
        self._nodes = list(ast.walk(tree))
        self._parents = {
            child: node for node in self._nodes for child in ast.iter_child_nodes(node)
        }

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return the node that a node is a part of."""
        return self._parents.get(node)

    def uses(self, names: set[str]) -> Iterator[ast.Name]:
        """Yield where some names are used."""
        for node in self._nodes:
            if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load):
                yield node

    def resolve(self, node: ast.AST) -> Any:
        """Return the function or class that an expression stands for, if that is known."""
        if isinstance(node, ast.Name) and node.id not in self._local:
            return self._names.get(node.id, getattr(builtins, node.id, _UNKNOWN))
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value)
            if isinstance(owner, ModuleType):
                return vars(owner).get(node.attr, _UNKNOWN)
        return _UNKNOWN


class _Use:
    """One use of a value, followed through expressions and into functions that it is given to."""

    def __init__(self, root: Root, scope: _Scope, reads: Reads) -> None:
        self._root = root
        self._scope = scope
        self._reads = reads
        self._seen: set[tuple[int, str, tuple[Step, ...]]] = set()

    def follow(self, node: ast.AST, value: Any, steps: tuple[Step, ...]) -> None:
        """Note what is read of a value, or that it is changed.

        Args:
            node: The expression that gives the value.
            value: The value, if it is known.
            steps: Its place in the root.
        """
        if value is ABSENT or (value is not _UNKNOWN and is_fixed_value(value)):
            self._root.reads[steps] = value
            return
        if value is not _UNKNOWN and not _can_change(value):
            # What a function does counts by itself.
            return
        parent = self._scope.parent(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            self._element(parent, value, steps)
        elif isinstance(parent, ast.Attribute):
            self._attribute(parent, value, steps)
        elif isinstance(parent, ast.Call | ast.keyword):
            self._argument(parent, node, value, steps)
        else:
            self._other(parent, node, value, steps)

    def _other(
        self, parent: ast.AST | None, node: ast.AST, value: Any, steps: tuple[Step, ...]
    ) -> None:
        """Follow a value through a statement, or an expression that takes it as a whole."""
        if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            for target in parent.targets if isinstance(parent, ast.Assign) else [parent.target]:
                self._variable(target, value, steps)
        elif isinstance(parent, ast.withitem):
            self._root.changes.add(steps)
        elif not isinstance(parent, ast.Expr):
            self._whole(value, steps)
        if isinstance(parent, _LOOPS) and parent.iter is node:
            self._variable(parent.target, _UNKNOWN, steps)
        elif isinstance(parent, _PASSING_ON):
            self.follow(parent, value, steps)

    def _element(self, parent: ast.Subscript, value: Any, steps: tuple[Step, ...]) -> None:
        """Follow `value[…]`."""
        key = _constant(parent.slice)
        step = Step(is_attribute=False, key=key)
        if not isinstance(parent.ctx, ast.Load):
            is_known = key is not _UNKNOWN and value is not _UNKNOWN
            self._root.changes.add((*steps, step) if is_known else steps)
        elif key is not _UNKNOWN and isinstance(value, CONTAINERS):
            self.follow(parent, step_into(value, step), (*steps, step))
        elif not self._method("__getitem__", value, steps):
            self._whole(value, steps)
            self.follow(parent, _UNKNOWN, steps)

    def _attribute(self, parent: ast.Attribute, value: Any, steps: tuple[Step, ...]) -> None:
        """Follow `value.name` and `value.name(…)`."""
        step = Step(is_attribute=True, key=parent.attr)
        if not isinstance(parent.ctx, ast.Load):
            self._root.changes.add(steps if value is _UNKNOWN else (*steps, step))
            return
        call = self._scope.parent(parent)
        is_called = isinstance(call, ast.Call) and call.func is parent
        result = call if is_called and call is not None else parent
        if value is not _UNKNOWN and (found := step_into(value, step)) is not ABSENT:
            self.follow(parent, found, (*steps, step))
        elif value is not _UNKNOWN and self._method(parent.attr, value, steps):
            self.follow(result, _UNKNOWN, steps)
        elif isinstance(call, ast.Call) and is_called and _changes(parent.attr, call):
            self._root.changes.add(steps)
        elif isinstance(call, ast.Call) and is_called and _is_get(parent.attr, call, value):
            step = Step(is_attribute=False, key=_constant(call.args[0]))
            self.follow(call, step_into(value, step), (*steps, step))
        else:
            self._whole(value, steps)
            self.follow(result, _UNKNOWN, steps)

    def _method(self, name: str, value: Any, steps: tuple[Step, ...]) -> bool:
        """Follow a value into a method or property of its class; tell whether it has one."""
        if value is _UNKNOWN:
            return False
        for base in type_of(value).__mro__:
            found = vars(base).get(name)
            found = found.fget if isinstance(found, property) else found
            if found is not None:
                if self._reads.is_own(found) and found.__code__.co_argcount:
                    self._function(found, found.__code__.co_varnames[0], value, steps)
                    return True
                return False
        return False

    def _argument(
        self, parent: ast.Call | ast.keyword, node: ast.AST, value: Any, steps: tuple[Step, ...]
    ) -> None:
        """Follow a value that is called, or given to a function."""
        call = parent if isinstance(parent, ast.Call) else self._scope.parent(parent)
        if not isinstance(call, ast.Call):
            # What a class is made with: `class Local(Base, config=config)`.
            self._root.changes.add(steps)
            return
        if call.func is node:
            if not self._method("__call__", value, steps):
                self._root.changes.add(steps)
            return
        fn = self._scope.resolve(call.func)
        if self._reads.is_own(fn):
            name = _parameter(fn, call, parent if parent is not call else node)
            if name is not None:
                self._function(fn, name, value, steps)
                return
        is_first = bool(call.args) and call.args[0] is node
        if fn is not _UNKNOWN and is_first and getattr(fn, "__name__", "") in _CHANGING:
            self._root.changes.add(steps)
        else:
            self._whole(value, steps)

    def _function(self, fn: FunctionType, name: str, value: Any, steps: tuple[Step, ...]) -> None:
        """Follow a value that a function of the project has as a parameter."""
        scope = self._reads.scope_of(fn)
        if scope is None or len(self._seen) > _MOST_USES:
            self._root.changes.add(steps)
            return
        around, self._scope = self._scope, scope
        self._named(name, value, steps)
        self._scope = around

    def _variable(self, target: ast.AST, value: Any, steps: tuple[Step, ...]) -> None:
        """Follow a value that is assigned to a variable, or taken apart into some."""
        if not isinstance(target, ast.Name):
            self._whole(value, steps)
            value = _UNKNOWN
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._named(node.id, value, steps)
            elif isinstance(node, ast.Attribute | ast.Subscript):
                # It is kept elsewhere, where nobody sees what is done with it.
                self._root.changes.add(steps)

    def _named(self, name: str, value: Any, steps: tuple[Step, ...]) -> None:
        """Follow a value that a parameter or a variable stands for."""
        key = (id(self._scope), name, steps)
        if key not in self._seen:
            self._seen.add(key)
            for node in self._scope.uses({name}):
                self.follow(node, value, steps)

    def _whole(self, value: Any, steps: tuple[Step, ...]) -> None:
        """Note that all of a value may be read."""
        if value is _UNKNOWN:
            return
        if is_data(value):
            self._root.reads[steps] = value
        else:
            # It holds a connection, say, or functions, which count by themselves.
            self._root.changes.add(steps)


def _parameter(fn: FunctionType, call: ast.Call, given: ast.AST) -> str | None:
    """Return the parameter to which a call gives a value; None if that is not clear."""
    if isinstance(given, ast.keyword):
        return given.arg
    place = call.args.index(cast("ast.expr", given))
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount][place : place + 1]
    is_clear = not any(isinstance(each, ast.Starred) for each in call.args[:place])
    return names[0] if names and is_clear else None


def _constant(node: ast.AST) -> Any:
    try:
        found = ast.literal_eval(cast("ast.expr", node))
    except (ValueError, TypeError, SyntaxError):
        return _UNKNOWN
    return found if is_fixed_value(found) else _UNKNOWN


def _changes(method: str, call: ast.Call) -> bool:
    return method in _CHANGING or any(each.arg == "inplace" for each in call.keywords)


def _is_get(method: str, call: ast.Call, value: Any) -> bool:
    is_get = method == "get" and isinstance(value, dict) and bool(call.args)
    return is_get and _constant(call.args[0]) is not _UNKNOWN
