"""The picture of the packages, drawn from their imports: docs/explanation/architecture.md.

python tools/architecture.py            writes the page
python tools/architecture.py --check    fails if it is not as the imports are
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "prefectx"
PAGE: Final = ROOT / "docs" / "explanation" / "architecture.md"

INTRODUCTION: Final = (
    "Drawn from the imports by `tools/architecture.py`, and checked by the tests. An arrow leads to"
    " what is imported, be it at the top, within a function or for types; everything may import"
    " `errors`, which is left out."
)

# From top to bottom; imports of the upper ones come first in the picture.
MEANING: Final = {
    "prefectx": "the public names",
    "cli": "the command `prefectx`",
    "dask": "a task runner for Dask",
    "_api": "what users hold: tasks and flows",
    "_runners": "who runs it: one class a mode",
    "_calls": "one call and one run",
    "_isolation": "a process of its own for a task",
    "_naming": "a call to its target",
    "_identity": "is it the same call, data, code?",
    "records": "what is known of an output",
    "stores": "where outputs are stored, and in which format",
    "_values": "what travels: Items, futures",
    "_settings": "modes, options, context, variables",
    "logs": "logging, in public",
    "_logs": "what runs log",
    "_types": "tests of types, for strict checkers",
    "_words": "counts and articles, for messages",
    "errors": "what can go wrong",
}


def part_of(module: str) -> str:
    """Return the package below prefectx that a module belongs to."""
    names = module.split(".")
    return names[1] if len(names) > 1 else names[0]


def imports() -> dict[str, set[str]]:
    """Return for each package the others that it imports, also within functions and for types."""
    found: dict[str, set[str]] = {}
    for source in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        user = part_of(module)
        used = found.setdefault(user, set())
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module:
                plain = node.module == "prefectx"
                names = [f"prefectx.{a.name}" if plain else node.module for a in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            ours = {part_of(name) for name in names if name.split(".")[0] == "prefectx"}
            # `from prefectx import task` asks for a public name.
            used |= {part if (PACKAGE / part).exists() or part in MEANING else "prefectx"
                     for part in ours} - {user}  # fmt: skip
    return found


def page() -> str:
    """Return the page's text."""
    used = imports()
    order = sorted(used, key=lambda name: [*MEANING, name].index(name))
    shown = [name for name in order if name != "errors"]
    arrows = [
        f"    {user} --> {other}"
        for user in shown
        for other in order
        if other in used[user] and other not in {"errors", "prefectx"}
    ]
    boxes = [f'    {name}["{name}"]' for name in shown]
    rows = [f"| `{name}` | {MEANING.get(name, '')} |" for name in order]
    return "\n".join(
        [
            "# Architecture",
            "",
            INTRODUCTION,
            "",
            "```mermaid",
            "flowchart TD",
            *boxes,
            *arrows,
            "```",
            "",
            "| package | holds |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
