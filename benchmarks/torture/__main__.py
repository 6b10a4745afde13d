"""Kill processes that make outputs, let several race, swap folders, interrupt: what suffers?"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import interrupts
import kills
import races
import reruns
import self_written
import swaps
from report import HEAD, Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kills import MakeStore

    from prefectx.stores import Store


def main() -> int:
    """Torture, print a table, and return 1 if anything suffered: then no more is tried."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how many processes are killed")
    parser.add_argument("--store", default="prefectx.stores:Filestore", help="MODULE:CLASS")
    chosen = parser.parse_args()
    module, _, name = chosen.store.partition(":")
    store_class = getattr(import_module(module), name)

    def make_store(folder: Path, *, durable: bool) -> Store:
        made: Store = store_class(folder, durable=durable)
        return made

    print(HEAD, flush=True)
    for attack, report in _attacks(chosen.kills, make_store):
        print(report.row(attack), flush=True)
        if not report.is_clean:
            return 1
    return 0


def _attacks(number: int, make_store: MakeStore) -> Iterator[tuple[str, Report]]:
    yield f"{number} processes that save outputs, killed", kills.run(number, make_store)
    for once in (False, True):
        how = "with once=True" if once else "without once=True"
        attack = f"{races.PROCESSES} processes that want the same outputs, {how}"
        yield attack, races.run(make_store, once=once)
    for once in (False, True):
        how = "store=None, once=True" if once else "store=None"
        attack = f"{number} processes whose functions write their files ({how}), killed"
        yield attack, self_written.run(number, once=once)
    attack = f"{reruns.PROCESSES} processes that rerun one target on their inputs"
    yield attack, reruns.run(10 * number, make_store)
    yield (
        "a folder that is swapped for a link while outputs are saved",
        swaps.run(20 * number, make_store),
    )
    yield "Ctrl-C while outputs are made", interrupts.run(5 * number)


if __name__ == "__main__":
    sys.exit(main())
