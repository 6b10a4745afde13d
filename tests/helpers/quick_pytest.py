"""Options that let the processes of pytest that tests start be up in half the time."""

from __future__ import annotations

import re
from typing import Final

# The plugin that zarr brings along imports all of zarr, a second of CPU in each process.
QUICK: Final = ("-p", "no:zarr")
ADDOPTS: Final = " ".join(QUICK)

# Hypothesis's own plugin imports all of hypothesis when a session ends, half a second of CPU, also
# where no test has used it.
NO_HYPOTHESIS: Final = ("-p", "no:hypothesispytest")
_USES_HYPOTHESIS: Final = re.compile("hypothesis|given|check_flow|Machine|pytest_configure")


def leave_out_hypothesis(*texts: str) -> tuple[str, ...]:
    """Return the options for a session of these files, in which none may use hypothesis."""
    return () if any(map(_USES_HYPOTHESIS.search, texts)) else NO_HYPOTHESIS
