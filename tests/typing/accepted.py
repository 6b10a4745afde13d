"""Code that type checkers must accept, with the types they must find. Checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, assert_type

from prefectx import (
    MODES,
    Item,
    allow_failure,
    as_completed,
    context,
    current_mode,
    flow,
    gcontext,
    item,
    load,
    logs,
    tags,
    task,
    unmapped,
    use_mode,
    wait,
)
from prefectx._api.decorators import FlowDecorator, TaskDecorator
from prefectx._settings.mode import Mode
from prefectx._values.future import Future, FutureList, State
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from collections.abc import Iterable

X = TypeVar("X")

mytask = task(target="x/{a}.json", retries=2)
assert_type(mytask, TaskDecorator)
assert_type(mytask(store=None), TaskDecorator)


# Decorated functions keep their signatures.


@task
def bare(a: int, *, b: str = "") -> float:
    return a / 2 + len(b)


@task()
def empty(a: int) -> int:
    return a


@mytask
def configured(a: int) -> int:
    return a


@mytask(store=Filestore("out"), rerun_on={"inputs"})
def changed(a: int) -> int:
    return a


@mytask(store=None)(retries=3)
def changed_twice(a: int) -> int:
    return a


@task
async def co(a: int) -> str:
    return str(a)


@task
def same(x: X) -> X:
    return x


class Reader:
    @mytask(retries=1)
    def method(self, a: int, b: str = "") -> bytes:
        return b"%d" % a + b.encode()

    @task
    async def async_method(self, a: int) -> bytes:
        return b"%d" % a

    @staticmethod
    @task
    def static(a: int) -> int:
        return a

    @classmethod
    @task
    def of_class(cls, a: int) -> int:
        return a

    @flow
    def tied(self, a: int) -> str:
        return str(a)


assert_type(bare(1, b="x"), float)
assert_type(empty(1), int)
assert_type(changed(1), int)
assert_type(changed_twice(1), int)
assert_type(configured.with_options(retries=5)(1), int)
assert_type(same(3), int)
assert_type(same("x"), str)
assert_type(Reader().method(1, b="x"), bytes)
assert_type(Reader.method(Reader(), 1), bytes)
assert_type(Reader.static(3), int)
assert_type(bare.name, str)
assert_type(bare.fn(1), float)


# A future is of what the task returns, or what its coroutine does.

assert_type(bare.submit(1), Future[float])
assert_type(bare.submit(1, b="x").result(), float)
assert_type(bare.submit(1).state, State[float])
assert_type(co.submit(1), Future[str])
assert_type(co.map([1, 2]), FutureList[str])
assert_type(bare.map([1, 2], b="x"), FutureList[float])
assert_type(bare.map([1, 2], b=unmapped("x")).result(), list[float])
assert_type(Reader().method.submit(1), Future[bytes])
assert_type(Reader().async_method.submit(1), Future[bytes])


# Futures and Items may stand in the place of arguments.

assert_type(bare.submit(bare.submit(1)), Future[float])
assert_type(bare.submit(configured.submit(1)), Future[float])
assert_type(bare.submit(allow_failure(configured.submit(1))), Future[float])
assert_type(bare.submit(configured.item(1), b="x"), Future[float])
assert_type(co.submit(configured.submit(1)), Future[str])
assert_type(bare.map(configured.map([1, 2])), FutureList[float])


# Each call takes `return_state` and `wait_for`.

first = bare.submit(1)
assert_type(bare(1, b="x", return_state=True), State[float])
assert_type(bare(1, return_state=True).result(), float)
assert_type(bare(1, return_state=False), float)
assert_type(bare(1, wait_for=[first]), float)
assert_type(bare(1, wait_for=first), float)
assert_type(bare(1, wait_for=[first], return_state=True), State[float])
assert_type(Reader().method(1, return_state=True), State[bytes])
assert_type(bare.submit(1, return_state=True), State[float])
assert_type(bare.submit(1, wait_for=[first]), Future[float])
assert_type(co.submit(1, return_state=True), State[str])
assert_type(co.submit(1, wait_for=[first]), Future[str])
assert_type(bare.map([1], return_state=True), list[State[float]])
assert_type(bare.map([1], wait_for=[first]), FutureList[float])
assert_type(co.map([1], return_state=True), list[State[str]])
assert_type(co.map([1], wait_for=[first]), FutureList[str])


# Flows.

myflow = flow(retries=2)
assert_type(myflow, FlowDecorator)


@flow
def tie(a: int, *, b: str = "") -> list[float]:
    return [bare(a, b=b)]


@myflow(name="configured")
def configured_flow(a: int) -> str:
    return str(a)


@flow(log_prints=True)
async def co_flow(a: int) -> str:
    return await co(a)


assert_type(tie(1, b="x"), list[float])
assert_type(tie(1, return_state=True), State[list[float]])
assert_type(tie(1, wait_for=[first]), list[float])
assert_type(tie.with_options(retries=1)(1), list[float])
assert_type(configured_flow(1), str)
assert_type(Reader().tied(1), str)
assert_type(Reader().tied(1, return_state=True), State[str])


# Attributes of Prefect's objects, and options set by attribute.

tie.serve(name="what prefect.Flow has")
assert_type(bare.retries, int)
assert_type(bare.tags, set[str])
assert_type(tie.timeout_seconds, float | None)
assert_type(bare.__wrapped__(1, b="x"), float)
bare.retries = 3
tie.log_prints = True


# As in Prefect, a function and options may be given at once.

assert_type(task(str.upper, target=None)("a"), str)
assert_type(flow(str.upper, name="upper")("a"), str)


# A function that says nothing, or only raises, is no coroutine function.


@task
def anything() -> Any:
    return 1


@task
def fails() -> NoReturn:
    raise LookupError


@flow
def any_flow() -> Any:
    return anything()


assert_type(anything(return_state=True), State[Any])
assert_type(fails(return_state=True), State[Any])
assert_type(any_flow(return_state=True), State[Any])


async def main() -> None:
    assert_type(await co(1), str)
    assert_type(await co(1, wait_for=[first]), str)
    assert_type(await co(1, return_state=True), State[str])
    assert_type(await Reader().async_method(1), bytes)
    assert_type(await co_flow(1), str)
    assert_type(await co_flow(1, return_state=True), State[str])


# What lies around them.

assert_type(configured.item(1), Item[int])
assert_type(configured.item(1).load(), int)
assert_type(co.item(1), Item[str])
assert_type(Reader().method.item(1), Item[bytes])
assert_type(item("working/a"), Item[Any])
assert_type(item("working/a", Filestore), Item[Any])
assert_type(item("working/a", store=Filestore("out")).path, str)
assert_type(item("working/a").exists(), bool)


# `load` gives data of the type that the handle is of; data keeps its own.

assert_type(load(bare(1)), float)
assert_type(load(first), float)
assert_type(load(bare(1, return_state=True)), float)
assert_type(load(item("working/a")), Any)
assert_type(load(configured.item(1)), int)
assert_type(load(bare.map([1, 2])), list[float])
assert_type(load([bare(1), bare(2)]), list[float])
assert_type(load([bare.submit(1), first]), list[float])
assert_type(load([configured.item(1), configured.item(2)]), list[int])
assert_type(load({"a": first}), dict[str, float])
assert_type(load({"a": configured.item(1)}), dict[str, int])
assert_type(load({"a": bare.map([1])}), dict[str, list[float]])
assert_type(load(tie(1)), list[float])


# What `.map` gives, a future or an Item may stand for the data that a task or a flow asks for.


@task
def mean(numbers: list[float], digits: int = 2) -> float:
    return round(sum(numbers) / len(numbers), digits)


@task
def largest(numbers: Iterable[float]) -> float:
    return max(numbers)


@flow
def summed(numbers: list[float]) -> float:
    return sum(numbers)


assert_type(mean(bare.map([1, 2])), float)
assert_type(mean(bare.map([1, 2]), 3), float)
assert_type(mean(bare.map([1, 2]), digits=3), float)
assert_type(mean.submit(bare.map([1, 2])), Future[float])
assert_type(largest(bare.map([1, 2])), float)
assert_type(summed(bare.map([1, 2])), float)
assert_type(configured(configured.submit(1)), int)
assert_type(configured(configured.item(1)), int)
assert_type(Reader().method(configured.submit(1), b="x"), bytes)
assert_type(current_mode(), Mode)
assert_type(MODES, tuple[Mode, ...])

with use_mode("cache") as mode, context(base="report-7", day=3), tags("nightly"):
    assert_type(mode, Mode)
    gcontext["base"] = "report-8"
    gcontext.path = "in/a.pdf"

with logs.setup(["mylib"], level="DEBUG"):
    assert_type(logs.in_run(current_mode)(), Mode)
logs.setup("mylib, another", level=10).undo()

done, not_done = wait([first, item("working/a")], timeout=1.5)
for future in as_completed([first]):
    future.result()


# `task` and `flow` may be given other options under their own names, as README's first line does.

task = task(target="working/{funcname}/{base}")
flow = flow(retries=1)


@task(store=None)
def with_new_defaults(a: int) -> str:
    return str(a)


@flow
def flow_with_new_defaults(a: int) -> str:
    return with_new_defaults(a)


assert_type(with_new_defaults(1), str)
assert_type(with_new_defaults.item(1), Item[str])
assert_type(flow_with_new_defaults(1), str)
