"""The versions with which the quick submission was tested, because it uses private names."""

from __future__ import annotations

import functools
import logging
from importlib import import_module
from importlib.metadata import version
from typing import Final

TESTED: Final = {
    "prefect": ((3, 8), (3, 10)),
    "prefect-dask": ((0, 3, 5), (0, 4)),
    "distributed": ((2025, 1), (2027,)),
}
"""The first version of each package that was tested, and the first that was not."""

_log: Final = logging.getLogger("prefectx.dask")


@functools.cache
def can_submit_quickly() -> bool:
    """Tell whether the installed versions were tested and have all names; warn once if not."""
    other = {name: version(name) for name in TESTED if not _is_tested(name)}
    why = ", ".join(f"{name} {number}" for name, number in other.items())
    if not why:
        try:
            import_module("prefectx.dask.submission")
        except ImportError as error:
            why = f"this Prefect and this Dask ({error})"
        else:
            why = _missing()
    if why:
        _log.warning(
            "prefectx.dask was not tested with %s. So tasks are submitted in prefect-dask's own"
            " way, which is slower and holds results in the workers' memory.",
            why,
        )
    return not why


def _missing() -> str:
    from prefectx._runners.prefect import private

    names = [name for name in ("create_task_run", "emit_state") if not getattr(private, name)]
    return f"this Prefect, which has no {' and no '.join(names)}" if names else ""


def _is_tested(name: str) -> bool:
    first, last = TESTED[name]
    numbers = tuple(int(part) for part in version(name).split(".")[:3] if part.isdigit())
    return first <= numbers < last
