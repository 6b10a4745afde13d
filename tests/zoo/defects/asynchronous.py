"""Async tasks whose results depend on which of them runs before which."""

from __future__ import annotations

import asyncio

from specimens import Defect

from prefectx import flow, load, task

ARRIVED: list[str] = []


@task
async def arrival(runner: str, seconds: float) -> int:
    await asyncio.sleep(seconds)
    ARRIVED.append(runner)
    return len(ARRIVED)


# lost, the slow one alone: the fast one is a hit and does not arrive.
@flow
async def race() -> list[int]:
    ARRIVED.clear()
    return [*await asyncio.gather(arrival("slow", 0.05), arrival("fast", 0.0))]


FETCHED: list[str] = []


@task(target=None)
async def fetch(page: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    FETCHED.append(page)
    return page


# submitted; in `function` one runs after the other, in `prefect` they run at the same time.
@flow
async def pages() -> list[str]:
    FETCHED.clear()
    load([fetch.submit("slow", 1.0), fetch.submit("fast", 0.0)])
    return list(FETCHED)


DEFECTS = [
    Defect(race, "order", ("arrival", "ARRIVED")),
    Defect(pages, "order", ("fetch", "FETCHED"), modes=("function", "prefect")),
]
