"""A call's parameters are read from its target only where the target leaves no doubt."""

from __future__ import annotations

import os
from typing import Any

import pytest

from prefectx import task

pytestmark = pytest.mark.prefectx("function")


def recovered(template: str, target: str, **options: Any) -> dict[str, str] | None:
    @task(target=template, **options)
    def count(kind: str, day: str = "monday") -> int:
        raise NotImplementedError

    return count.naming.parameters_in(target)


@pytest.mark.parametrize(
    ("template", "target", "expected"),
    [
        ("out/{kind}/{day}.json", "out/rain/friday.json", {"kind": "rain", "day": "friday"}),
        ("out/{funcname}/{kind!s}", "out/count/rain", {"kind": "rain"}),
        ("out/{kind}/{kind}-{day}", "out/a-b/a-b-c", {"kind": "a-b", "day": "c"}),
        ("out/{kind}.txt", "out/in/deep/a.txt", {"kind": "in/deep/a"}),
        ("out/{base}", "out/rain-friday", {"base": "rain-friday"}),
        # Whose value is only computed from the argument, or could end elsewhere too.
        ("out/{os.path.basename(kind)}", "out/rain", {}),
        ("out/{kind[:4]}/{day}", "out/rain/friday", {"day": "friday"}),
        ("out/{kind}-{day}", "out/a-b-c", {}),
        ("out/{kind}{day}", "out/abc", {}),
        ("out/{kind}/{day}-{os.getcwd()}", "out/rain/a-b-c", {"kind": "rain"}),
        # Of other tasks, or of none.
        ("out/{kind}.json", "out/rain.txt", None),
        ("out/{funcname}/{kind}", "out/other/rain", None),
        ("out/{kind}", "out/", None),
        ("out/fixed", "out/fixed", {}),
    ],
)
def test_what_the_target_tells_is_recovered(
    template: str, target: str, expected: dict[str, str] | None
) -> None:
    assert recovered(template, target, modules=[os]) == expected


def test_the_base_of_a_task_with_one_parameter_is_its_value() -> None:
    @task
    def fetch(name: str) -> str:
        raise NotImplementedError

    assert fetch.naming.parameters_in("working/fetch/a.html") == {
        "base": "a.html",
        "name": "a.html",
    }
    hashed = fetch.item("a/b").target
    assert set(fetch.naming.parameters_in(hashed) or ()) == {"base"}


def test_a_base_of_its_own_is_no_parameter() -> None:
    @task(base="{name[0]}")
    def fetch(name: str) -> str:
        raise NotImplementedError

    assert fetch.naming.parameters_in("working/fetch/a") == {"base": "a"}


def test_a_task_without_a_target_has_none() -> None:
    @task(target=None)
    def fetch(name: str) -> str:
        raise NotImplementedError

    assert fetch.naming.parameters_in("working/fetch/a") is None
