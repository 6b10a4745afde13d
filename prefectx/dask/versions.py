"""Which versions the quick way to submit was tested with: it leans on details of theirs."""

from __future__ import annotations

import functools
import logging
from importlib.metadata import version
from typing import Final

TESTED: Final = {
    "prefect": ((3, 8), (3, 10)),
    "prefect-dask": ((0, 3, 5), (0, 4)),
    "distributed": ((2025, 1), (2027,)),
}
"""Each package's first version that was tested, and the first that was not."""

_log: Final = logging.getLogger("prefectx.dask")


@functools.cache
def are_tested() -> bool:
    """Tell whether all that is installed was tested; if not, say so, once."""
    other = {name: version(name) for name in TESTED if not _is_tested(name)}
    if other:
        _log.warning(
            "prefectx.dask was not tested with %s: tasks are submitted in prefect-dask's own way,"
            " which is slower and keeps results in the workers' memory.",
            ", ".join(f"{name} {number}" for name, number in other.items()),
        )
    return not other


def _is_tested(name: str) -> bool:
    first, last = TESTED[name]
    numbers = tuple(int(part) for part in version(name).split(".")[:3] if part.isdigit())
    return first <= numbers < last
