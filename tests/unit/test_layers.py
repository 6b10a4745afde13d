"""Imports go down only, layer by layer, and never in a circle: read from the syntax trees.

Imports in functions and under `TYPE_CHECKING` count like all others.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]

#: From bottom to top. A layer may import from itself and from lower ones.
LAYERS: Final = {
    "prefectx": (
        ("errors", "_types", "_words"),
        ("_settings",),
        ("_logs",),
        ("stores",),
        ("_values",),
        ("_identity",),
        ("_naming",),
        ("_isolation",),
        ("_calls",),
        ("_runners",),
        ("_api",),
        ("dask", "cli", "logs", "records"),
    ),
}


def modules(package: str) -> dict[str, ast.Module]:
    """Return the syntax trees of a package's modules, by their dotted names."""
    found: dict[str, ast.Module] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(tree: ast.Module, known: dict[str, ast.Module]) -> Iterator[str]:
    """Yield the modules among `known` that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in known else str(node.module)


def layer_of(module: str, layers: tuple[tuple[str, ...], ...]) -> int:
    """Return the number of a module's layer; the package itself is above all."""
    _, _, rest = module.partition(".")
    if not rest:
        return len(layers)
    part = rest.partition(".")[0]
    return next(number for number, parts in enumerate(layers) if part in parts)


@pytest.mark.parametrize("package", LAYERS)
def test_imports_go_down_only(package: str) -> None:
    trees, layers = modules(package), LAYERS[package]
    upward = [
        f"{module} imports {other}"
        for module, tree in trees.items()
        for other in imported(tree, trees)
        if layer_of(other, layers) > layer_of(module, layers)
    ]
    assert upward == []


@pytest.mark.parametrize("package", ["prefectx", "pytest_prefectx"])
def test_no_imports_form_a_circle(package: str) -> None:
    trees = modules(package)
    graph = {name: set(imported(tree, trees)) - {name} for name, tree in trees.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]), pytrace=False)


def test_an_import_that_is_turned_round_is_found() -> None:
    trees = modules("prefectx")
    trees["prefectx.errors"] = ast.parse("def late():\n    from prefectx.stores import Store\n")
    assert list(imported(trees["prefectx.errors"], trees)) == ["prefectx.stores"]
    layers = LAYERS["prefectx"]
    assert layer_of("prefectx.stores", layers) > layer_of("prefectx.errors", layers)
