"""The table of `prefect-tests.sh`, from the results of both runs of each set of tests."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from typing import NamedTuple


class Outcome(NamedTuple):
    """How a test ended.

    Attributes:
        passed: Whether it passed.
        why: The last line of what it failed with.
    """

    passed: bool
    why: str = ""


def outcomes(path: str) -> dict[str, Outcome]:
    """Return how each test of a JUnit file ended that was not skipped."""
    found: dict[str, Outcome] = {}
    for case in ET.parse(path).iter("testcase"):  # noqa: S314
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("skipped") is not None:
            continue
        wrong = case.find("failure")
        wrong = case.find("error") if wrong is None else wrong
        if wrong is None:
            found.setdefault(name, Outcome(passed=True))
        else:
            found[name] = Outcome(passed=False, why=(wrong.get("message") or "").split("\n")[0])
    return found


def main(arguments: list[str]) -> int:
    """Print the table and the tests that differ; return 1 if one fails with ours alone."""
    rows: list[tuple[str, dict[str, Outcome], dict[str, Outcome]]] = [
        (files, outcomes(prefect), outcomes(ours))
        for files, prefect, ours in zip(
            arguments[::3], arguments[1::3], arguments[2::3], strict=True
        )
    ]
    print("| tests | Prefect | ours |\n|---|---|---|")
    for files, prefect, ours in rows:
        told = [
            f"{sum(outcome.passed for outcome in each.values())} of {len(each)}"
            for each in (prefect, ours)
        ]
        print(f"| {files} | {told[0]} | {told[1]} |")
    differing = 0
    missing = Outcome(passed=False, why="did not run")
    for _, prefect, ours in rows:
        for name in sorted(prefect.keys() | ours.keys()):
            before, after = prefect.get(name, missing), ours.get(name, missing)
            if before.passed and not after.passed:
                differing += 1
                print(f"fails with ours alone: {name}\n    {after.why[:200]}")
            elif after.passed and not before.passed:
                print(f"fails with Prefect alone: {name}\n    {before.why[:200]}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
