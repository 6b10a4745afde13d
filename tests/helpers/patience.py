"""`PATIENCE`: the time after which a test says that something does not happen.

Nothing passes because of it: whatever is waited for, other than a hang, ends the wait. So it is
long, for machines that do ten other things beside the tests.
"""

from __future__ import annotations

from typing import Final

#: Seconds; pytest's own limit, after which a test is given up without a word of why, is longer.
PATIENCE: Final = 280
