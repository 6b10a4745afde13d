"""`store=None` and `save=False`: the function writes its target itself and returns the path."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from handles import item_of, recorded

from prefectx import Item, flow, item, load, task, use_mode
from prefectx.errors import TargetMissing, UnsupportedValue
from prefectx.stores import Filestore
from prefectx.stores.self_written import SelfWritten

if TYPE_CHECKING:
    from prefectx._api.task import Task
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


class Text(str):
    __slots__ = ()


def written(path: str, text: str = "written") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return path


@task(target="out/{name}.csv", store=None)
def as_text(name: str) -> str:
    return written(f"out/{name}.csv")


@task(target="out/{name}.csv", save=False)
def as_path(name: str) -> Path:
    return Path(written(f"out/{name}.csv"))


@task(target=None)
def read(path: Any) -> str:
    return Path(path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("decorated", "expected"), [(as_text, "out/a.csv"), (as_path, Path("out/a.csv"))]
)
def test_the_path_comes_back_cold_and_warm(
    decorated: Task[..., object], expected: object, tmp_target: Targets
) -> None:
    for _ in range(2):
        made = decorated("a")
        assert isinstance(made, Item)
        assert load(made) == expected
        assert type(load(made)) is type(expected)
    assert tmp_target.runs == {decorated.name: 1}
    assert tmp_target.items() == ["out/a.csv"]


@pytest.mark.parametrize("decorated", [as_text, as_path])
def test_mode_function_gives_the_same(decorated: Task[..., object]) -> None:
    with use_mode("function"):
        plain = decorated("a")
    kept = load(decorated("a"))
    assert (type(plain), plain) == (type(kept), kept)


@pytest.mark.parametrize("decorated", [as_text, as_path])
def test_a_task_that_is_given_the_item_gets_the_path(decorated: Task[..., object]) -> None:
    @flow
    def chain() -> str:
        return read(decorated("a"))

    assert load(chain()) == "written"


def test_a_file_dropped_in_by_hand_counts(tmp_target: Targets) -> None:
    written("out/a.csv", "by hand")
    assert read(as_text("a")) == "by hand"
    assert tmp_target.runs == {"read": 1}


def test_a_function_that_wrote_nothing_is_told_where_it_should_have(tmp_target: Targets) -> None:
    @task(target="out/a.csv", store=None)
    def forgets() -> str:
        return "out/a.csv"

    for _ in range(2):
        with pytest.raises(TargetMissing) as caught:
            forgets()
    message = str(caught.value)
    assert "has returned 'out/a.csv', but nothing is at its target 'out/a.csv'" in message
    assert str(tmp_target.path / "out/a.csv") in message
    assert "store=None or save=False" in message
    assert "forgets()" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    "returned",
    [None, 1, "out/b.csv", Path("out/a.csv"), "./out/a.csv", ["out/a.csv"], Text("out/a.csv")],
)
def test_a_function_that_returns_something_else_is_refused(returned: object) -> None:
    @task(target="out/a.csv", store=None)
    def strays() -> object:
        written("out/a.csv")
        return returned

    with pytest.raises(UnsupportedValue, match=r"instead of its target 'out/a.csv'"):
        strays()


def test_a_str_for_a_path_is_refused() -> None:
    """Cold it would be a str and warm a Path."""

    @task(target="out/a.csv", store=None)
    def strays() -> Path:
        return written("out/a.csv")  # type: ignore[return-value]

    with pytest.raises(UnsupportedValue, match=r"instead of its target PosixPath\('out/a.csv'\)"):
        strays()


def test_a_deleted_file_is_missing_and_made_anew(tmp_target: Targets) -> None:
    made = item_of(as_text("a"))
    made.delete()
    assert not made.exists()
    with pytest.raises(TargetMissing, match=r"'out/a.csv' is not there .*call its task again"):
        made.load()
    assert load(as_text("a")) == "out/a.csv"
    assert tmp_target.runs == {"as_text": 2}


def test_a_folder_may_be_the_target(tmp_target: Targets) -> None:
    @task(target="out/{name}", store=None)
    def split(name: str) -> str:
        written(f"out/{name}/1.txt")
        written(f"out/{name}/2.txt")
        return f"out/{name}"

    for _ in range(2):
        assert load(split("a")) == "out/a"
    assert tmp_target.runs == {"split": 1}
    item_of(split("a")).delete()
    assert tmp_target.items() == []
    assert load(split("a")) == "out/a"


@pytest.mark.parametrize("kind", [str, Path])
def test_another_root_is_in_the_path(kind: Any) -> None:
    @task(target="{name}.csv", store=Filestore(kind("there")), save=False)
    def make(name: str) -> str:
        return written(f"there/{name}.csv")

    assert load(make("a")) == load(make("a")) == "there/a.csv"


def test_an_absolute_target_is_an_absolute_path(tmp_path: Path) -> None:
    @task(target=f"{tmp_path}/out/{{name}}.csv", store=None)
    def make(name: str) -> Path:
        return Path(written(f"{tmp_path}/out/{name}.csv"))

    assert load(make("a")) == load(make("a")) == tmp_path / "out/a.csv"


@pytest.mark.parametrize("decorated", [as_text, as_path])
def test_a_pickled_item_gives_the_path_that_the_function_gave(
    decorated: Task[..., object], tmp_path: Path
) -> None:
    made = decorated("a")
    travelled = pickle.loads(pickle.dumps(made))
    assert (type(load(travelled)), load(travelled)) == (type(load(made)), load(made))
    os.chdir(tmp_path)
    assert travelled.exists(), "where it lies is known from anywhere"


def test_a_record_is_written_all_the_same() -> None:
    assert recorded(as_text("a")).call.endswith("as_text(name='a')")


def test_exceptions_of_the_function_pass_through(tmp_target: Targets) -> None:
    @task(target="out/a.csv", store=None)
    def breaks() -> str:
        raise LookupError("no data")

    with pytest.raises(LookupError, match="no data"):
        breaks()
    assert tmp_target.items() == []


def test_rerun_on_inputs_looks_at_what_was_written() -> None:
    counted = read.with_options(target="out/counted", rerun_on={"inputs"})
    assert load(counted(as_text("a"))) == "written"
    written("in/a.csv", "changed")
    assert load(counted(item("in/a.csv", SelfWritten(Filestore())))) == "changed"
    written("in/a.csv", "changed again")
    assert load(counted(item("in/a.csv", SelfWritten(Filestore())))) == "changed again"


def test_file_of_a_function_that_failed_does_not_count_as_done(tmp_target: Targets) -> None:
    failing = [True]

    @task(store=None, target="out/{name}.txt")
    def write(name: str) -> str:
        Path("out").mkdir(exist_ok=True)
        Path(f"out/{name}.txt").write_text("half")
        if failing:
            raise LookupError
        Path(f"out/{name}.txt").write_text("whole")
        return f"out/{name}.txt"

    with pytest.raises(LookupError):
        write("a")
    assert tmp_target.items() == []
    failing.clear()
    assert Path(load(write("a"))).read_text() == "whole"


def test_wrong_path_is_refused_each_time(tmp_target: Targets) -> None:
    @task(store=None, target="out/{name}.txt")
    def write(name: str) -> str:
        Path("out").mkdir(exist_ok=True)
        Path(f"out/{name}.txt").write_text("whole")
        return "elsewhere"

    for _ in range(2):
        with pytest.raises(UnsupportedValue, match="elsewhere"):
            write("a")
