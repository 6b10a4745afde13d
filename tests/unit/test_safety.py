"""A value never takes a target out of the folder that the template's literal start names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefectx import context, load, task
from prefectx.errors import PrefectxError, UnsafeTarget

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = pytest.mark.prefectx("cache")


@task(target="out/{x}")
def one(x: Any) -> Any:
    return x


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("..", "is not a name"),
        ("../b", "is not a name"),
        ("a/../b", "is not a name"),
        ("a/..", "is not a name"),
        (".", "is not a name"),
        ("a/./b", "is not a name"),
        ("/etc/passwd", "is empty"),
        ("", "is empty"),
        ("a//b", "is empty"),
        ("a/", "is empty"),
        ("a\0b", "NUL"),
        ("a" * 256, "longer than"),
        ("ä" * 128, "longer than"),
        ("a" * 256 + "/b", "longer than"),
        (".prefectx", "reserved for records"),
        (".prefectx/records/out/a.json", "reserved for records"),
        ("a/.prefectx-1-2.tmp", "reserved for records"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_values_that_leave_the_folder_or_are_no_names_are_refused(value: str, why: str) -> None:
    with pytest.raises(UnsafeTarget, match=why) as caught:
        one.item(value)
    message = str(caught.value)
    assert message.startswith("target='out/{x}' of task 'one' gives the target 'out/")
    assert "below 'out/'" in message


def test_a_refused_target_stops_the_call_before_the_function_runs(tmp_target: Targets) -> None:
    with pytest.raises(UnsafeTarget):
        one("../a")
    assert tmp_target.runs == {}
    assert os.listdir(tmp_target.path.parent) == [tmp_target.path.name]


def test_an_unsafe_target_is_a_value_error_too() -> None:
    assert issubclass(UnsafeTarget, ValueError)
    assert issubclass(UnsafeTarget, PrefectxError)


def test_a_slash_inside_a_value_makes_a_folder(tmp_target: Targets) -> None:
    assert load(one("2024/may/a")) == "2024/may/a"
    assert tmp_target.items() == ["out/2024/may/a"]


@pytest.mark.parametrize(
    "value", [".hidden", "a b", "a~b", "...", "..a", "a..", "ä", "a\nb", "-rf"]
)
def test_odd_names_stay_below_the_folder(value: str, tmp_target: Targets) -> None:
    assert load(one(value)) == value
    assert tmp_target.items() == [f"out/{value}"]


def test_the_longest_name_that_is_accepted_can_be_written(tmp_target: Targets) -> None:
    """The record's name and the unfinished file's must fit beside it."""
    lengths = []
    for length in range(240, 256):
        try:
            one.item("a" * length)
        except UnsafeTarget:
            break
        one("a" * length)
        lengths.append(length)
    assert 245 <= max(lengths) <= 255
    assert [len(name) - len("out/") for name in tmp_target.items()] == lengths


@pytest.mark.parametrize("folder", ["../shared/", "/srv/shared/", "a/../b/", "./"])
def test_the_literal_start_is_the_authors_own(folder: str) -> None:
    decorated = one.with_options(target=folder + "{x}")
    assert decorated.item("a").target == folder + "a"
    for value in ("..", "../a", "/a", ""):
        with pytest.raises(UnsafeTarget):
            decorated.item(value)


def test_a_template_without_values_may_point_anywhere() -> None:
    assert one.with_options(target="../shared/a").item(1).target == "../shared/a"


def test_without_a_literal_start_values_stay_below_the_root() -> None:
    decorated = one.with_options(target="{x}")
    assert decorated.item("a/b").target == "a/b"
    for value in ("/a", "..", "../a", ""):
        with pytest.raises(UnsafeTarget, match="below the root of the store"):
            decorated.item(value)


def test_a_value_may_not_begin_in_the_middle_of_a_name_and_leave() -> None:
    decorated = one.with_options(target="out/a{x}")
    assert decorated.item("/b").target == "out/a/b"
    for value in ("/../../b", "/..", "/"):
        with pytest.raises(UnsafeTarget):
            decorated.item(value)


@pytest.mark.parametrize("name", ["funcname", "taskname"])
def test_the_functions_name_counts_as_literal(name: str) -> None:
    decorated = one.with_options(target=f"out/{{{name}}}/{{x}}")
    with pytest.raises(UnsafeTarget, match="below 'out/one/'"):
        decorated.item("..")


@pytest.mark.parametrize("name", ["funcname", "taskname"])
@pytest.mark.parametrize("value", ["../z", "..", "../", "../..", "/a/b", "a/.."])
def test_an_argument_with_a_house_name_is_a_value_like_any_other(name: str, value: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def abcd({name}): ...", namespace)  # noqa: S102 - code of our own making
    decorated = task(target=f"out/{{{name}}}/x")(namespace["abcd"])
    with pytest.raises(UnsafeTarget):
        decorated.item(value)


def test_context_and_base_are_values_like_any_other() -> None:
    with context(day="..", base="../a"):
        for template in ("out/{day}", "out/{base}"):
            with pytest.raises(UnsafeTarget):
                one.with_options(target=template).item(1)


TEMPLATES = (
    "out/{x}",
    "out/{x}/b",
    "out/a{x}",
    "out/{x}{x}",
    "out/{funcname}/{x}.json",
    "out/{x!r}",
    "out/{base}",
    "{x}",
)
TASKS = [one.with_options(target=template) for template in TEMPLATES]

nasty = st.lists(
    st.sampled_from(["..", ".", "/", "a", "\0", ".prefectx", " ", "~", "\\", "ä"])
).map("".join)


@given(value=st.text() | nasty, which=st.sampled_from(range(len(TASKS))))
@settings(deadline=None, max_examples=500)
def test_no_value_ever_leaves_the_folder(value: str, which: int) -> None:
    try:
        target = TASKS[which].item(value).target
    except UnsafeTarget:
        return
    root = os.path.realpath("root")
    folder = os.path.join(root, "out") if TEMPLATES[which].startswith("out/") else root
    path = os.path.normpath(os.path.join(root, target))
    assert path.startswith(folder + os.sep)
    assert path == os.path.join(root, target), "a target is spelt in one way only"
    assert not any(part.startswith(".prefectx") for part in target.split("/"))


@given(value=st.text(min_size=1, max_size=40) | nasty)
@settings(deadline=None, max_examples=150)
def test_every_accepted_target_can_be_written(
    value: str, tmp_target_factory: TargetsFactory
) -> None:
    with tmp_target_factory() as target:
        try:
            found = one(value)
        except UnsafeTarget:
            assert target.items() == []
            return
        assert found.load() == value
        assert target.items() == [found.target]


@given(base=st.text() | nasty)
@settings(deadline=None)
def test_no_made_base_is_ever_refused(base: str) -> None:
    target = one.with_options(target="out/{base}").item(base).target
    assert target.count("/") == 1
