"""The flows that are compared, with prefectx; `plain.py` is the same in plain Prefect."""

from __future__ import annotations

import time

import prefect.runtime

from prefectx import flow, task, wait


@task
def make(number: int, size: int) -> bytes:
    return bytes([number % 256]) * size


@task
def use(data: bytes) -> int:
    return len(data)


@task
def touch(number: int) -> int:
    return number


@task
def keep(number: int) -> int:
    return number


@flow
def held(count: int, size: int) -> int:
    """Hold the futures of large data until all of their consumers are done."""
    made = [make.submit(number, size) for number in range(count)]
    used = [use.submit(one) for one in made]
    wait(used)
    return len(made)


@flow
def waited(count: int, size: int) -> int:
    """Wait for the large data as well."""
    made = [make.submit(number, size) for number in range(count)]
    used = [use.submit(one) for one in made]
    wait(made)
    wait(used)
    return len(made)


@flow
def returned(count: int, size: int) -> object:
    """Return the futures of the large data from the flow."""
    made = [make.submit(number, size) for number in range(count)]
    used = [use.submit(one) for one in made]
    wait(used)
    return made


@flow
def many(first: int, count: int) -> tuple[str, float, float]:
    """Run many trivial tasks; return the flow run, and seconds until all are sent and done."""
    start = time.perf_counter()
    futures = [touch.submit(number) for number in range(first, first + count)]
    sent = time.perf_counter() - start
    wait(futures)
    return str(prefect.runtime.flow_run.id), sent, time.perf_counter() - start


@flow
def kept(count: int) -> tuple[str, float]:
    """Run tasks whose outputs are kept; return the flow run, and seconds until all are done."""
    start = time.perf_counter()
    wait([keep.submit(number) for number in range(count)])
    return str(prefect.runtime.flow_run.id), time.perf_counter() - start
