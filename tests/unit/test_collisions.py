"""One target, two calls: an error in one run, a warning across runs; what `rerun_on` decides."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import datetime
import decimal
import functools
import os
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simple_tasks import run

from prefectx import context, flow, item, load, task
from prefectx._identity.short_text import short_text, short_text_of_call
from prefectx.errors import (
    PrefectxError,
    StaleTarget,
    TargetCollision,
    TargetMissing,
    UnsupportedValue,
)
from prefectx.records import record_of
from prefectx.stores import Filestore, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@task(target="out/constant")
def one(x: object) -> Any:
    return x


def body_of(source: str, name: str = "made") -> Any:
    """Give a task's function with this body, as if its module had been edited."""
    namespace: dict[str, Any] = {"__name__": "edited"}
    exec(f"def {name}(x): {source}", namespace)  # noqa: S102 - code of our own making
    return namespace[name]


class TestInOneRun:
    def test_two_calls_with_one_target_are_an_error_that_names_both(
        self, tmp_target: Targets
    ) -> None:
        with pytest.raises(TargetCollision) as caught:
            run(one, 1, "b")
        message = str(caught.value)
        assert "two different calls share the target 'out/constant'" in message
        assert f"{__name__}.one(x=1) and {__name__}.one(x='b')" in message
        assert "{base}" in message
        assert tmp_target.runs == {"one": 1}

    def test_two_tasks_with_one_target_are_an_error_too(self) -> None:
        @task(target="out/constant")
        def other(x: object) -> object:
            return x

        @flow
        def both() -> object:
            return one(1), other(1)

        with pytest.raises(TargetCollision, match=r"one\(x=1\) and .*other\(x=1\)"):
            both()

    def test_the_same_call_twice_is_one_target(self, tmp_target: Targets) -> None:
        assert load(run(one, [1, {"a": 2.5}], [1, {"a": 2.5}])) == [[1, {"a": 2.5}]] * 2
        assert tmp_target.runs == {"one": 1}

    def test_two_ways_to_spell_a_target_are_one(self) -> None:
        there = one.with_options(store=Filestore(Path.cwd()))

        @flow
        def both() -> object:
            return one(1), there(2)

        with pytest.raises(TargetCollision):
            both()

    def test_one_target_in_two_stores_is_two(self) -> None:
        there = one.with_options(store=Filestore("elsewhere"))

        @flow
        def both() -> object:
            return one(1), there(2)

        assert load(both()) == (1, 2)

    def test_subflows_belong_to_the_run(self) -> None:
        @flow
        def inner(x: int) -> object:
            return one(x)

        @flow
        def outer() -> Any:
            return inner(1), inner(2)

        with pytest.raises(TargetCollision):
            outer()

    def test_tasks_called_by_tasks_belong_to_the_run(self) -> None:
        @task(target=None)
        def parent(x: int) -> object:
            return one(x)

        with pytest.raises(TargetCollision):
            run(parent, 1, 2)

    def test_coroutines_of_one_run_collide(self) -> None:
        @task(target="out/constant")
        async def later(x: int) -> int:
            await asyncio.sleep(0)
            return x

        @flow
        async def both() -> tuple[int, int]:
            return await asyncio.gather(later(1), later(2))

        with pytest.raises(TargetCollision):
            asyncio.run(both())

    def test_submitted_and_mapped_calls_collide(self) -> None:
        @flow
        def mapped() -> object:
            return one.map([1, 2])

        @flow
        def submitted() -> object:
            return one.submit(1), one.submit(2)

        for start in (mapped, submitted):
            with pytest.raises(TargetCollision):
                load(start())

    def test_a_context_that_names_two_calls_alike_is_found(self) -> None:
        plain = one.with_options(target="out/{base}")
        with context(base="report-7"), pytest.raises(TargetCollision):
            run(plain, 1, 2)

    def test_twins_are_different_calls(self) -> None:
        for left, right in [(0, False), (1, 1.0), (0.0, -0.0), ([1], (1,)), ("1", 1), ("", b"")]:
            with pytest.raises(TargetCollision):
                run(one.with_options(target=f"out/{left!r}"), left, right)

    def test_nan_is_the_same_call_as_nan(self) -> None:
        run(one, float("nan"), float("nan"))

    def test_a_collision_is_a_runtime_error_of_prefectx(self) -> None:
        assert issubclass(TargetCollision, RuntimeError)
        assert issubclass(TargetCollision, PrefectxError)

    def test_in_mode_function_nothing_collides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PREFECTX", "function")
        assert run(one, 1, 2) == [1, 2]


@dataclasses.dataclass
class Point:
    x: Any


SEEN_IN_PART = (
    *(Path("a"), Path("b"), datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)),
    *(decimal.Decimal(1), decimal.Decimal(2), Point(1), Point(2), Point(1.0), Point(Path("a"))),
    *(
        2**300,
        2**300 + 1,
        "a" * 100,
        "a" * 99 + "b",
        b"a" * 100,
        len,
        max,
        int,
        str,
        Point,
        bytearray(),
    ),
    *(
        ["a" * 100],
        {"k": "a" * 100},
        {1: 2},
        {1: 3},
        {1, 2},
        {1, 3},
        frozenset({1}),
        item("a"),
        item("b"),
    ),
)


class TestShortText:
    def test_short_text_tells_values_apart(self) -> None:
        summaries = [short_text_of_call("f", {"x": value}) for value in SEEN_IN_PART]
        assert len(set(summaries)) == len(SEEN_IN_PART)

    def test_short_text_tells_arrays_and_frames_apart(self) -> None:
        np = pytest.importorskip("numpy")
        pd = pytest.importorskip("pandas")
        values = [
            np.array([1, 2]),
            np.array([1, 3]),
            np.array([1.0, 2.0]),
            np.array([[1, 2]]),
            np.zeros(10**6),
            np.ones(10**6),
            np.int64(1),
            np.int64(2),
            np.float64(1),
            pd.DataFrame({"a": [1]}),
            pd.DataFrame({"a": [2]}),
            pd.DataFrame(),
            pd.Series([1]),
            pd.Series([2]),
        ]
        summaries = [short_text(value) for value in values]
        assert len(set(summaries)) == len(values)
        assert [short_text(copy.deepcopy(value)) for value in values] == summaries

    @pytest.mark.parametrize("value", SEEN_IN_PART, ids=lambda value: type(value).__name__)
    def test_short_text_is_equal_for_copies(self, value: object) -> None:
        assert short_text(copy.deepcopy(value)) == short_text(value)

    @given(
        value=st.recursive(
            st.text() | st.integers() | st.binary() | st.floats() | st.none(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
            max_leaves=10,
        )
    )
    @settings(deadline=None, max_examples=50)
    def test_short_text_of_anything_is_equal_for_copies(self, value: object) -> None:
        assert short_text(copy.deepcopy(value)) == short_text(value)

    @pytest.mark.parametrize(
        "large",
        [
            "a" * 10**7,
            b"a" * 10**7,
            list(range(10**6)),
            dict.fromkeys(range(10**6)),
            set(range(10**6)),
            10**10_000,
            [["a" * 1000] * 1000] * 1000,
            [[[[[["deep"]]]]]],
        ],
        ids=["str", "bytes", "list", "dict", "set", "int", "nested", "deep"],
    )
    def test_short_text_is_short_whatever_the_data(self, large: object) -> None:
        assert len(short_text(large)) < 1000 * (1 + isinstance(large, list) * 8)

    def test_short_text_is_short_where_a_value_contains_itself(self) -> None:
        loop: list[Any] = []
        loop.append(loop)
        assert len(short_text(loop)) < 200

    def test_large_data_with_other_ends_is_told_apart(self) -> None:
        data = list(range(10**6))
        assert short_text(data) != short_text([*data[:-1], 0])
        assert short_text(data) != short_text(data[:-1])

    def test_short_text_is_the_same_in_every_process(self, python: Callable[..., str]) -> None:
        code = """
            from prefectx._identity.short_text import short_text
            print(short_text({"k": set("abcdef"), "l": [frozenset("xyz"), int, len]}))
        """
        first, second = (python(code, PYTHONHASHSEED=seed) for seed in ("1", "2"))
        assert first == second


class TestOutsideFlows:
    def test_another_call_warns_and_is_trusted(self, tmp_target: Targets) -> None:
        assert load(one(1)) == 1
        with pytest.warns(StaleTarget) as caught:
            assert load(one(2)) == 1
        assert f"{__name__}.one(x=1) and {__name__}.one(x=2)" in str(caught[0].message)
        assert tmp_target.runs == {"one": 1}

    def test_the_same_call_does_not(self) -> None:
        assert load([one(1), one(1)]) == [1, 1]


class TestAcrossRuns:
    def test_a_target_is_trusted_because_it_is_there(self, tmp_target: Targets) -> None:
        run(one, 1)
        assert load(run(one, 1)) == [1]
        assert tmp_target.runs == {"one": 1}

    def test_another_call_is_trusted_with_a_warning(self) -> None:
        run(one, 1)
        with pytest.warns(StaleTarget, match=r"was made by another call: .*\(x=1\), now .*\(x=2\)"):
            assert load(run(one, 2)) == [1]

    @pytest.mark.parametrize("kind", ["open file", "binary file", "generator", "coroutine"])
    def test_what_cannot_be_compared_is_by_what_can(self, kind: str) -> None:
        """The name of a file, the arguments of a generator."""

        def rows(name: str) -> Iterator[str]:
            yield name

        async def later(name: str) -> str:
            return name

        def made(name: str) -> Any:
            Path(name).write_text("content")
            if kind == "generator":
                return rows(name)
            if kind == "coroutine":
                return later(name)
            return open(name, "rb" if kind == "binary file" else "r")

        @task(target="out/constant")
        def length(x: Any) -> int:
            return 1

        arguments = [made(name) for name in ("a", "a", "b")]
        run(length, arguments[0])
        run(length, arguments[1])
        with pytest.warns(StaleTarget, match="was made by another call"):
            run(length, arguments[2])
        for argument in arguments:
            argument.close()

    def test_other_code_is_trusted_with_a_warning(self) -> None:
        configured = task(target="out/{x}")
        run(configured(body_of("return x + 1")), 1)
        with pytest.warns(StaleTarget, match="made by another version of the task 'made'"):
            assert load(run(configured(body_of("return x + 2")), 1)) == [2]

    def test_the_warning_says_what_to_do(self) -> None:
        run(one, 1)
        with pytest.warns(StaleTarget) as caught:
            run(one, 2)
        message = str(caught[0].message)
        assert "To recompute it, delete it, or set rerun_on={'inputs', 'code'}" in message
        assert issubclass(StaleTarget, UserWarning)

    def test_it_warns_once_a_task_and_run(self) -> None:
        configured = task(target="out/{x}")
        run(configured(body_of("return x + 1")), 1, 2, 3)
        edited = configured(body_of("return x + 2"))
        for _ in range(2):
            with pytest.warns(StaleTarget) as caught:
                run(edited, 1, 2, 3)
            assert len(caught) == 1

    def test_each_task_warns_for_itself(self) -> None:
        configured = task(target="out/{funcname}/{x}")

        @flow
        def both(source: str) -> None:
            for name in ("left", "right"):
                configured(body_of(source, name))(1)

        both("return x + 1")
        with pytest.warns(StaleTarget) as caught:
            both("return x + 2")
        assert len(caught) == 2

    def test_a_deleted_target_is_made_anew_without_a_word(self, tmp_target: Targets) -> None:
        run(one, 1)
        tmp_target.lose()
        assert load(run(one, 2)) == [2]
        assert load(run(one, 2)) == [2]

    def test_a_file_without_a_record_is_trusted_without_a_word(self) -> None:
        Filestore().save("out/constant", "by hand")
        assert load(run(one, 2)) == ["by hand"]

    def test_a_record_that_cannot_be_read_is_no_record(self) -> None:
        run(one, 1)
        for text in ("", "{", "[]", '{"unknown": 1}', "\xff"):
            Filestore().save_record("out/constant", text)
            assert load(run(one, 2)) == [1]
            assert record_of(one.item(2)) is None


RERUNNING = one.with_options(rerun_on={"inputs"})


class TestRerunOnInputs:
    def test_rerun_on_inputs_reruns_for_another_argument(self, tmp_target: Targets) -> None:
        assert load(run(RERUNNING, 1)) == [1]
        assert load(run(RERUNNING, 2)) == [2]
        assert load(run(RERUNNING, 2)) == [2]
        assert tmp_target.runs == {"one": 2}

    def test_rerun_on_inputs_reruns_for_a_difference_deep_in_large_data(self) -> None:
        data = list(range(10_000))
        changed = [*data[:5000], -1, *data[5001:]]
        assert load(run(RERUNNING, data)) == [data]
        assert load(run(RERUNNING, changed)) == [changed]

    def test_rerun_on_inputs_reruns_where_an_items_content_has_changed(
        self, tmp_target: Targets
    ) -> None:
        for content in (1, 1, 2):
            Filestore().save("in/a", content)
            assert load(run(RERUNNING, item("in/a"))) == [content]
        assert tmp_target.runs == {"one": 2}

    def test_rerun_on_inputs_does_not_rerun_for_other_code(self) -> None:
        configured = task(target="out/{x}", rerun_on={"inputs"})
        run(configured(body_of("return x + 1")), 1)
        with pytest.warns(StaleTarget, match="another version"):
            assert load(run(configured(body_of("return x + 2")), 1)) == [2]

    def test_rerun_on_inputs_compares_the_inputs_as_they_were_before_the_function_ran(
        self, tmp_target: Targets
    ) -> None:
        @task(target="out/constant", rerun_on={"inputs"})
        def greedy(x: list[int]) -> int:
            total = sum(x)
            x.clear()
            return total

        for _ in range(2):
            assert load(run(greedy, [1, 2])) == [3]
        assert tmp_target.runs == {"greedy": 1}

    def test_an_input_that_is_lost_is_missing(self) -> None:
        Filestore().save("in/a", 1)
        run(RERUNNING, item("in/a"))
        item("in/a").delete()
        with pytest.raises(TargetMissing, match="in/a"):
            run(RERUNNING, item("in/a"))

    def test_rerun_on_inputs_refuses_what_it_cannot_compare_before_the_function_runs(
        self, tmp_target: Targets
    ) -> None:
        with pytest.raises(PrefectxError, match="lock"):
            run(RERUNNING, threading.Lock())
        assert tmp_target.runs == {}
        assert tmp_target.items() == []

    def test_a_target_made_without_the_option_is_made_anew(self, tmp_target: Targets) -> None:
        run(one, 1)
        assert load(run(RERUNNING, 1)) == [1]
        assert tmp_target.runs == {"one": 2}


class TestRerunOnCode:
    def test_rerun_on_code_reruns_for_other_code(self, tmp_target: Targets) -> None:
        configured = task(target="out/{x}", rerun_on={"code"})
        for source, expected in [("return x + 1", 2), ("return x + 1", 2), ("return x + 2", 3)]:
            assert load(run(configured(body_of(source)), 1)) == [expected]
        assert tmp_target.runs == {"made": 2}

    def test_rerun_on_code_does_not_rerun_for_another_call_but_warns(self) -> None:
        configured = one.with_options(rerun_on={"code"})
        run(configured, 1)
        with pytest.warns(StaleTarget, match="another call"):
            assert load(run(configured, 2)) == [1]

    def test_rerun_on_code_with_inputs_reruns_for_either(self, tmp_target: Targets) -> None:
        configured = task(target="out/constant", rerun_on={"inputs", "code"})
        calls = [("return x", 1), ("return x", 1), ("return x", 2), ("return -x", 2)]
        found = [load(run(configured(body_of(source)), x)) for source, x in calls]
        assert found == [[1], [1], [2], [-2]]
        assert tmp_target.runs == {"made": 3}

    def test_rerun_on_code_counts_a_rerun_within_one_run_once(self, tmp_target: Targets) -> None:
        configured = task(target="out/{x}", rerun_on={"code"})
        run(configured(body_of("return 1")), 1)
        assert load(run(configured(body_of("return 2")), 1, 1)) == [2, 2]
        assert tmp_target.runs == {"made": 2}


class Forgetful(Store):
    """Keeps values and no records."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def exists(self, target: str) -> bool:
        return target in self.kept

    def load(self, target: str) -> Any:
        return self.kept[target]

    def save(self, target: str, value: object) -> None:
        self.kept[target] = value

    def delete(self, target: str) -> None:
        self.kept.pop(target, None)

    def list(self, prefix: str = "") -> list[str]:
        return [target for target in self.kept if target.startswith(prefix)]


@pytest.mark.parametrize("reason", ["inputs", "code", "upstream", "expired"])
def test_rerun_on_needs_a_store_with_records(reason: Any, tmp_target: Targets) -> None:
    expires = datetime.timedelta(1) if reason == "expired" else None
    forgetful = one.with_options(store=Forgetful(), rerun_on={reason}, expires=expires)
    with pytest.raises(UnsupportedValue, match=r"task 'one', target .* has none\. Give"):
        run(forgetful, 1)


@pytest.mark.parametrize("by", ["flow", "variable"])
def test_rerun_on_of_a_flow_needs_a_store_with_records(
    by: str, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "variable":
        monkeypatch.setenv("PREFECTX_RERUN_ON", "code")
    calls = run.with_options(rerun_on={"code"}) if by == "flow" else run
    with pytest.raises(UnsupportedValue, match="has none"):
        calls(one.with_options(store=Forgetful()), 1)


def test_contents_of_items_are_compared_in_any_store() -> None:
    store = Forgetful()
    rerunning = one.with_options(rerun_on={"inputs"})
    for content in (1, 2):
        store.save("in/a", content)
        assert load(run(rerunning, item("in/a", store))) == [content]


def hashes(*sources: str) -> list[str]:
    return [task(body_of(source)).code.hash for source in sources]


class TestCodeHash:
    def test_code_hash_differs_where_the_code_does(self) -> None:
        found = hashes(
            "return x",
            "return x + 1",
            "return x + 2",
            "return x + 2.0",
            "return x.a",
            "return x.b",
            "return [y for y in x]",
            "return {y for y in x}",
            "return [y + 1 for y in x]",
            "return x in {'a', 'b'}",
            "return x in {'a', 'c'}",
            "return x in ('a', 'b')",
            "return lambda y: x",
            "return lambda y: y",
            "import os; return os",
            "import re; return re",
        )
        assert len(set(found)) == len(found)

    def test_code_hash_does_not_look_at_lines_and_comments(self) -> None:
        first, second = hashes("return x", "\n    # what it was given\n    return x")
        assert first == second

    def test_code_hash_sees_which_outer_variable_is_used(self) -> None:
        def outer(left: int, right: int) -> Any:
            def takes_left() -> int:
                return left

            def takes_right() -> int:
                return right

            return takes_left, takes_right

        takes_left, takes_right = outer(1, 2)
        assert task(takes_left).code.hash != task(takes_right).code.hash

    def test_code_hash_sees_what_an_exception_handler_covers(self) -> None:
        def wide(x: Any) -> object:
            try:
                y = x()
                return y()
            except ValueError:
                return None

        def narrow(x: Any) -> object:
            try:
                y = x()
            except ValueError:
                return None
            return y()

        assert task(wide).code.hash != task(narrow).code.hash

    def test_code_hash_looks_through_decorators(self) -> None:
        def twice(fn: Callable[..., Any]) -> Any:
            @functools.wraps(fn)
            def wrapper(x: Any) -> Any:
                return fn(x) * 2

            return wrapper

        def thrice(fn: Callable[..., Any]) -> object:
            @functools.wraps(fn)
            def wrapper(x: Any) -> Any:
                return fn(x) * 3

            return wrapper

        first, second = body_of("return x"), body_of("return -x")
        decorated = [first, second, twice(first), twice(second), thrice(first), twice(twice(first))]
        found = [task(fn).code.hash for fn in decorated]
        assert len(set(found)) == len(found)
        assert task(twice(body_of("return x"))).code.hash == task(twice(first)).code.hash

    def test_a_change_under_a_decorator_makes_a_rerun(self) -> None:
        def logged(fn: Callable[..., Any]) -> Any:
            @functools.wraps(fn)
            def wrapper(*args: Any) -> Any:
                return fn(*args)

            return wrapper

        configured = task(target="out/{x}", rerun_on={"code"})
        assert load(run(configured(logged(body_of("return 1"))), 1)) == [1]
        assert load(run(configured(logged(body_of("return 2"))), 1)) == [2]

    def test_code_hash_of_what_is_not_written_in_python_is_nothing(self) -> None:
        assert task(len).code.hash == ""

    def test_code_hash_is_the_same_in_every_process(self, python: Callable[..., str]) -> None:
        code = """
            from prefectx import task
            def f(x): return x in {"a", "b", "c", "d"} or (lambda y: y in {"e", "f", "g"})(x)
            print(task(f).code.hash)
        """
        first, second = (python(code, PYTHONHASHSEED=seed) for seed in ("1", "2"))
        assert first == second


def test_nothing_warns_in_ordinary_use(tmp_target: Targets) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            run(one.with_options(target="out/{base}"), *range(5))
    assert tmp_target.runs == {"one": 5}


class TestSpellings:
    """A target is one file, however its tasks spell it and whatever came before."""

    @pytest.mark.parametrize("other", ["{here}/out/x", "./out/x", "out/../out/x"])
    @pytest.mark.parametrize("warm", [False, True])
    def test_spellings_of_one_target_in_one_store_collide(self, other: str, warm: bool) -> None:
        store = Filestore()
        plain = task(target="out/x", store=store)(lambda a: a)
        spelt = task(target=other.format(here=Path.cwd()), store=store)(lambda b: b)
        before = task(target="out/{c}", store=store)(lambda c: c)

        @flow
        def both() -> None:
            if warm:
                before("y"), before("y")
            spelt(1)
            plain(2)

        with pytest.raises(TargetCollision):
            both()

    def test_a_folder_that_the_flow_went_to_makes_no_other_target(self, tmp_path: Path) -> None:
        constant = task(target="out/x")(lambda a: a)
        here = Path.cwd()

        @flow
        def there() -> object:
            given = [load(constant(1))]
            (tmp_path / "other").mkdir()
            os.chdir(tmp_path / "other")
            given.append(load(constant(1)))
            with pytest.raises(TargetCollision):
                constant(2)
            return given

        try:
            assert there() == [1, 1]
        finally:
            os.chdir(here)
