"""Options that let the processes of pytest that tests start be up in half the time."""

from __future__ import annotations

from typing import Final

# The plugin that zarr brings along imports all of zarr, a second of CPU in each process.
QUICK: Final = ("-p", "no:zarr")
ADDOPTS: Final = " ".join(QUICK)
