"""The table of all figures, with what they were measured on."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from speed.race import Row

VERSIONS: Final = (
    *("prefectx", "prefect", "joblib", "diskcache", "cachier", "checkpointer", "pipefunc"),
    *("exca", "luigi", "pytest-benchmark", "numpy", "xxhash"),
)
OTHERS: Final = """\
How many times as long as prefectx others take for the same, in the same run: above 1, prefectx is
ahead. Where a field is empty, the library has no such thing.
"""
WHERE: Final = """\
What the figures mean, which are missed and why: `docs/explanation/speed.md`. How they are made:
`benchmarks/speed`, run by `make bench`.
"""
HEAD: Final = ("#", "what", "prefectx", "against", "that", "ratio", "aim", "")


def printed(rows: Sequence[Row], rounds: int) -> str:
    """Return the whole text of `RESULTS.md`."""
    ordered = sorted(rows, key=_place)
    figures = [_cells(row) for row in ordered]
    names = sorted({name for row in ordered for name in row.peers})
    peers = [
        [row.number, row.what, *(_times(row.peers.get(name)) for name in names)]
        for row in ordered
        if row.peers
    ]
    return "\n".join(
        (
            "# How fast prefectx is",
            "",
            "Each figure is a ratio, measured in turns in one run: the median over all rounds.",
            "",
            table(HEAD, figures),
            "",
            OTHERS,
            "",
            table(["#", "what", *names], peers),
            "",
            machine(rounds),
            "",
            WHERE,
            "",
        )
    )


def written(text: str, file: str) -> None:
    """Write the table."""
    Path(file).write_text(text, encoding="utf-8")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table whose columns are aligned in the source, too."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def machine(rounds: int) -> str:
    """Return what was measured on, when, and with which versions."""
    load, python = os.getloadavg()[0], platform.python_version()
    # Without the peers, not all of them are installed.
    installed = {found.name for found in distributions()}
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS if name in installed)
    return f"""\
- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {rounds} rounds, load at the end {load:.1f}
- {os.cpu_count()} cores, {_processor()}, {platform.system()} {platform.machine()}, Python {python}
- {versions}"""


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found.group(1) if found else platform.processor()


def _place(row: Row) -> tuple[int, str]:
    digits = re.match(r"\d+", row.number)
    return int(digits.group()) if digits else 0, row.number


def _cells(row: Row) -> list[str]:
    sign = "≥" if row.more_is_better else "≤"
    return [
        *(row.number, row.what, row.ours, row.against, row.theirs),
        *(f"{row.ratio:.3g}", f"{sign} {row.aim:g}", "" if row.reaches() else "**missed**"),
    ]


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g}"
