"""Freshness: an output of another task, another file or half a run never counts as done."""

from __future__ import annotations

import datetime
import importlib
import linecache
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from simple_tasks import run

from prefectx import InFile, flow, load, task, use_mode
from prefectx.errors import (
    StaleTarget,
    TargetCollision,
    TargetReplaced,
    UnknownOption,
)
from prefectx.records import record_of
from prefectx.stores import Filestore, MemoryStore
from prefectx.stores import record as records

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]

Python = Callable[..., str]


def module(name: str, source: str) -> None:
    """Write a module into the current folder."""
    Path(f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")


FETCH = """
    from prefectx import task

    @task
    def fetch(x):
        return (__name__, x)
"""


class Config:
    def __init__(self, k: int) -> None:
        self.k = k


class TestTasksOfOneName:
    def test_tasks_of_one_name_in_two_modules_collide_in_one_run(self, python: Python) -> None:
        module("north", FETCH)
        module("south", FETCH)
        code = """
            import north, south
            from prefectx import flow
            from prefectx.errors import TargetCollision

            @flow
            def both():
                north.fetch(1), south.fetch(1)

            try:
                both()
            except TargetCollision as error:
                print(error)
        """
        found = python(code, PREFECTX="cache")
        assert "north.fetch(x=1) and south.fetch(x=1)" in found

    @pytest.mark.parametrize("numbers", ["1", "3, 2", "3, 3, 1"])
    def test_tasks_of_one_name_in_two_modules_collide_in_a_later_run(
        self, numbers: str, python: Python
    ) -> None:
        """Also where most targets are this task's own, and only one is the other's."""
        module("north", FETCH)
        module("south", FETCH)
        python("import north; north.fetch(1); north.fetch(2)", PREFECTX="cache")
        code = f"""
            import south
            from prefectx import flow
            from prefectx.errors import TargetCollision

            @flow
            def calls():
                return [south.fetch(number) for number in [{numbers}]]

            try:
                calls()
            except TargetCollision as error:
                print(error)
        """
        found = python(code, PREFECTX="cache")
        assert "was made by another task: north.fetch(x=" in found
        assert "'north.fetch'" in found

    def test_tasks_of_one_name_in_two_classes_collide(self) -> None:
        class Left:
            @staticmethod
            @task(target="out/{x}")
            def fetch(x: int) -> str:
                return f"left {x}"

        class Right:
            @staticmethod
            @task(target="out/{x}")
            def fetch(x: int) -> str:
                return f"right {x}"

        run(Left.fetch, 1)
        with pytest.raises(TargetCollision, match="was made by another task"):
            run(Right.fetch, 1)

    @pytest.mark.parametrize("store", [MemoryStore(), Filestore("memory://names")])
    def test_tasks_of_one_name_collide_in_any_store(self, store: Any) -> None:
        def left(x: int) -> int:
            return x

        def right(x: int) -> int:
            return -x

        configured = task(target="out/{x}", store=store)
        run(configured(left), 1)
        with pytest.raises(TargetCollision):
            run(configured(right), 1)

    @pytest.mark.parametrize("first", [{"n": 2}, [2], Config(2), 2])
    def test_tasks_of_one_name_from_a_factory_collide_where_they_close_over_something_else(
        self, first: object
    ) -> None:
        second = {dict: {"n": 3}, list: [3], Config: Config(3), int: 3}[type(first)]

        def make(settings: object, *, as_default: bool) -> Any:
            if as_default:

                @task(target="out/{x}")
                def scaled(x: int, by: object = settings) -> str:
                    return f"{x} {by}"

                return scaled

            @task(target="out/{x}")
            def times(x: int) -> str:
                return f"{x} {settings}"

            return times

        @flow
        def both(as_default: bool) -> None:
            make(first, as_default=as_default)(1)
            make(second, as_default=as_default)(1)

        for as_default in (False, True):
            Filestore().delete("out/1")
            with pytest.raises(TargetCollision):
                both(as_default)

    def test_tasks_of_one_name_from_a_factory_are_one_where_they_close_over_the_same(
        self, tmp_target: Targets
    ) -> None:
        def make(settings: dict[str, int]) -> Any:
            @task(target="out/{x}")
            def times(x: int) -> int:
                return x * settings["n"]

            return times

        @flow
        def both() -> list[int]:
            return [make({"n": 2})(1), make({"n": 2})(1)]

        assert load(both()) == [2, 2]
        assert tmp_target.runs == {"times": 1}

    def test_tasks_of_one_name_of_a_script_are_those_of_the_module_that_it_is(
        self, python: Python
    ) -> None:
        shown = "\n    if __name__ == '__main__': print(fetch(1).load())"
        module("weather", FETCH.replace("__name__", "'rain'") + shown)
        environment = {**os.environ, "PREFECTX": "cache"}
        command = [sys.executable, "-W", "error", "weather.py"]
        subprocess.run(command, env=environment, check=True)
        code = "import weather; print(weather.fetch(1).load())"
        assert python(code, PREFECTX="cache", PYTHONWARNINGS="error") == "('rain', 1)"

    def test_tasks_of_one_name_of_two_scripts_are_two(self) -> None:
        for name in ("north", "south"):
            module(name, FETCH + "\n    fetch(1)")
        environment = {**os.environ, "PREFECTX": "cache"}
        found = [
            subprocess.run(
                [sys.executable, f"{name}.py"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            ).stderr
            for name in ("north", "south")
        ]
        assert found[0] == ""
        assert "TargetCollision: target 'working/fetch/1' of south.fetch(x=1) was made" in found[1]

    def test_tasks_of_one_name_with_options_are_the_same_task(self) -> None:
        @task(target="out/{x}")
        def same(x: int) -> int:
            return x

        run(same, 1)
        assert load(run(same.with_options(retries=2), 1)) == [1]


def test_objects_made_in_a_loop_are_told_apart_whatever_memory_they_get() -> None:
    @task(target="w/{name}.json")
    def fit(name: str, config: Config) -> int:
        return config.k

    @flow
    def loop() -> None:
        for k in range(20):
            fit("a", Config(k))

    for _ in range(5):
        with pytest.raises(TargetCollision):
            loop()


WRITES = """
    import os, sys
    from pathlib import Path
    from prefectx import task

    @task(target="out/{name}.txt", store=None, once=bool(os.environ.get("ONCE")))
    def write(name):
        print("ran")
        Path("out").mkdir(exist_ok=True)
        Path(f"out/{name}.txt").write_text("half")
        if os.environ.get("KILLED"):
            os._exit(9)
        if os.environ.get("OVERTAKEN"):
            import subprocess
            env = {**os.environ, "OVERTAKEN": ""}
            subprocess.run([sys.executable, "-c", "import writes; writes.write('a')"], env=env)
            raise LookupError("no data")
        Path(f"out/{name}.txt").write_text("whole")
        return f"out/{name}.txt"
"""


class TestTargetsThatTheFunctionWrites:
    @pytest.mark.parametrize("once", ["", "1"])
    def test_self_written_targets_do_not_count_where_a_kill_has_left_half_of_one(
        self, once: str
    ) -> None:
        module("writes", WRITES)
        environment = {**os.environ, "PREFECTX": "cache", "ONCE": once, "PYTHONPATH": "."}
        code = "import writes; print(open(writes.write('a').load()).read())"
        found = [
            subprocess.run(
                [sys.executable, "-c", code],
                env=environment | {"KILLED": killed},
                capture_output=True,
                text=True,
                check=False,
            ).stdout.split()
            for killed in ("1", "", "")
        ]
        assert found[1:] == [["ran", "whole"], ["whole"]]

    def test_self_written_targets_of_another_process_outlive_a_call_that_fails(self) -> None:
        module("writes", WRITES)
        environment = {**os.environ, "PREFECTX": "cache", "OVERTAKEN": "1", "PYTHONPATH": "."}
        code = "import writes; writes.write('a')"
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "LookupError: no data" in found.stderr
        assert Path("out/a.txt").read_text() == "whole"

    @pytest.mark.parametrize("reasons", [(), ("inputs",), ("code",)])
    def test_self_written_targets_are_stale_once_another_mode_has_overwritten_them(
        self, reasons: Any
    ) -> None:
        rows = [1]

        @task(target="out/{name}.csv", store=None, rerun_on=reasons)
        def table(name: str) -> str:
            Path("out").mkdir(exist_ok=True)
            Path(f"out/{name}.csv").write_text("row\n" * rows[0])
            return f"out/{name}.csv"

        run(table, "a")
        with use_mode("function"):
            rows[0] = 3
            table("a")
        rows[0] = 1
        assert [Path(path).read_text() for path in load(run(table, "a"))] == ["row\n"]

    def test_self_written_targets_still_count_after_a_copy_that_keeps_no_times(
        self, tmp_target: Targets
    ) -> None:
        @task(target="out/{name}.csv", store=None)
        def table(name: str) -> str:
            Path("out").mkdir(exist_ok=True)
            Path(f"out/{name}.csv").write_text("row")
            return f"out/{name}.csv"

        run(table, "a")
        os.utime("out/a.csv", (1, 1))
        run(table, "a")
        assert tmp_target.runs == {"table": 1}

    def test_self_written_targets_that_are_folders_are_stale_once_a_file_in_them_is_another(
        self, tmp_target: Targets
    ) -> None:
        @task(target="out/{name}", store=None)
        def split(name: str) -> str:
            for number in (1, 2):
                Path(f"out/{name}").mkdir(exist_ok=True, parents=True)
                Path(f"out/{name}/{number}.txt").write_text("part")
            return f"out/{name}"

        run(split, "a")
        run(split, "a")
        assert tmp_target.runs == {"split": 1}
        Path("out/a/2.txt").write_text("else")
        run(split, "a")
        assert tmp_target.runs == {"split": 2}


class TestItemsOfTasksThatRerun:
    def test_items_of_rerun_tasks_load_what_their_call_has_made_or_say_that_it_was_replaced(
        self,
    ) -> None:
        @task(target="out/constant", rerun_on={"inputs"})
        def double(x: int) -> int:
            return 2 * x

        first = double(1)
        assert load(first) == 2
        second = double(2)
        assert load(second) == 4
        with pytest.raises(TargetReplaced, match="'out/constant' was recomputed"):
            load(first)
        assert load(double(2)) == 4

    def test_items_of_rerun_tasks_load_nothing_while_their_call_has_only_begun_to_make_it_again(
        self,
    ) -> None:
        @task(target="out/constant", rerun_on={"inputs"})
        def double(x: int) -> int:
            return 2 * x

        store, first = Filestore(), double(1)
        record = store.load_record("out/constant")
        assert record is not None
        assert load(double(2)) == 4
        # Another process has announced the first call, and has not come to its output.
        store.save_record("out/constant", records.unfinished(record))
        with pytest.raises(TargetReplaced):
            load(first)
        store.save("out/constant", 2)
        store.save_record("out/constant", record)
        assert load(first) == 2

    def test_items_of_rerun_tasks_load_the_same_from_any_call_that_is_the_same(self) -> None:
        @task(target="out/constant", rerun_on={"inputs", "code"})
        def double(x: int) -> int:
            return 2 * x

        first, again = double(1), double(1)
        assert load([first, again]) == [2, 2]
        double.item(1).delete()
        assert load(double(1)) == 2
        assert load(first) == 2


class TestFiles:
    def test_files_are_inputs_where_they_are_annotated_as_such(self, tmp_target: Targets) -> None:
        @task(rerun_on={"inputs"})
        def count(path: InFile) -> int:
            return len(Path(path).read_text().split())

        text = Path("a.txt")
        text.write_text("one two")
        assert load(run(count, "a.txt")) == [2]
        text.write_text("one two three")
        assert load(run(count, "a.txt")) == [3]
        os.utime("a.txt", (1, 1))
        assert load(run(count, "a.txt")) == [3]
        assert tmp_target.runs == {"count": 2}

    @pytest.mark.parametrize("kind", ["Path", "named", "list", "folder"])
    def test_files_are_inputs_in_any_spelling(self, kind: str) -> None:
        def of_path(path: Path) -> int:
            return len(path.read_text())

        def of_name(path: Any) -> int:
            return len(Path(path).read_text())

        def of_many(path: list[InFile]) -> int:
            return sum(len(Path(part).read_text()) for part in path)

        def of_folder(path: InFile) -> int:
            return sum(len(part.read_text()) for part in Path(path).iterdir())

        configured = task(rerun_on={"inputs"}, target="out/constant")
        Path("in").mkdir()
        file = Path("in/a.txt")
        kinds: dict[str, tuple[Callable[[Any], Any], Any]] = {
            "Path": (configured(of_path), file),
            "named": (configured(files={"path"})(of_name), "in/a.txt"),
            "list": (configured(of_many), ["in/a.txt"]),
            "folder": (configured(of_folder), "in"),
        }
        decorated, argument = kinds[kind]
        for content in ("a", "abc"):
            file.write_text(content)
            assert load(run(decorated, argument)) == [len(content)]

    @pytest.mark.parametrize("written", [True, False])
    def test_files_may_be_named_by_an_item_alone_or_in_a_list(self, written: bool) -> None:
        def made(name: str) -> Path:
            path = Path(f"made/{name}.txt")
            path.parent.mkdir(exist_ok=True)
            path.write_text(name)
            return path

        @task
        def read(path: Path) -> str:
            return path.read_text()

        @task
        def read_all(paths: list[Path]) -> list[str]:
            return [path.read_text() for path in paths]

        make = task(store=None, target="made/{name}.txt")(made) if written else task(made)

        @flow
        def both() -> list[Any]:
            return [read(make("a")), read_all([make("a"), make("b")])]

        assert load(both()) == ["a", ["a", "b"]]

    def test_files_that_have_changed_are_told_of_where_the_target_is_trusted(self) -> None:
        @task
        def count(path: InFile) -> int:
            return len(Path(path).read_text().split())

        Path("a.txt").write_text("one two")
        run(count, "a.txt")
        Path("a.txt").write_text("one")
        with pytest.warns(StaleTarget, match=r"count: target .* is older than its input 'a.txt'"):
            assert load(run(count, "a.txt")) == [2]

    def test_files_stand_in_the_record(self) -> None:
        @task
        def count(path: InFile) -> int:
            return len(Path(path).read_text().split())

        Path("a.txt").write_text("one two")
        (made,) = run(count, "a.txt")
        record = record_of(made)
        assert record is not None
        assert record.files is not None
        fingerprint = record.files["a.txt"]
        assert fingerprint is not None
        size, changed, content = fingerprint
        # It was written just before: its time would not tell of another change at once.
        assert (size, changed, len(content)) == (7, 0, 32)

    def test_files_that_appear_later_count(self, tmp_target: Targets) -> None:
        @task(rerun_on={"inputs"}, target="out/constant")
        def settings(path: InFile) -> str:
            return Path(path).read_text() if Path(path).exists() else "default"

        assert load(run(settings, "a.txt")) == ["default"]
        assert load(run(settings, "a.txt")) == ["default"]
        Path("a.txt").write_text("own")
        assert load(run(settings, "a.txt")) == ["own"]
        assert tmp_target.runs == {"settings": 2}

    @pytest.mark.parametrize("paths", [{"k": "a.txt"}, [["a.txt"]], b"a.txt", [{"k": ("a.txt",)}]])
    def test_files_are_found_in_containers_at_any_depth(self, paths: object) -> None:
        @task(files=["paths"])
        def count(paths: Any) -> int:
            return len(paths)

        Path("a.txt").write_text("one")
        run(count, paths)
        Path("a.txt").write_text("two")
        with pytest.warns(StaleTarget, match=r"is older than its input 'a.txt'"):
            run(count, paths)

    def test_files_that_the_task_itself_writes_are_no_inputs(self, tmp_target: Targets) -> None:
        @task(rerun_on={"inputs"}, target="out/constant")
        def write(path: Path) -> int:
            return path.write_text("row")

        for _ in range(2):
            run(write, Path("made.txt"))
        assert tmp_target.runs == {"write": 1}

    def test_files_that_are_named_but_no_arguments_are_refused(self) -> None:
        with pytest.raises(UnknownOption, match=r"files has \['paht'\].* path"):

            @task(files={"paht"})
            def count(path: str) -> int:
                return 1


class TestReasons:
    def test_what_was_made_in_the_future_has_expired(self, tmp_target: Targets) -> None:
        """A clock was set back since: nobody knows how old it is."""

        @task(target="out/{x}", rerun_on={"expired"}, expires=datetime.timedelta(hours=1))
        def hourly(x: int) -> int:
            return x

        run(hourly, 1)
        store = Filestore()
        record = records.read(store, "out/1")
        assert record is not None
        for minutes, runs in {0.5: 1, 30: 2}.items():
            made = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
            records.write(store, "out/1", record._replace(made=made.isoformat()))
            run(hourly, 1)
            assert tmp_target.runs == {"hourly": runs}

    def test_upstream_is_what_lies_at_the_items_given(self, tmp_target: Targets) -> None:
        factor = [1]

        @task(target="out/{x}", rerun_on={"code"})
        def source(x: int) -> int:
            return x // 10 * factor[0]

        @task(target="sums/{base}", rerun_on={"upstream"})
        def total(part: int) -> int:
            return part + 1

        @flow
        def chain() -> int:
            return total(source(10))

        assert load(chain()) == 2
        source.item(10).delete()
        assert load(chain()) == 2
        assert tmp_target.runs == {"source": 2, "total": 1}, "an identical output changes nothing"
        source.item(10).delete()
        factor[0] = 5
        assert load(chain()) == 6

    def test_expired_is_older_than_the_task_allows(self, tmp_target: Targets) -> None:
        @task(target="out/{x}", rerun_on={"expired"}, expires=datetime.timedelta(hours=1))
        def hourly(x: int) -> int:
            return x

        run(hourly, 1)
        run(hourly, 1)
        assert tmp_target.runs == {"hourly": 1}
        run(hourly.with_options(expires=datetime.timedelta(0)), 1)
        assert tmp_target.runs == {"hourly": 2}

    def test_reasons_of_the_flow_hold_for_all_of_its_tasks(self, tmp_target: Targets) -> None:
        @task(target="out/constant")
        def double(x: int) -> int:
            return 2 * x

        @flow(rerun_on={"inputs"})
        def careful(x: int) -> int:
            return double(x)

        assert [load(careful(x)) for x in (1, 1, 2)] == [2, 2, 4]
        assert tmp_target.runs == {"double": 2}

    @pytest.mark.parametrize("by", ["flow", "variable"])
    def test_reasons_hold_within_a_run_that_began_without_them(
        self, by: str, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @task(target="out/{x}", expires=datetime.timedelta(0))
        def short(x: int) -> int:
            return x

        @flow(rerun_on={"expired"} if by == "flow" else ())
        def within() -> tuple[int, int]:
            return short(1), short(2)

        @flow
        def around() -> tuple[int, int]:
            for number in (1, 2, 2):
                short(number)
            if by == "variable":
                monkeypatch.setenv("PREFECTX_RERUN_ON", "expired")
            return within()

        assert load(around()) == (1, 2)
        assert tmp_target.runs == {"short": 4}

    def test_reasons_of_the_environment_hold_for_all(
        self, tmp_target: Targets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @task(target="out/constant")
        def double(x: int) -> int:
            return 2 * x

        monkeypatch.setenv("PREFECTX_RERUN_ON", "code, inputs")
        assert [load(run(double, x)) for x in (1, 1, 2)] == [[2], [2], [4]]
        assert tmp_target.runs == {"double": 2}
        monkeypatch.setenv("PREFECTX_RERUN_ON", "moon")
        with pytest.raises(UnknownOption, match=r"PREFECTX_RERUN_ON.*\['moon'\].* 'upstream'"):
            run(double, 1)


def edited(source: str) -> Any:
    """Give a task's function as a notebook's cell defines it."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(f"def table(n): {source}", namespace)  # noqa: S102 - code of our own making
    return namespace["table"]


class TestTargetsWithoutARecord:
    @pytest.mark.parametrize("reason", ["code", "inputs", "upstream", "expired"])
    def test_targets_without_a_record_are_told_of_where_the_task_asks_for_what_records_say(
        self, reason: Any
    ) -> None:
        @task(target="out/{x}", rerun_on={reason}, expires=datetime.timedelta(days=1))
        def made(x: int) -> int:
            return x

        run(made, 1, 2)
        shutil.rmtree(".prefectx/records")
        with pytest.warns(StaleTarget, match="2 targets.* has no record, so nothing tells"):
            assert load(run(made, 1, 2)) == [1, 2]

    def test_targets_without_a_record_count_without_a_word_elsewhere(self) -> None:
        """They were put there by hand."""

        @task(target="out/{x}")
        def made(x: int) -> int:
            return x

        Filestore().save("out/1", 7)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load(run(made, 1)) == [7]


class TestWarnings:
    def test_warnings_come_once_a_task_with_the_count_at_the_users_line(self) -> None:
        configured = task(target="out/{n}")

        @flow
        def table(decorated: Any) -> list[int]:
            return [decorated(n) for n in range(300)]

        table(configured(edited("return n")))
        newer = configured(edited("return n + 1"))
        with pytest.warns(StaleTarget) as caught:
            table(newer)
        assert len(caught) == 1
        assert "table: 300 targets may be outdated" in str(caught[0].message)
        assert caught[0].filename == __file__

    def test_warnings_come_once_a_task_outside_flows_too(self) -> None:
        configured = task(target="out/{n}")
        older, newer = configured(edited("return n")), configured(edited("return n + 1"))
        for number in range(5):
            older(number)
        with pytest.warns(StaleTarget) as caught:
            _ = [newer(number) for number in range(5)]
        assert [str(warning.message).count("another version") for warning in caught] == [1]
        assert caught[0].filename == __file__

    def test_warnings_that_are_errors_come_after_all_calls_and_the_summary(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PREFECTX_SUMMARY", raising=False)
        configured = task(target="out/{n}")
        run(configured(edited("return n")), 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(StaleTarget, match="'out/1' was made by another version"):
                run(configured(edited("return n + 1")), 1, 2)
        assert "2 calls  1 ran  1 skipped" in capfd.readouterr().err.splitlines()[-1]

    def test_warnings_that_are_errors_do_not_hide_the_error_of_the_flow(self) -> None:
        configured = task(target="out/{n}")
        run(configured(edited("return n")), 1)
        newer = configured(edited("return n + 1"))

        @flow
        def fails() -> None:
            newer(1)
            raise LookupError(1)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(LookupError) as caught:
                fails()
        assert any("'out/1' was made by another" in note for note in caught.value.__notes__)

    def test_warnings_of_an_edited_cell_speak_of_no_collision(self) -> None:
        configured = task(target="cells/{n}")
        configured(edited("return n"))(3)
        with pytest.warns(StaleTarget, match="another version of the task 'table'"):
            configured(edited("return -n"))(3)

    def test_warnings_name_the_helper_or_the_constant_that_has_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        file = tmp_path / "notes_of_a_project.py"
        text = (
            "from prefectx import task\n"
            "LIMIT = 1\n"
            "def scale(n):\n    return n * LIMIT\n"
            "@task(target='out/{n}')\n"
            "def table(n):\n    return scale(n)\n"
        )
        file.write_text(text)
        module = importlib.import_module(file.stem)
        run(module.table, 1, 2)
        for old, new, name in (
            ("LIMIT = 1", "LIMIT = 3", "LIMIT"),
            ("return scale(n)", "return scale(-n)", "table"),
        ):
            file.write_text(text.replace(old, new))
            linecache.checkcache()
            importlib.reload(module)
            with pytest.warns(StaleTarget, match=rf"2 targets .* 'table' \(changed: .*{name}"):
                run(module.table, 1, 2)
        monkeypatch.delitem(sys.modules, file.stem)

    def test_warnings_name_the_argument_that_differs(self) -> None:
        @task(target="out/{name}")
        def fit(name: str, rate: float = 0.1, weights: tuple[float, ...] = ()) -> str:
            return f"{name} {rate}"

        run(fit, "a")
        with pytest.warns(
            StaleTarget, match=r"another call: .* \(other arguments: rate, weights\)"
        ):
            fit("a", 0.2, (1.0, 2.0))

    def test_warnings_do_not_come_where_nothing_is_old(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            decorated = task(target="out/{n}")(edited("return n"))
            for _ in range(2):
                run(decorated, 1, 2, 3)


def test_debuggers_are_shown_the_source_of_a_template() -> None:
    @task(target="out/{x}/{1 // y}")
    def divide(x: int, y: int) -> int:
        return x

    with pytest.raises(ValueError, match="ZeroDivisionError") as caught:
        divide(1, 0)
    assert caught.value.__cause__ is not None
    traceback = caught.value.__cause__.__traceback__
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    file = traceback.tb_frame.f_code.co_filename
    assert file.startswith("<target of ")
    assert "divide" in file
    assert linecache.getline(file, traceback.tb_lineno).strip() == "return rf'''out/{x}/{1 // y}'''"


class Client:
    """An object that has no value of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lock = threading.Lock()

    @task(target="out/{day}")
    def fetch(self, day: int) -> str:
        return f"{self.url} {day}"


class TestObjectsWithoutAValue:
    def test_objects_without_a_value_are_told_apart_by_what_has_one(self) -> None:
        assert load(run(Client("a").fetch, 1)) == ["a 1"]
        assert load(run(Client("a").fetch, 1)) == ["a 1"]
        with pytest.warns(StaleTarget, match="was made by another call"):
            assert load(run(Client("b").fetch, 1)) == ["a 1"]

    def test_objects_without_a_value_in_closures_too(self) -> None:
        def make(client: Client) -> Any:
            @task(target="out/{x}")
            def ask(x: int) -> str:
                return f"{client.url} {x}"

            return ask

        run(make(Client("a")), 1)
        run(make(Client("a")), 1)
        with pytest.warns(StaleTarget, match="client of its closure"):
            run(make(Client("b")), 1)


def test_a_call_is_noted_before_its_function_changes_the_arguments() -> None:
    @task(target="out/x", rerun_on={"inputs"})
    def append(values: list[int]) -> list[int]:
        values.append(1)
        return values

    append([0])
    trusting = append.with_options(rerun_on=())
    assert load(run(trusting, [0])) == [[0, 1]]
    with pytest.warns(StaleTarget, match="was made by another call"):
        run(trusting, [0, 1])


def test_what_a_child_process_makes_for_a_script_is_of_its_code(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from prefectx import load, task\n"
        "@task(isolate=True)\n"
        "def double(x):\n"
        "    return 2 * x\n"
        "if __name__ == '__main__':\n"
        "    print(load(double(2)))\n"
    )
    command = [sys.executable, "-W", "error", "script.py"]
    environment = {**os.environ, "PREFECTX": "cache"}
    for _ in range(2):
        told = subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        )
        assert told.stdout == "4\n"


def cell(namespace: dict[str, Any], number: int, text: str) -> None:
    """Run the text of a notebook's cell."""
    name = f"<ipython-input-{number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), namespace)  # noqa: S102 - code of our own making


HELPERS: dict[str, tuple[str, str, str]] = {
    "function": ("def h(x): return x + 1", "def h(x): return x + 10", "h(x)"),
    "constant": ("LIMIT = 1", "LIMIT = 10", "x + LIMIT"),
    "class": (
        "class H:\n    def go(self, x): return x + 1",
        "class H:\n    def go(self, x): return x + 10",
        "H().go(x)",
    ),
    "method": (
        "class H:\n    def go(self, x): return x + 1",
        "H.go = lambda self, x: x + 10",
        "H().go(x)",
    ),
    "partial": (
        "import functools, operator\nh = functools.partial(operator.add, 1)",
        "h = functools.partial(operator.add, 10)",
        "h(x)",
    ),
    "lower case": ("limit = 1", "limit = 10", "x + limit"),
    "attribute": ("class H:\n    limit = 1", "H.limit = 10", "x + H.limit"),
    "private attribute": ("class H:\n    _limit = 1", "H._limit = 10", "x + H._limit"),
    "default": ("def h(x, n=1): return x + n", "h.__defaults__ = (10,)", "h(x)"),
    "keyword default": (
        "def h(x, *, n=1): return x + n",
        "h.__kwdefaults__ = {'n': 10}",
        "h(x)",
    ),
    "closure": (
        "def make(n):\n    def h(x): return x + n\n    return h\nh = make(1)",
        "h.__closure__[0].cell_contents = 10",
        "h(x)",
    ),
    "code": ("def h(x): return x + 1", "h.__code__ = (lambda x: x + 10).__code__", "h(x)"),
}


@pytest.mark.parametrize("kind", HELPERS)
@pytest.mark.parametrize("place", ["flow", "outside", "argument"])
class TestRedefinedHelpers:
    """A cell of a notebook has run again, or a module was reloaded, in one process."""

    def test_redefined_helpers_are_told_or_recomputed(
        self, kind: str, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, after, used = HELPERS[kind]
        notebook = ModuleType(f"notebook_{kind}_{place}")
        monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
        namespace = vars(notebook)
        namespace["task"] = task
        cell(namespace, 1, before)
        cell(namespace, 2, f"def use(x): return {used}")
        cell(namespace, 3, "@task(target='out/{x}')\ndef direct(x): return use(x)")
        cell(namespace, 4, "@task(target='out/{x}')\ndef given(x, fn=use): return fn(x)")

        def called(**options: object) -> object:
            if place == "argument":
                return load(namespace["given"].with_options(**options)(1, namespace["use"]))
            direct = namespace["direct"].with_options(**options)
            return load(run(direct, 1)[0] if place == "flow" else direct(1))

        assert called() == called() == 2
        cell(namespace, 5, after)
        with pytest.warns(StaleTarget, match=r"changed: .*(use|[hH]|LIMIT|limit|go)"):
            assert called() == 2
        assert called(rerun_on={"code"}) == 11


def test_a_counter_that_the_code_itself_counts_is_no_change(tmp_target: Targets) -> None:
    notebook: dict[str, Any] = {"task": task, "__name__": "notebook_counter"}
    sys.modules["notebook_counter"] = ModuleType("notebook_counter")
    vars(sys.modules["notebook_counter"]).update(notebook)
    notebook = vars(sys.modules["notebook_counter"])
    cell(
        notebook,
        1,
        """
class H:
    made = 0
    def __init__(self): H.made += 1
calls = 0
def count():
    global calls
    calls += 1
def make():
    inner = 0
    def bump():
        nonlocal inner
        inner += 1
        return inner
    return bump
bump = make()
@task(target='out/{x}')
def counted(x):
    H(), count(), bump()
    return x + 0 * (H.made + calls)
""",
    )
    for _ in range(2):
        assert load([notebook["counted"](x) for x in range(3)]) == [0, 1, 2]
    del sys.modules["notebook_counter"]
    assert tmp_target.runs["counted"] == 3


def test_a_module_that_was_edited_and_reloaded_has_the_code_of_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(".")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = "from prefectx import task\n@task\ndef made(x): return x + 1{}\n"
    module("reloaded", source.format(""))
    before = importlib.import_module("reloaded").made.code.hash
    module("reloaded", source.format("  # a comment that makes the line longer"))
    assert importlib.reload(sys.modules["reloaded"]).made.code.hash == before
    module("reloaded", source.format(" + 1"))
    assert importlib.reload(sys.modules["reloaded"]).made.code.hash != before
    del sys.modules["reloaded"]


def test_a_renamed_parameter_is_other_code_and_not_other_arguments() -> None:
    configured = task(target="out/x")
    for value in (1, "a", [1, 2], {"a": Path("a")}, list(range(3000))):
        namespace: dict[str, Any] = {"__name__": "__main__"}
        cell(namespace, 1, "def table(n, m=1): return m")
        cell(namespace, 2, "def renamed(k, m=1): return m")
        namespace["renamed"].__name__ = namespace["renamed"].__qualname__ = "table"
        run(configured(namespace["table"]), value)
        with pytest.warns(StaleTarget, match="another version of the task"):
            run(configured(namespace["renamed"]), value)
        configured(namespace["table"]).item(value).delete()


CLOSED = """
import socket, sqlite3, sys, threading
from prefectx import flow, load, task

def make(value):
    @task(target="out/constant")
    def made(x):
        return str(value)[:0] + "a"
    return made

@flow
def calls():
    return made(1)

made = make({value})
load(calls())
"""


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ("sqlite3.connect(':memory:')", True),
        ("socket.socket()", True),
        ("iter([1])", True),
        ("memoryview(b'a')", False),
        ("[sqlite3.connect(':memory:'), 1]", False),
        ("object()", False),
        ("threading.Lock()", False),
        ("len", False),
        ("1", False),
    ],
)
def test_what_cannot_be_compared_in_a_closure_is_told_in_the_next_process(
    value: str, is_told: bool, python: Python
) -> None:
    code = "import warnings; warnings.simplefilter('error')\n" + CLOSED.format(value=value)
    if is_told:
        code = code.replace("load(calls())", "try: load(calls())\nexcept Warning as e: print(e)")
    told = [python(code, "-W", "ignore::ResourceWarning", PREFECTX="cache") for _ in range(2)]
    assert told[0] == ""
    if is_told:
        assert "value of its closure, which cannot be compared" in told[1]


def test_two_tasks_of_a_factory_that_collide_are_told_apart() -> None:
    def make(n: int, extra: object = None) -> Any:
        @task(target="out/constant")
        def made(x: int, of: object = extra) -> int:
            return n

        return made

    one, other, third = make(2), make(3), make(2, "b")

    @flow
    def calls(*tasks: Any) -> None:
        for each in tasks:
            each(1, None)

    with pytest.raises(TargetCollision, match="closures and defaults n is 2 and 3"):
        calls(one, other)
    with pytest.raises(TargetCollision, match="of is None and 'b'"):
        calls(one, third)


def test_outside_flows_more_stale_targets_are_told_at_ten_and_a_hundred() -> None:
    configured = task(target="out/{n}")
    older = configured(edited("return n"))
    newer = configured(edited("return n + 1100"))
    for number in range(120):
        older(number)
    with pytest.warns(StaleTarget) as caught:
        list(map(newer, range(120)))
    told = [str(each.message) for each in caught]
    assert len(told) == 3
    assert "10 targets may be outdated" in told[1]
    assert "100 targets may be outdated" in told[2]
