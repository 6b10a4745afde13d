"""`python -m prefectx.cli`: the command `prefectx`."""

from __future__ import annotations

import sys

from prefectx.cli import main

if __name__ == "__main__":
    sys.exit(main())
