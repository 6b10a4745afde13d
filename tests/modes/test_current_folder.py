"""A relative root is a folder below the one in which the flow was called, wherever tasks go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prefect.task_runners import ProcessPoolTaskRunner

from prefectx import flow, item, last_run, load, task
from prefectx.errors import TargetMissing
from prefectx.stores import Filestore, SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_prefectx import Targets

STORING = pytest.mark.prefectx("cache", "prefect.skip", "prefect.cache")


@task
def double(value: int) -> int:
    return 2 * value


@task
def goes(folder: str, value: int) -> int:
    os.chdir(folder)
    return value


@task
def calls_another_there(folder: str) -> int:
    os.chdir(folder)
    return load(double(7)) + 1


@task(store=None, target="out/{funcname}-{value}.txt")
def writes(value: int) -> str:
    path = f"out/writes-{value}.txt"
    Path("out").mkdir(exist_ok=True)
    Path(path).write_text(str(value), encoding="utf-8")
    return path


@pytest.fixture
def elsewhere(tmp_target: Targets, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    yield folder
    os.chdir(tmp_target.path)


def skipped() -> int:
    report = last_run()
    assert report is not None
    return sum(line.skipped for line in report)


@STORING
def test_outputs_are_kept_where_the_flow_began_and_are_found_there(
    tmp_target: Targets, elsewhere: Path
) -> None:
    @flow
    def moves() -> Any:
        return [double(load(goes(str(elsewhere), 3))), calls_another_there(str(elsewhere))]

    assert load(moves()) == [6, 15]
    assert sorted(target.split("/")[1] for target in tmp_target.items()) == [
        "calls_another_there",
        *("double", "double", "goes"),
    ]
    os.chdir(tmp_target.path)
    assert load(moves()) == [6, 15]
    assert skipped() == 3
    assert list(elsewhere.iterdir()) == []


@STORING
def test_an_item_that_a_flow_has_returned_loads_after_it_too(
    tmp_target: Targets, elsewhere: Path
) -> None:
    @flow
    def moves() -> Any:
        return goes(str(elsewhere), 3)

    returned = moves()
    assert Path.cwd() == elsewhere
    assert (load(returned), returned.path) == (3, f"{tmp_target.path}/{returned.target}")


@pytest.mark.prefectx("cache")
def test_outside_of_flows_an_output_is_kept_where_the_call_began(
    tmp_target: Targets, elsewhere: Path
) -> None:
    made: Any = goes(str(elsewhere), 3)
    assert load(made) == 3
    os.chdir(tmp_target.path)
    again: Any = goes(str(elsewhere), 3)
    os.chdir(elsewhere)
    assert load([made, again]) == [3, 3]
    assert list(elsewhere.iterdir()) == []


@pytest.mark.prefectx("cache", "prefect.skip")
@pytest.mark.parametrize("store", [Filestore("kept"), SQLStore("sqlite:///kept.db")])
def test_a_store_with_a_relative_root_stays_too(
    store: Any, tmp_target: Targets, elsewhere: Path
) -> None:
    moving, after = goes.with_options(store=store), double.with_options(store=store)

    @flow
    def moves() -> Any:
        return after(moving(str(elsewhere), 3))

    assert load(moves()) == 6
    assert list(elsewhere.iterdir()) == []
    assert any(path.name.startswith("kept") for path in tmp_target.path.iterdir())


@pytest.mark.prefectx("function", "cache", "prefect.skip")
def test_an_item_that_is_named_in_a_flow_lies_where_the_flow_began(
    tmp_target: Targets, elsewhere: Path
) -> None:
    Filestore().save("in.json", [1])

    @flow
    def moves() -> Any:
        goes(str(elsewhere), 3)
        return item("in.json").path

    assert moves() == f"{tmp_target.path}/in.json"


@pytest.mark.prefectx("prefect.skip")
def test_other_processes_keep_outputs_there_too(tmp_target: Targets, elsewhere: Path) -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def moves() -> Any:
        os.chdir(elsewhere)
        return [double.submit(3), calls_another_there.submit(str(elsewhere))]

    assert load(moves()) == [6, 15]
    assert len(tmp_target.items()) == 3
    assert list(elsewhere.iterdir()) == []


@pytest.mark.prefectx("cache")
def test_an_isolated_task_keeps_what_it_calls_there_too(
    tmp_target: Targets, elsewhere: Path
) -> None:
    isolated = calls_another_there.with_options(isolate=True)

    @flow
    def moves() -> Any:
        goes(str(elsewhere), 3)
        return isolated(str(elsewhere))

    assert load(moves()) == 15
    assert len(tmp_target.items()) == 3
    assert list(elsewhere.iterdir()) == []


@STORING
def test_a_function_that_writes_its_file_in_another_folder_is_told_so(elsewhere: Path) -> None:
    @flow
    def moves() -> Any:
        goes(str(elsewhere), 3)
        return writes(4)

    with pytest.raises(TargetMissing, match=f"current folder is now '{elsewhere}'"):
        moves()
