"""Code of which type checkers must reject each marked line, and no other. Checked, never run.

A future may stand for the first argument of a call; that it is of the wrong type, pyright alone
sees (`# E: pyright`).
"""

from __future__ import annotations

from prefectx import context, flow, item, load, task, use_mode


@task
def bare(a: int, *, b: str = "") -> float:
    return a / 2 + len(b)


@task
async def co(a: int) -> str:
    return str(a)


@flow
def tie(a: int) -> str:
    return str(a)


@task
def words(texts: list[str]) -> int:
    return len(texts)


class Reader:
    @task
    def method(self, a: int) -> int:
        return a

    @flow
    def tied(self, a: int) -> int:
        return a


first = bare.submit(1)

# Arguments.
bare("x")  # E
bare()  # E
bare(1, c=2)  # E
bare(1, "x")  # E
bare(first)  # E: pyright
Reader().method("x")  # E
Reader().method()  # E
tie("x")  # E
tie()  # E
tie(1, 2)  # E
Reader().tied("x")  # E
# A future may be any argument of `submit`, so these pass.
bare.submit(first)
bare.submit("x")

# The keywords that each call takes.
bare(1, return_state="yes")  # E
bare(1, wait_for=3)  # E
tie(1, return_state="yes")  # E
bare.submit(1, return_state="yes")  # E

# Options.
task(targett="x")  # E
task(retries="x")  # E
task(store="x")  # E
task(rerun_on={"input"})  # E
task("x")  # E
bare.with_options(retriess=1)  # E
flow(target="x")  # E
flow(retries="x")  # E
tie.with_options(retriess=1)  # E

task(str.upper, targett="x")  # E

# Attributes.
bare.submitt(1)  # E
bare.retriess = 3  # E
bare.retries = "x"  # E
assert tie.task_run_name  # E

# What is given back.
number: int = bare(1)  # E
future: float = bare.submit(1)  # E
text: str = bare.submit(1).result()  # E
state: float = bare(1, return_state=True)  # E
awaited: str = co(1)  # E
result: int = tie(1)  # E
futures: list[float] = bare.map([1])  # E
loaded: str = load(first)  # E
listed: list[str] = load(bare.map([1]))  # E
kept: str = bare.item(1).load()  # E
words(bare.map([1]))  # E: pyright
tie(first)  # E: pyright

# What lies around them.
item(3)  # E
item("working/a", store="out")  # E
context("report-7")  # E
use_mode(3)  # E
use_mode()  # E
