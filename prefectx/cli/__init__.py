"""The command `prefectx`: shows targets, says why they are stale, and reruns just those."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `prefectx`.

    Args:
        arguments: The command's arguments; by default those of this process.

    Returns:
        0 if all is fresh, 1 if something is stale or missing, 2 if something failed or the command
        was used wrongly.
    """
    from prefectx.cli.parser import parser

    typed = sys.argv[1:] if arguments is None else list(arguments)
    # Flows and tasks are imported from the current folder.
    if "" not in sys.path:
        sys.path.insert(0, "")
    from prefectx.errors import PrefectxError

    try:
        # The settings of the project may be wrong.
        options = parser().parse_args(typed)
        options.typed = typed
        return int(options.command(options))
    except PrefectxError as error:
        sys.stderr.write(f"prefectx: {error}\n")
        return 2
    except BrokenPipeError:
        # As in `prefectx ls | head`: the reader has closed the pipe.
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 - mostly of the user's module or flow
        import traceback

        from prefectx._values.tracebacks import hide_own_frames

        hide_own_frames(error)
        traceback.print_exception(error)
        return 2
