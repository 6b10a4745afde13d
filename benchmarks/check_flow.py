"""How long `check_flow` takes for each flow of the zoo that agrees, so that the search is whole.

    python benchmarks/check_flow.py [--examples N] [--most FLOWS]

The aim: a median of at most 3 s and no flow over 10 s, with hypothesis' own 100 examples. Flows
that have inputs are searched with the strategies that their annotations give, else with the zoo's
own inputs. The time is that of the CPU, with child processes: a busy machine shows nothing else.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import typing
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ZOO = Path(__file__).parents[1] / "tests" / "zoo"


def zoo_inputs(specimen: Any) -> list[st.SearchStrategy[Any]]:
    """Return a strategy for each argument, with the inputs of the zoo."""
    return [st.sampled_from(values) for values in zip(*specimen.calls, strict=True)]


def strategies(specimen: Any) -> list[st.SearchStrategy[Any]]:
    """Return a strategy for each argument."""
    zoo = zoo_inputs(specimen)
    hints = typing.get_type_hints(specimen.flow.fn)
    hints.pop("return", None)
    # Sizes too are integers: large ones would fill the memory.
    small = st.integers(0, 20)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: small,
        str: st.text(max_size=20),
        bool: st.booleans(),
        float: st.floats(),
        list[int]: st.lists(small),
        list[str]: st.lists(st.text(max_size=20)),
    }
    return [
        simple.get(hint, other)
        for hint, other in zip([*hints.values()][: len(zoo)], zoo, strict=True)
    ]


def seconds() -> float:
    """Return the CPU time of this process and its children so far."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=100, metavar="N")
    parser.add_argument("--most", type=int, metavar="FLOWS", help="limit the number of flows")
    options = parser.parse_args()
    sys.path.insert(0, str(ZOO))
    warnings.simplefilter("ignore")
    logging.disable()
    os.environ["PREFECTX_SUMMARY"] = "off"
    import correct

    from pytest_prefectx import ModesDisagree, check_flow

    chosen = settings(
        max_examples=options.examples,
        database=None,
        derandomize=True,
        suppress_health_check=[*HealthCheck],
    )
    took: dict[str, float] = {}
    specimens = [each for each in correct.ALL if any(each.calls) and "prefect" not in each.modes]
    for specimen in specimens[: options.most]:
        for given in (strategies(specimen), zoo_inputs(specimen)):
            start = seconds()
            try:
                # Some flows print.
                with redirect_stdout(StringIO()):
                    check_flow(specimen.flow, *given, settings=chosen, raises=Exception)
            except ModesDisagree:
                # It is correct on the inputs of the zoo alone.
                continue
            took[str(specimen)] = seconds() - start
            print(f"{took[str(specimen)]:6.1f} s  {specimen}", flush=True)
            break
    print(
        f"{len(took)} flows: median {median(took.values()):.1f} s, most {max(took.values()):.1f} s"
    )


if __name__ == "__main__":
    main()
