"""Kill processes that save outputs, and let several race: is any target lost or torn?"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import kills
import races

if TYPE_CHECKING:
    from prefectx.stores import Store


def main() -> int:
    """Torture, print the counts in a line, and return 1 if any target suffered."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how many processes are killed")
    parser.add_argument("--store", default="prefectx.stores:Filestore", help="MODULE:CLASS")
    chosen = parser.parse_args()
    module, _, name = chosen.store.partition(":")
    store_class = getattr(import_module(module), name)

    def make_store(folder: Path, *, durable: bool) -> Store:
        made: Store = store_class(folder, durable=durable)
        return made

    total = kills.run(chosen.kills, make_store)
    print(f"torture: {total}")
    clean = total.is_clean
    for once in (False, True) if clean else ():
        total, again = races.run(make_store, once=once)
        print(f"{races.PROCESSES} processes, once={once}: {total}, {again} made again")
        clean = clean and total.is_clean and not (once and again)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
