"""Reasons as a list, and those that are known and expected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from prefectx import flow, load, task
from pytest_prefectx import ModesDisagree, assert_modes_agree
from pytest_prefectx.agree.reasons import KINDS, Kind, page

ROOT = Path(__file__).parents[2]


@task
def years() -> set[int]:
    return {2015, 2023}


@task(target="out/{funcname}")
def doubled(x: int) -> int:
    return 2 * x


@flow
def first_year() -> int:
    return next(iter(load(years())))


@flow
def last_doubled(x: int) -> tuple[int, int]:
    return load(doubled(x)), next(iter(load(years())))


def test_a_disagreement_for_an_expected_reason_passes() -> None:
    assert_modes_agree(first_year, expect={"set-order": "known, issue 12"})


def test_a_disagreement_for_another_reason_fails() -> None:
    with pytest.raises(ModesDisagree) as caught:
        assert_modes_agree(first_year, expect={"identity": "known"})
    assert caught.value.reason is not None
    assert caught.value.reason.kind == "set-order"


def test_a_second_reason_beside_the_expected_one_fails() -> None:
    with pytest.raises(ModesDisagree) as caught:
        assert_modes_agree(last_doubled, calls=[(1,), (2,)], expect={"set-order": "known"})
    assert caught.value.reason is not None
    assert caught.value.reason.kind == "shared-target"


def test_two_expected_reasons_pass_together() -> None:
    both = {"set-order": "known", "shared-target": "known, too"}
    assert_modes_agree(last_doubled, calls=[(1,), (2,)], expect=both)


def test_an_expected_reason_that_has_gone_fails_with_its_note() -> None:
    with pytest.raises(
        AssertionError, match=r"'set-order' \(issue 12\) no longer occurs.*Remove it"
    ):
        assert_modes_agree(doubled, 3, expect={"set-order": "issue 12"})


def test_a_misspelt_reason_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="Did you mean 'set-order'"):
        assert_modes_agree(doubled, 3, expect={"set_order": "issue 12"})


def test_each_kind_of_reason_has_a_page_and_a_line_in_the_list() -> None:
    assert {*KINDS} == {*get_args(Kind)}
    index = (ROOT / "docs/reference/reasons.md").read_text()
    for kind, line in KINDS.items():
        assert (ROOT / page(kind)).read_text().startswith(f"# {kind}\n")
        assert f"(reasons/{kind}.md) | {line} |" in index


def test_the_option_lists_the_reasons_and_runs_no_test(tmp_path: Path) -> None:
    (tmp_path / "test_never.py").write_text("raise SystemExit(5)")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--prefectx-reasons", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*KINDS]
    assert all(page(kind) in line for kind, line in zip(KINDS, lines, strict=True))
