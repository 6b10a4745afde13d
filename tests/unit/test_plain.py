"""Calls with plain arguments take a short way: it gives and refuses what the long one does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, get_run_logger, item, load, task, use_mode
from prefectx._calls.run import OUTSIDE
from prefectx._identity.exact_text import exact_text
from prefectx.errors import StaleTarget, TargetCollision
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@task(target="out/constant")
def constant(x: object, y: object = 1) -> object:
    return x


@task(target="out/{x}")
def named(x: object, data: object = None) -> object:
    return x


@flow
def run(decorated: Callable[..., object], *calls: Any) -> object:
    """One run: a call for each tuple of arguments."""
    return [decorated(*arguments) for arguments in calls]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `os.stat` was asked for, and what was opened."""
    asked: list[str] = []
    for name in ("stat", "open", "lstat", "scandir", "getxattr"):
        monkeypatch.setattr(os, name, _noting(asked, getattr(os, name)))
    return asked


def _noting(asked: list[str], original: Any) -> object:
    def noted(path: Any, *args: Any, **kwargs: Any) -> object:
        asked.append(str(path))
        return original(path, *args, **kwargs)

    return noted


class TestHits:
    def test_hits_ask_the_file_system_once(self, looks: list[str]) -> None:
        @flow
        def thrice() -> list[int]:
            asked = []
            for number in (1, 2, 3):
                looks.clear()
                named(number)
                asked.append(len(looks))
            return asked

        thrice()
        assert thrice() == [1, 1, 1]

    def test_hits_that_are_known_collide_as_the_first_do(self) -> None:
        with pytest.raises(TargetCollision, match=r"constant\(x=1, y=1\) and .*\(x=2, y=1\)"):
            run(constant, (1,), (1,), (1,), (2,))

    def test_hits_by_place_or_by_name_are_one_call(self) -> None:
        @flow
        def spelt() -> object:
            return [constant(1), constant(x=1), constant(1, y=1), constant(y=1, x=1)]

        assert load(spelt()) == load(spelt()) == [1] * 4

    @pytest.mark.parametrize(
        ("one", "other"),
        [(1, True), (0, False), (1, 1.0), (0.0, -0.0), ("1", 1), ("", b""), (-1, -2), (None, 0)],
    )
    def test_hits_of_twins_are_two_calls(self, one: object, other: object) -> None:
        run(constant, (one,))
        with pytest.raises(TargetCollision):
            run(constant, (one,), (one,), (other,))

    def test_hits_of_large_arrays_are_told_apart_by_all_of_them(self) -> None:
        np = pytest.importorskip("numpy")
        zeros = np.zeros(100_000)
        inside = zeros.copy()
        inside[1234] = 1
        fixed = named.with_options(target="out/fixed")
        run(fixed, (1, zeros), (1, zeros), (1, zeros.copy()))
        for other in (inside, zeros.astype("f4"), zeros.reshape(100, -1), zeros[:-1]):
            with pytest.raises(TargetCollision):
                run(fixed, (1, zeros), (1, zeros), (1, other))

    def test_hits_of_small_arrays_are_told_apart_by_all_of_them(self) -> None:
        np = pytest.importorskip("numpy")
        quiet, loud, odd = np.zeros(3), np.array([0.0, 7.0, 0.0]), np.zeros(3, [("t", "f8")])
        odd["t"][0] = np.nan
        fixed = named.with_options(target="out/fixed")
        run(fixed, (1, quiet), (1, quiet), (1, quiet.copy()))
        for other in (loud, -quiet, odd):
            with pytest.raises(TargetCollision):
                run(fixed, (1, quiet), (1, quiet), (1, other))
        run(fixed.with_options(target="out/odd"), (1, odd), (1, odd), (1, odd.copy()))

    def test_hits_of_items_are_told_apart_by_their_targets(self) -> None:
        plain = task(target="out/fixed")(lambda data: data)
        Filestore().save("in/a", 1)
        Filestore().save("in/b", 1)
        assert load(run(plain, (item("in/a"),), (item("in/a"),))) == [1, 1]
        with pytest.raises(TargetCollision):
            run(plain, (item("in/a"),), (item("in/a"),), (item("in/b"),))

    def test_hits_that_lose_their_file_are_made_again(self, tmp_target: Targets) -> None:
        @flow
        def losing() -> object:
            named(1), named(1)
            named.item(1).delete()
            return named(1)

        assert load(losing()) == 1
        assert tmp_target.runs == {"named": 2}

    def test_hits_are_data_inside_a_task(self) -> None:
        @task(target=None)
        def outer() -> object:
            return [named(1), named(1), named(1)]

        assert outer() == [1, 1, 1]

    def test_hits_with_unsafe_values_are_refused_as_ever(self) -> None:
        run(named, ("a",), ("a",))
        with pytest.raises(ValueError, match=r"'\.\.' is not a name"):
            run(named, ("a",), ("a",), ("..",))

    def test_hits_with_arguments_that_do_not_fit_raise_what_python_says(self) -> None:
        run(named, (1,), (1,))
        with pytest.raises(TypeError, match=r"named\(\) .*unexpected keyword argument 'z'"):
            named(1, z=2)  # type: ignore[call-overload]


class TestStores:
    def test_within_one_another_share_their_targets(self) -> None:
        inner = task(target="b/c", store=Filestore("a"))(lambda x: x)
        outer = task(target="a/b/c", store=Filestore("."))(lambda x: x)
        for first, second in ((inner, outer), (outer, inner)):

            @flow
            def both(first: Any = first, second: Any = second) -> object:
                return first(1), first(1), second(2)

            with pytest.raises(TargetCollision):
                both()

    def test_stores_found_by_a_full_path_share_their_targets(self) -> None:
        full = task(target=f"{Path.cwd()}/out/constant")(lambda x: x)

        @flow
        def both() -> object:
            return constant(1), constant(1), full(2)

        with pytest.raises(TargetCollision):
            both()

    def test_a_flow_that_changes_the_current_folder_keeps_its_store(self, tmp_path: Path) -> None:
        @flow
        def moving() -> object:
            given = [load(constant(1)), load(constant(1))]
            (tmp_path / "other").mkdir()
            os.chdir(tmp_path / "other")
            with pytest.raises(TargetCollision):
                constant(2)
            return [*given, load(constant(1))]

        here = Path.cwd()
        try:
            assert moving() == [1, 1, 1]
        finally:
            os.chdir(here)


def test_calls_outside_flows_are_not_remembered_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prefectx._calls.run._MOST_OUTSIDE", 5)
    named(0)
    for number in range(20):
        named.item(number).store.save(f"out/{number}", number)
    for number in range(20):
        named(number)
    assert sum(map(len, OUTSIDE._claims.values())) <= 7


def test_a_call_in_another_folder_is_another_outside_flows_too(tmp_path: Path) -> None:
    shared = task(target="out/{y}")(lambda x, y: x)
    for _ in range(2):
        shared(1, 1)
    (tmp_path / "other").mkdir()
    here = Path.cwd()
    try:
        os.chdir(tmp_path / "other")
        assert load(shared(1, 2)) == 1
        with pytest.warns(StaleTarget, match="two different calls"):
            assert load(shared(2, 2)) == 1
    finally:
        os.chdir(here)


class TestExactText:
    def test_exact_text_says_all_of_small_values(self) -> None:
        assert exact_text({"x": 1, "y": "a", "z": None}) == "x=1, y='a', z=None"

    def test_exact_text_says_nothing_of_others(self) -> None:
        for value in ([1], {}, (), 10**10_000, "a" * 10_000, object(), lambda: None, Path("a")):
            assert exact_text({"x": value}) is None

    def test_exact_text_knows_exact_types_only(self) -> None:
        class Number(int): ...

        assert exact_text({"x": Number(1)}) is None


class TestNamesOfRuns:
    def test_names_of_runs_are_found_where_a_function_logs(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def says(text: str) -> str:
            return getattr(caplog.records[-1], "task_name", None) or text

        @task
        def inner(x: int) -> str:
            get_run_logger().warning("inner")
            return says("none")

        @task
        def outer(x: object) -> list[str]:
            get_run_logger().warning("outer")
            before = says("none")
            between = inner(1)
            get_run_logger().warning("outer again")
            return [before, between, says("none")]

        @flow
        def around(x: object) -> list[str]:
            found = outer(x)
            get_run_logger().warning("flow")
            return [*found, says("none")]

        with use_mode("function"):
            long_way = around([1])
        os.environ.pop("PREFECTX", None)
        assert around(1) == around([1]) == long_way == ["outer", "inner", "outer", "none"]
