"""Whole flows, generated: random graphs of small tasks, called, submitted and mapped."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from prefectx import allow_failure, flow, load, task


@dataclass(frozen=True)
class Ref:
    """Stands for what an earlier step gave."""

    step: int
    may_fail: bool = False


@dataclass(frozen=True)
class Step:
    how: str
    task: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


@task
def pack(*values: Any, tag: str = "") -> Any:
    return [tag, *values]


@task
def twin(value: Any) -> Any:
    return {"type": type(value).__name__, "value": value}


@task
def nothing(value: Any) -> None:
    return None


@task
def fail(value: Any) -> Any:
    raise ValueError(typed(value))


@task
def moody(value: Any) -> Any:
    if value is None or isinstance(value, float):
        raise KeyError(typed(value))
    return (value, [value])


@task
async def later(value: Any) -> Any:
    return Pair(value, 1)


@task
def parent(value: Any) -> Any:
    return [twin(value), load(pack.submit(value, value, tag="p")), nothing(value)]


@task(target=None)
def fresh(value: Any) -> Any:
    return (value, "never kept")


@task(target="kept/{funcname}/{base}.pkl")
def renamed(value: Any, other: Any = 0.0) -> Any:
    return {"value": value, "other": other}


TASKS = {t.name: t for t in (pack, twin, nothing, fail, moody, later, parent, fresh, renamed)}

TWINS = (0, False, 0.0, -0.0, 1, True, 1.0, "1", "", None, b"", float("nan"))

atoms = st.sampled_from(TWINS) | st.integers() | st.floats() | st.text(max_size=5)
data = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=5,
)


def _arguments(step: int) -> st.SearchStrategy[Any]:
    if step == 0:
        return data
    refs = st.builds(Ref, st.integers(0, step - 1), st.booleans())
    nested = st.one_of(
        st.lists(refs | data, max_size=3),
        st.tuples(refs, data),
        st.fixed_dictionaries({"a": refs}),
        st.builds(Pair, refs, data),
    )
    return refs | data | nested


_NEXT = {
    "int:0": False,
    "bool:False": 0.0,
    "float:0.0": -0.0,
    "float:-0.0": 0,
    "int:1": True,
    "bool:True": 1.0,
    "float:1.0": "1",
    "str:'1'": 1,
    "NoneType:None": "None",
    "str:''": b"",
    "bytes:b''": "",
}


def twin_of(value: object) -> Any:
    """Return what a careless name would take `value` for: another type, sign or container."""
    if isinstance(value, Ref):
        return value
    if isinstance(value, Pair):
        return Pair(twin_of(value.left), twin_of(value.right))
    if isinstance(value, dict):
        return {key: twin_of(element) for key, element in value.items()}
    if isinstance(value, list):
        return [twin_of(element) for element in value] or ()
    if isinstance(value, tuple):
        return tuple(twin_of(element) for element in value) or []
    return _NEXT.get(typed(value), value)


@st.composite
def graphs(draw: st.DrawFn, most: int = 6) -> list[Step]:
    steps: list[Step] = []
    for index in range(draw(st.integers(1, most))):
        again = draw(st.sampled_from(["new", "new", "same", "twin"])) if steps else "new"
        if again != "new":
            step = draw(st.sampled_from(steps))
            args = step.args if again == "same" else tuple(map(twin_of, step.args))
            if step.how == "map" and not isinstance(args[0], list):
                args = step.args
            steps.append(Step(step.how, step.task, args))
            continue
        how = draw(st.sampled_from(["call", "submit", "map"]))
        name = draw(st.sampled_from(sorted(TASKS)))
        argument = _arguments(index)
        if how == "map":
            args = (draw(st.lists(argument, max_size=3)),)
        elif name == "pack":
            args = tuple(draw(st.lists(argument, max_size=3)))
        else:
            args = (draw(argument),)
        steps.append(Step(how, name, args))
    return steps


def typed(value: object) -> str:
    """Return a text that differs where values, types, signs or orders differ."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        inner = [part for pair in value.items() for part in pair]
    elif isinstance(value, list | tuple):
        inner = list(value)
    else:
        return f"{type(value).__name__}:{value!r}"
    return f"{type(value).__name__}({', '.join(map(typed, inner))})"


async def _awaited(value: Any) -> Any:
    return await value


def _filled(value: object, given: list[Any]) -> Any:
    if isinstance(value, Ref):
        return allow_failure(given[value.step]) if value.may_fail else given[value.step]
    if isinstance(value, Pair):
        return Pair(_filled(value.left, given), _filled(value.right, given))
    if isinstance(value, dict):
        return {key: _filled(element, given) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(element, given) for element in value)
    return value


async def _run_step(step: Step, given: list[Any]) -> Any:
    run, args = TASKS[step.task], _filled(step.args, given)
    if step.how == "submit":
        return run.submit(*args)
    if step.how == "map":
        return run.map(*args)
    result: Any = run(*args)
    return await result if run.is_async else result


async def _outcomes(steps: list[Step]) -> list[str]:
    given: list[Any] = []
    outcomes: list[str] = []
    for step in steps:
        try:
            given.append(await _run_step(step, given))
        except Exception as error:
            outcomes.append(f"raised at once {type(error).__name__}{error.args}")
            given.append(None)
    for step, handle in zip(steps, given, strict=True):
        for part in (handle or []) if step.how == "map" else [handle]:
            try:
                outcomes.append(typed(load(part)))
            except Exception as error:
                outcomes.append(f"raised {type(error).__name__}{error.args}")
    return outcomes


# What is told apart here, 1 from True say, Prefect would convert.
@flow(validate_parameters=False)
async def run_graphs(many: list[list[Step]]) -> list[list[str]]:
    """Run each graph; give, as text, the data or the exception of each of its steps."""
    return [await _outcomes(steps) for steps in many]
