"""A client's process: `python client.py ADDRESS`.

For each line `SIDE FLOW [NUMBER …]` that it reads, it runs that flow on the cluster at the address
and writes what the flow gave, as a line of JSON. Mode and folder are those that it is started in.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from prefect_dask import DaskTaskRunner

from prefectx.dask import task_runner

if TYPE_CHECKING:
    from collections.abc import Callable

RUNNERS: dict[str, Callable[..., Any]] = {"plain": DaskTaskRunner, "ours": task_runner}


def main(address: str) -> None:
    for line in sys.stdin:
        side, name, *numbers = line.split()
        flow = getattr(import_module(side), name)
        on_cluster = flow.with_options(task_runner=RUNNERS[side](address=address))
        given = on_cluster(*map(int, numbers))
        # Of large data it is enough that it is there.
        told = len(given) if name == "returned" else given
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
