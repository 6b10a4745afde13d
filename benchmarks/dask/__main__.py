"""`prefectx.dask.task_runner` beside plain prefect-dask: memory, finished tasks, submits.

    python benchmarks/dask [--small] [--only TABLE …] [--write FILE]

Prefect's server, Dask's scheduler, two workers of one thread each, and the client that runs the
flows are processes of their own, the scheduler and the workers started by `dask scheduler` and
`dask worker`, with nothing set that they do not set themselves. Both sides run the same flows
(`plain.py`, `ours.py`). Each line of a table about memory has a cluster and a client of its own.

Memory is the resident memory of processes, looked at 50 times a second: before the flow, when a
first flow of eight trivial tasks has had everything imported, and at most until its end. That of
the workers is the most that both took at the same moment.

The aims: client and scheduler grow to 1.2 times what they were at most, the workers take at most an
eighth of plain; of finished tasks no task run, no task sent but the one that tries out whether the
workers see the same files, and one line in the log; 5 times as many submits a second.

A flow is timed from within: starting and ending a flow run costs both sides the same. `done`
means that the client knows it; that the server then has a COMPLETED task run for each is checked.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from memory import large, trivial
from services import prefect_server
from skipping import skipping
from submitting import submitting


class Sizes(NamedTuple):
    """How many tasks of what size, in which of our modes."""

    modes: tuple[str, ...]
    large: int
    size: int
    trivial: int
    finished: int
    finished_plain: int
    rounds: int
    submits: int
    submits_plain: int


FULL: Final = Sizes(
    ("prefect.skip", "prefect.cache"), 200, 20_000_000, 5_000, 20_000, 100, 5, 200, 30
)
SMALL: Final = Sizes(("prefect.skip",), 4, 1_000_000, 20, 100, 4, 1, 20, 6)
PARTS: Final = ("large", "trivial", "finished", "submits")


def part(name: str, sizes: Sizes, folder: Path, api: str) -> str:
    """Return a table with its title, made in a folder, with an API."""
    megabytes = sizes.size / 1e6
    match name:
        case "large":
            title = f"Memory: {sizes.large} tasks of {megabytes:g} MB, each feeding a consumer"
            shown = large(folder, api, sizes.modes, sizes.large, sizes.size)
        case "trivial":
            title = f"Memory: {sizes.trivial:,} trivial tasks"
            shown = trivial(folder, api, sizes.modes, sizes.trivial)
        case "finished":
            title = f"{sizes.finished:,} finished tasks, beside Prefect's own cache"
            shown = skipping(folder, api, sizes.finished, sizes.finished_plain)
        case _:
            title = f"{sizes.rounds * sizes.submits:,} trivial tasks, in turns with plain ones"
            shown = submitting(folder, api, sizes.rounds, sizes.submits, sizes.submits_plain)
    return f"## {title}\n\n{shown}"


def machine() -> str:
    names = ("prefect", "prefect-dask", "distributed", "prefectx")
    return "\n".join(
        (
            f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"- {os.cpu_count()} cores, load at the end {os.getloadavg()[0]:.1f}",
            f"- {platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "- " + ", ".join(f"{name} {version(name)}" for name in names),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/dask",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--small", action="store_true", help="a few tasks, to see that it works")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="some of the tables"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables there as well")
    options = parser.parse_args()
    parts = ["# Dask: prefectx beside plain prefect-dask"]
    with tempfile.TemporaryDirectory(prefix="bench-dask-") as temporary:
        folder = Path(temporary)
        with prefect_server(folder / "server") as api_url:
            for name in options.only:
                parts.append(part(name, SMALL if options.small else FULL, folder, api_url))
                print(f"{parts[-1]}\n", flush=True)
    parts += [machine(), "What the figures mean, and how they are made: `benchmarks/dask`."]
    text = "\n\n".join(parts) + "\n"
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
