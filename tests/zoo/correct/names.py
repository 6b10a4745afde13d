"""Targets that look as if they did not tell calls apart, but do."""

from __future__ import annotations

import datetime
import os

import numpy as np
from specimens import Correct

from prefectx import context, flow, gcontext, load, task


@task
def fetched(url: str) -> str:
    return f"<p>{url}</p>"


@task
def words(page: str) -> list[str]:
    return page.strip("<p>/").split("/")


# context(base=…), another one for each call.
@flow
def report_words(numbers: list[int]) -> list[list[str]]:
    results = []
    for number in numbers:
        with context(base=f"report-{number}"):
            results.append(words(fetched(f"example.org/{number}")))
    return results


@task(target="{version}/{funcname}/{site}.txt")
def model(site: str) -> str:
    return f"model of {site}"


# A name that the flow sets for all that follows.
@flow
def models(version: str) -> list[str]:
    gcontext["version"] = version
    return load(model.map(["north", "south"]))


@task(target="sums/{path}.json")
def sum_of(path: str) -> int:
    with open(path) as file:
        return sum(map(int, file.read().split(",")))


# One name of a file in two folders, both of which are in the target.
@flow
def sums() -> list[int]:
    for folder, text in (("north", "1,2"), ("south", "3,4")):
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/may.csv", "w") as file:
            file.write(text)
    return load(sum_of.map(["north/may.csv", "south/may.csv"]))


@task(target="working/{site}/raw.json")
def read_site(site: str) -> list[int]:
    return [3, 1, 2]


@task(target="working/{site}/sorted.json")
def sort_site(rows: list[int], site: str) -> list[int]:
    return sorted(rows)


# Two tasks below one folder.
@flow
def sorted_site(site: str) -> list[int]:
    return sort_site(read_site(site), site)


@task(target="working/{funcname}/{day:%Y-%m-%d}")
def weekday(day: datetime.date) -> str:
    return f"{day:%A}"


# Days as names.
@flow
def weekdays() -> list[str]:
    return load(weekday.map([datetime.date(2024, 5, day) for day in (1, 2)]))


@task(target="genes/{gene.lower()}.txt")
def sequence(gene: str) -> str:
    return f"sequence of {gene.lower()}"


# Folded case, where the calls do not differ.
@flow
def sequences() -> list[str]:
    return load([sequence(gene) for gene in ("abl1", "abl2")])


@task(target="working/{funcname}/{threshold:.3f}")
def above(threshold: float) -> list[float]:
    return [value for value in (0.11, 0.13, 0.15) if value > threshold]


# Rounding that keeps all digits there are.
@flow
def values_above(threshold: float) -> list[float]:
    return above(threshold)


@task
def loudest(signal: np.ndarray) -> float:
    return float(signal.max())


# Large data, different in the middle alone, with the default base.
@flow
def loudest_of_two() -> list[float]:
    quiet = np.zeros(50_000)
    loud = quiet.copy()
    loud[25_000] = 9.0
    return [loudest(quiet), loudest(loud)]


@task(target="working/{funcname}", rerun_on={"inputs"})
def total(numbers: list[int]) -> int:
    return sum(numbers)


# One target for all runs, made anew if the inputs differ.
@flow
def sales(numbers: list[int]) -> int:
    return total(numbers)


CORRECT = [
    Correct(report_words, [([1, 2],)]),
    Correct(models, [("v1",), ("v2",)]),
    Correct(sums),
    Correct(sorted_site, [("north",), ("south",)]),
    Correct(weekdays),
    Correct(sequences),
    Correct(values_above, [(0.12,), (0.14,)]),
    Correct(loudest_of_two),
    Correct(sales, [([1, 2],), ([1, 2, 3],)]),
]
