"""A pipeline that was written for the first version of this library runs in every mode."""

from __future__ import annotations

import os
from glob import glob
from typing import TYPE_CHECKING

import pytest
from handles import item_of

from prefectx import flow, gcontext, item, load, task

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx

task = task(target="working/{funcname}/{base}", name="{funcname}_{base[:8]}")
roottask = task(target="working/{funcname}")


@roottask
def list_files(folder: str) -> list[str]:
    return sorted(glob(f"{folder}/*.txt"))


@task
def pdf2text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


@task
def row_filter(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@task
def sentence_filter(rows: list[str]) -> list[str]:
    return [row for row in rows if row.endswith(".")]


@task
def esg(rows: list[str]) -> dict[str, int]:
    return {row: len(row) for row in rows}


@task(store=None, target="out/{os.path.basename(path)}")
def report(rows: object, path: str) -> str:
    out = f"out/{os.path.basename(path)}"
    os.makedirs("out", exist_ok=True)
    with open(out, "w", encoding="utf-8") as file:
        file.write(repr(rows))
    return out


@flow
def pipeline(folder: str) -> object:
    results = []
    for path in load(list_files(folder)):
        gcontext["base"] = os.path.basename(os.path.splitext(path)[0])
        gcontext.path = path
        text = pdf2text(path)
        rows = row_filter(text)
        sentences = sentence_filter(rows)
        x = esg.submit(sentences)
        x.wait()
        y = esg(sentences)
        results.append((x.result(), y, report(sentences, gcontext.path)))
    return results


@flow
def fed_by_hand() -> list[str]:
    gcontext["base"] = "a"
    return sentence_filter(item("working/row_filter/a"))


EXPECTED = [
    ({"One.": 4}, {"One.": 4}, "out/a.txt"),
    ({"Two.": 4, "Three.": 6}, {"Two.": 4, "Three.": 6}, "out/b.txt"),
]


@pytest.fixture
def folder(tmp_target: Targets) -> str:
    folder = tmp_target.path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("One.\nno sentence\n")
    (folder / "b.txt").write_text("Two.\n\nThree.")
    return "in"


def test_pipeline_gives_the_same_cold_and_warm(
    folder: str, prefectx_mode: str, tmp_target: Targets
) -> None:
    assert load(pipeline(folder)) == EXPECTED
    cold = dict(tmp_target.runs)
    assert load(pipeline(folder)) == EXPECTED
    assert os.path.exists("out/a.txt")
    if prefectx_mode in {"function", "prefect"}:
        assert glob("working/*") == []
        return
    assert dict(tmp_target.runs) == cold
    assert sorted(glob("working/sentence_filter/*")) == [
        "working/sentence_filter/a",
        "working/sentence_filter/b",
    ]
    assert os.path.isfile("working/list_files")


@pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache")
def test_deleting_one_file_reruns_just_that(folder: str, tmp_target: Targets) -> None:
    pipeline(folder)
    cold = tmp_target.runs
    os.remove("working/row_filter/a")
    assert load(pipeline(folder)) == EXPECTED
    assert tmp_target.runs - cold == {"row_filter": 1}


def test_file_that_is_there_feeds_a_task(folder: str, tmp_target: Targets) -> None:
    import pickle

    os.makedirs("working/row_filter")
    with open("working/row_filter/a", "wb") as file:
        pickle.dump(["By hand.", "no"], file)
    assert load(fed_by_hand()) == ["By hand."]
    without_context = sentence_filter.item(item("working/row_filter/a"))
    assert without_context.target == "working/sentence_filter/a"


def test_calls_of_tasks_have_the_methods_of_futures(prefectx_mode: str, folder: str) -> None:
    @flow
    def waits() -> object:
        gcontext["base"] = "a"
        x = esg(sentence_filter(["One."]))
        if prefectx_mode not in {"function", "prefect"}:
            made = item_of(x)
            made.wait()
            return made.result()
        return x

    assert load(waits()) == {"One.": 4}
