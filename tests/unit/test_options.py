"""Options of tasks and flows, their inheritance, and the error for a misspelt one."""

from __future__ import annotations

import functools
import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import Flow, Task, flow, task, use_mode
from prefectx._naming.options import FLOW_OPTIONS, OWN_OPTIONS, TASK_OPTIONS, prefect_options
from prefectx.errors import PrefectxError, UnknownOption
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.prefectx("cache")


def double(x: int) -> int:
    """Twice."""
    return 2 * x


def test_task_decorates_bare_and_called() -> None:
    for decorated in (task(double), task()(double), task(retries=2)(double)):
        assert isinstance(decorated, Task)
        assert decorated.fn is double
        assert decorated.name == "double"


def test_a_task_looks_like_its_function() -> None:
    decorated = task(double)
    assert decorated.__name__ == "double"
    assert decorated.__doc__ == "Twice."
    assert decorated.__wrapped__ is double
    assert repr(decorated) == f"<Task {__name__}.double>"


def test_a_configured_decorator_hands_its_options_on() -> None:
    configured = task(target="out/{x}", retries=2)
    again = configured(store=Filestore("other"))
    decorated = again(double)
    assert decorated.item(1).target == "out/1"
    assert decorated.item(1).store == Filestore("other")
    assert decorated.options["retries"] == 2


def test_an_option_given_later_wins() -> None:
    first = task(target="one/{x}", tags=["a"])
    second = first(target="two/{x}")
    assert second(double).item(1).target == "two/1"
    assert first(double).item(1).target == "one/1", "configuring a copy leaves the first as it was"


def test_store_none_on_top_of_a_configured_decorator_keeps_its_target() -> None:
    @task(target="out/{x}.parquet", store=None)
    def written(x: int) -> str:
        return f"out/{x}.parquet"

    configured = task(target="out/{x}.parquet")
    assert configured(store=None)(written.fn).item(1).target == "out/1.parquet"


def test_a_target_set_back_to_none_is_no_target() -> None:
    decorated = task(target="out/{x}")(target=None)(double)
    with pytest.raises(PrefectxError, match="target=None, so its calls have no Item"):
        decorated.item(1)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("retires", "retries"), ("traget", "target"), ("rerun_one", "rerun_on"), ("tag", "tags")],
)
def test_a_misspelt_option_is_told_the_nearest_name(wrong: str, right: str) -> None:
    message = rf"task has no option '{wrong}'. Did you mean '{right}'\?"
    uses: list[Any] = [task, task(retries=1), task(double).with_options]
    for use in uses:
        with pytest.raises(UnknownOption, match=message):
            use(**{wrong: 1})


def test_an_option_like_no_other_is_told_which_there_are() -> None:
    with pytest.raises(UnknownOption, match=r"'zzz'\. The options are: .*retries.*target"):
        task(zzz=1)  # type: ignore[call-overload]
    with pytest.raises(UnknownOption, match=r"'zzz'\. The options are: .*task_runner"):
        flow(zzz=1)  # type: ignore[call-overload]


def test_an_unknown_option_is_a_type_error_too() -> None:
    assert issubclass(UnknownOption, TypeError)


def test_prefects_options_are_those_of_the_prefect_that_is_installed(
    python: Callable[..., str], tmp_path: Path
) -> None:
    """`TaskOptions` and `FlowOptions` are written down, so that they work without Prefect."""
    if find_spec("prefect") is None:
        pytest.skip("needs Prefect")
    code = """
        import inspect, json, prefect
        print(json.dumps([
            sorted(inspect.signature(kind.__init__).parameters)
            for kind in (prefect.Task, prefect.Flow)
        ]))
    """
    of_task, of_flow = map(set, json.loads(python(code, PREFECT_HOME=str(tmp_path))))
    assert set(TASK_OPTIONS - OWN_OPTIONS) == of_task - {"self", "fn", "name"}
    assert set(FLOW_OPTIONS - {"rerun_on"}) == of_flow - {"self", "fn"}


def test_own_options_are_kept_from_prefect() -> None:
    given = {"target": None, "name": "{x}", "rerun_on": (), "retries": 1, "tags": ["a"]}
    assert prefect_options(given) == {"retries": 1, "tags": ["a"]}
    assert prefect_options({**given, "name": "n"}) == {"retries": 1, "tags": ["a"], "name": "n"}
    assert OWN_OPTIONS < TASK_OPTIONS


def test_every_option_is_accepted_and_of_no_effect_without_prefect() -> None:
    """The values do not matter: in the modes without Prefect nobody looks at them."""
    of_task: Any = dict.fromkeys(TASK_OPTIONS - OWN_OPTIONS, 1)
    of_flow: Any = dict.fromkeys(FLOW_OPTIONS - {"name", "rerun_on"}, 1)
    assert task(double, **of_task, target=None)(4) == 8
    assert flow(double, **of_flow)(4) == 8


def test_with_options_changes_a_copy() -> None:
    decorated = task(target="one/{x}", retries=1)(double)
    changed = decorated.with_options(target="two/{x}")
    assert changed.item(1).target == "two/1"
    assert changed.options["retries"] == 1
    assert changed.fn is double
    assert decorated.item(1).target == "one/1"


def test_with_options_keeps_the_owner_of_a_method() -> None:
    class Scale:
        factor = 3

        @task(target=None)
        def times(self, x: int) -> int:
            return self.factor * x

    assert Scale().times.with_options(retries=1)(2) == 6


@pytest.mark.parametrize("name", ["wait_for", "return_state"])
def test_parameters_that_calls_of_tasks_use_are_refused(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def taken(x, {name}): return x", namespace)  # noqa: S102 - code of our own making
    with pytest.raises(UnknownOption, match=f"task 'taken' has a parameter '{name}'"):
        task(namespace["taken"])


@pytest.mark.parametrize("reasons", ["code", "inputs", {"code"}, ["inputs", "code"], ()])
def test_rerun_on_takes_one_reason_or_several(reasons: Any) -> None:
    expected = {reasons} if isinstance(reasons, str) else set(reasons)
    assert task(rerun_on=reasons)(double).rerun_on == expected


def test_an_unknown_reason_to_rerun_is_refused() -> None:
    message = (
        r"task 'double': rerun_on has \['time'\]\. Its values can be 'code', 'expired', 'inputs',"
        r" 'upstream'"
    )
    with pytest.raises(UnknownOption, match=message):
        task(rerun_on={"code", "time"})(double)  # type: ignore[arg-type]


def test_an_age_that_is_no_timedelta_is_refused_at_decoration() -> None:
    with pytest.raises(UnknownOption, match=r"task 'double': expires=3600 is no timedelta, as in"):
        task(expires=3600)(double)  # type: ignore[call-overload]


@pytest.mark.parametrize("decorator", [task, flow])
def test_what_is_no_function_is_refused(decorator: Any) -> None:
    with pytest.raises(TypeError, match=r"takes a function, or options by name, not 3"):
        decorator(3)


@pytest.mark.prefectx("cache")
def test_what_cannot_be_kept_is_refused_where_it_would_be_kept() -> None:
    def count(stop: int) -> Any:
        yield from range(stop)

    async def acount(stop: int) -> object:
        yield stop

    class Counter:
        def __call__(self, stop: int) -> int:
            return stop

    with pytest.raises(PrefectxError, match=r"'count' is a generator, .* target=None"):
        task(count)(2)
    with pytest.raises(PrefectxError, match=r"'acount' is a generator, .* target=None"):
        task(acount).item(2)
    with pytest.raises(PrefectxError, match=r"'Counter' is made of .* Wrap it in a def"):
        task(Counter())(2)
    with pytest.raises(PrefectxError, match="'partial' is made of"):
        task(functools.partial(pow, 2)).submit(1).result()
    assert list(task(target=None)(count)(2)) == [0, 1]
    assert task(target=None)(Counter())(2) == 2
    with use_mode("function"):
        assert list(task(count)(2)) == [0, 1]
        assert task(Counter())(2) == 2


def test_builtin_functions_can_be_tasks() -> None:
    assert task(target=None)(len)([1, 2]) == 2
    assert task(store=None, target="out/{obj}")(len).item("a").target == "out/a"


def test_flow_decorates_bare_and_called() -> None:
    for decorated in (flow(double), flow()(double), flow(log_prints=True)(double)):
        assert isinstance(decorated, Flow)
        assert decorated.fn is double
        assert decorated(4) == 8


def test_a_flow_is_named_after_its_function_or_its_option() -> None:
    def nightly_report() -> None: ...

    assert flow(nightly_report).name == "nightly-report"
    assert flow(name="weekly")(nightly_report).name == "weekly"
    assert flow(name="weekly")(log_prints=True)(nightly_report).name == "weekly"


def test_flow_options_are_inherited_and_changed_in_copies() -> None:
    configured = flow(retries=1, timeout_seconds=5)
    decorated = configured(retries=2)(double)
    assert decorated.options == {"retries": 2, "timeout_seconds": 5}
    changed = decorated.with_options(name="other")
    assert changed.options == {"retries": 2, "timeout_seconds": 5, "name": "other"}
    assert "name" not in decorated.options


def test_a_misspelt_option_of_a_flow_is_told_the_nearest_name() -> None:
    message = r"flow has no option 'task_runer'. Did you mean 'task_runner'\?"
    uses: list[Any] = [flow, flow(double).with_options]
    for use in uses:
        with pytest.raises(UnknownOption, match=message):
            use(task_runer=1)


def test_tasks_options_are_not_flows_options() -> None:
    with pytest.raises(UnknownOption, match="flow has no option 'target'"):
        flow(target="out/{x}")  # type: ignore[call-overload]
