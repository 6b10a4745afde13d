"""A flow in a module of its own, as projects have them: its tasks travel by reference."""

from __future__ import annotations

import os
from typing import Any

from prefectx import allow_failure, context, flow, gcontext, task

LARGE = b"x" * 5_000_000


@task(name="{funcname}-{value}")
def double(value: int) -> int:
    return 2 * value


@task
async def double_later(value: int) -> int:
    return 2 * value


@task
def refuse(value: Any) -> None:
    msg = f"no {value}"
    raise LookupError(msg)


@task
def show(value: Any) -> str:
    return repr(value)


@task(target="named/{funcname}/{base}.txt")
def named(value: str, size: int = len(LARGE)) -> str:
    return f"{value} {size}"


@task(store=None, target="out/{os.path.basename(path)}")
def write(path: str) -> str:
    out = f"out/{os.path.basename(path)}"
    os.makedirs("out", exist_ok=True)
    with open(out, "w", encoding="utf-8") as file:
        file.write(path)
    return out


@task
def family(value: int) -> int:
    return double(value) + 1


@flow
def many_ways(count: int) -> Any:
    doubled = double.map(range(count))
    later = double_later.submit(doubled[1])
    gcontext["base"] = "first"
    texts = [named.submit("a")]
    with context(base="second"):
        texts.append(named.submit("b"))
    del gcontext["base"]
    path = write.submit("in/report.md")
    refused = show.submit(allow_failure(refuse.submit(1)))
    return {
        "doubled": doubled,
        "later": [later, double.map([later], wait_for=[doubled[2]])],
        "texts": texts,
        "path": [path, show.submit(path)],
        "refused": refused,
        "family": family.submit(20),
        "shown": show.map([1], wait_for=[doubled[0]]),
    }


EXPECTED = {
    "doubled": [0, 2, 4],
    "later": [4, [8]],
    "texts": [f"a {len(LARGE)}", f"b {len(LARGE)}"],
    "path": ["out/report.md", "'out/report.md'"],
    "refused": "LookupError('no 1')",
    "family": 41,
    "shown": ["1"],
}

RUNS = {"double": 5, "double_later": 1, "named": 2, "write": 1, "refuse": 2, "show": 3, "family": 1}
