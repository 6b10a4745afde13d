"""The command line: `python -m example_project [--days N] [--folder PATH] [--runner RUNNER]`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from prefectx import current_mode, load

from example_project.data import DAYS_IN_YEAR, first_days
from example_project.settings import set_defaults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefectx._naming.options import FlowOptions


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the flow in the mode that `PREFECTX` names and print the year."""
    set_defaults()
    parser = argparse.ArgumentParser(prog="python -m example_project", description=main.__doc__)
    parser.add_argument(
        "--days", type=_days, default=DAYS_IN_YEAR, help="how many days of 2013 (default: all)"
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="where the outputs go (default: here)")
    parser.add_argument(
        "--runner",
        choices=["threads", "dask"],
        default="threads",
        help="what runs the tasks in the Prefect modes: threads of this process, or worker processes",
    )
    parser.add_argument("--workers", type=int, default=2, help="how many of those (default: 2)")
    options = parser.parse_args(arguments)
    try:
        mode = current_mode()
    except ValueError as error:
        parser.error(str(error))
    if options.runner == "dask" and not mode.startswith("prefect"):
        parser.error(
            f"--runner dask needs Prefect, which the mode {mode} does without: PREFECTX=prefect.skip"
        )
    options.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(options.folder)
    if options.runner == "threads":
        _run(options.days, mode, {})
        return
    from prefectx.dask import task_runner  # noqa: PLC0415 - after set_defaults

    _run(options.days, mode, {"task_runner": task_runner(n_workers=options.workers, threads_per_worker=1)})


def _run(days: int, mode: str, how: FlowOptions) -> None:
    from example_project.flows import delays  # noqa: PLC0415 - after set_defaults
    from example_project.report import print_year  # noqa: PLC0415

    start = time.perf_counter()
    outcome = load(delays.with_options(**how)(days))
    spent = time.perf_counter() - start
    print_year(outcome["table"])
    print(f"mode {mode}, {spent:.1f} seconds; picture: {Path(outcome['picture']).resolve()}")  # noqa: T201


def _days(text: str) -> int:
    """Read and check the number of days."""
    try:
        return len(first_days(int(text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    main()
