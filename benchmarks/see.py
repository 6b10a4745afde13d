"""The cost of the command `prefectx` over many targets: `python benchmarks/see.py 1000 66002`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOW = """
from prefectx import flow, task

@task(target="working/{funcname}/{n}")
def step(n: int) -> int:
    return n

@flow
def many(count: int) -> None:
    for n in range(count):
        step(n)
"""

# A list of the results would take more memory than what is measured after it.
STAT = """
import os, sys
for n in range(int(sys.argv[1])):
    os.stat(f"working/step/{n}")
"""


def timed(name: str, *command: str) -> None:
    """Run a command; print its processor and wall seconds and its memory."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(  # noqa: S603 - a command of our own
        [sys.executable, *command], check=False, capture_output=True
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| {name} | {spent:.2f} | {wall:.2f} | {after.ru_maxrss / 1000:.0f} |")


def main() -> None:
    """Measure each number of targets that is given."""
    for count in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            Path("big.py").write_text(FLOW)
            flow = ("big:many", "-p", f"count={count}")
            command = ("-m", "prefectx.cli")
            print(
                f"\n{count} targets\n\n| | CPU s | wall s | largest so far, MB |\n|---|---|---|---|"
            )
            timed("first run", *command, "run", *flow)
            timed("loop of os.stat", "-c", STAT, count)
            timed("no-op run", *command, "run", *flow)
            for view in ("status", "ls"):
                timed(view, *command, view)
            timed("plan", *command, "plan", *flow)


if __name__ == "__main__":
    main()
