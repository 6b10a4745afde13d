"""A task whose one argument is an Item takes over its base, and mistakes no call for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from prefectx import flow, item, load, task
from prefectx.errors import TargetCollision

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@task
def raw(name: str) -> str:
    return name


@task
def clean(text: str) -> str:
    return text.upper()


@task(target="kept/{base}.txt")
def kept(text: str) -> str:
    return f"{text}!"


@task
def size(text: str) -> int:
    return len(text)


@task(rerun_on={"inputs"})
def careful_size(text: str) -> int:
    return len(text)


NAMES = ["one", "two", "three", "four"]


@flow
def sizes(source: Any, counting: Any = size) -> object:
    return load([counting(source(name)) for name in NAMES])


@flow
def sizes_of_names(counting: Any = size) -> object:
    return load([counting(name) for name in NAMES])


def kept_raw(name: str) -> str:
    return kept(raw(name))


def clean_raw(name: str) -> str:
    return clean(raw(name))


def test_a_text_in_a_later_run_is_not_given_what_an_item_of_that_base_has_made() -> None:
    assert sizes(kept_raw) == [4, 4, 6, 5]
    with pytest.raises(TargetCollision, match=r"made by another call: .*kept/one.txt"):
        sizes_of_names()
    assert sizes(kept_raw) == [4, 4, 6, 5]


def test_an_item_in_a_later_run_is_not_given_what_a_text_has_made() -> None:
    assert sizes_of_names() == [3, 3, 5, 4]
    with pytest.raises(TargetCollision, match=r"size\(text='one'\)"):
        sizes(kept_raw)


def test_a_step_put_between_two_others_is_noticed_at_each_target() -> None:
    sizes(clean_raw)
    # Whichever is looked at first.
    for name in reversed(NAMES):
        with pytest.raises(TargetCollision, match=f"working/clean/{name}.*uses the Item"):
            load(size(kept(raw(name))))
    size.item(kept(raw("one"))).delete()
    assert load(size(kept(raw("one")))) == 4
    with pytest.raises(TargetCollision, match="working/clean/two"):
        sizes(kept_raw)


def test_rerun_on_inputs_makes_it_anew() -> None:
    assert sizes(clean_raw, careful_size) == [3, 3, 5, 4]
    assert sizes(kept_raw, careful_size) == [4, 4, 6, 5]
    assert sizes_of_names(careful_size) == [3, 3, 5, 4]


def test_the_same_calls_are_skipped_in_later_runs(tmp_target: Targets) -> None:
    for _ in range(3):
        assert sizes(kept_raw) == [4, 4, 6, 5]
    assert tmp_target.runs["size"] == len(NAMES)


def test_a_file_that_somebody_has_put_there_counts(tmp_target: Targets) -> None:
    target = size.item(kept_raw("one"))
    target.store.save(target.target, 77)
    assert load(item(target.target)) == 77
    assert load(size(kept_raw("one"))) == 77
