"""`Filestore`: a file appears whole or not at all, and gives back what was put into it."""

from __future__ import annotations

import enum
import errno
import glob
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import IO, TYPE_CHECKING, Any

import pytest
from handles import recorded
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE
from processes import next_line

from prefectx import Item, current_mode, flow, item, load, task
from prefectx.errors import (
    CorruptTarget,
    PrefectxError,
    TargetMissing,
    TemplateError,
    UnsupportedValue,
)
from prefectx.records import record_of
from prefectx.stores import Filestore, register_format
from prefectx.stores.record import Record

if TYPE_CHECKING:
    from pytest_prefectx import Targets
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@task(target="working/{funcname}/{x}")
def one(x: object) -> Any:
    return x


def files() -> list[str]:
    """Give all files below the current folder but the history: records, unfinished files too."""
    history = (".prefectx/journal/", ".prefectx/code/")
    found = (str(path) for path in Path().rglob("*") if path.is_file())
    return sorted(path for path in found if not path.startswith(history))


class Colour(enum.Enum):
    RED = 1


class Text(str):
    __slots__ = ()


class Fails:
    """Cannot be pickled, and notices only in the middle."""

    def __reduce__(self) -> Any:
        msg = "no parts"
        raise ValueError(msg)


class TestFormats:
    @pytest.mark.parametrize(
        ("suffix", "value"),
        [
            ("", {"a": (1, 2.5, None)}),
            (".pkl", {1: {2}}),
            (".json", {"a": [1, -0.0, None, True, "ä", "\u2028", {}], "": 10**30}),
            (".txt", "a\r\nb\rc\n\ufeffä"),
            (".bytes", b"a\r\n\xff\x00"),
            (".v2", {"a": 1}),
            (".2024", (1,)),
        ],
    )
    def test_formats_give_back_what_was_saved(self, suffix: str, value: object) -> None:
        store = Filestore()
        store.save(f"a/b{suffix}", value)
        assert repr(store.load(f"a/b{suffix}")) == repr(value)

    def test_formats_are_readable_where_they_can_be(self) -> None:
        store = Filestore()
        store.save("a.json", {"a": ["ä"]})
        store.save("a.txt", "ä\n")
        store.save("a.bytes", b"\xff")
        assert json.loads(Path("a.json").read_text(encoding="utf-8")) == {"a": ["ä"]}
        assert "ä" in Path("a.json").read_text(encoding="utf-8")
        assert Path("a.txt").read_bytes() == b"\xc3\xa4\n"
        assert Path("a.bytes").read_bytes() == b"\xff"

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ((1, 2), "value, a tuple"),
            ([{"a": (1,)}], r"value\[0\]\['a'\], a tuple"),
            ({1: 2}, "the key 1 of value"),
            ({None: 2}, "the key None"),
            ({Text("a"): 2}, "the key 'a'"),
            (float("nan"), "cannot give this value back"),
            ([float("inf")], "cannot give this value back"),
            (Text("a"), "a Text"),
            (Colour.RED, "a Colour"),
            ({1, 2}, "a set"),
            (b"a", "a bytes"),
            ("\ud800", "cannot give this value back"),
            pytest.param(10**5000, "cannot give this value back", id="long"),
        ],
    )
    def test_json_refuses_what_it_would_change(self, value: object, why: str) -> None:
        with pytest.raises(UnsupportedValue, match=why) as caught:
            Filestore().save("a.json", value)
        assert caught.value.__notes__ == ["Target 'a.json' was not written."]
        assert files() == []

    def test_json_refuses_what_contains_itself(self) -> None:
        loop: list[object] = []
        loop.append(loop)
        with pytest.raises(UnsupportedValue):
            Filestore().save("a.json", loop)
        assert files() == []

    def test_json_refuses_numpys_numbers(self) -> None:
        np = pytest.importorskip("numpy")
        for value in (np.float64(1), np.int64(1), np.bool_(True), [np.str_("a")]):
            with pytest.raises(UnsupportedValue, match="JSON would change value"):
                Filestore().save("a.json", value)

    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.tuples(inner)
                | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        suffix=st.sampled_from([".json", ".txt", ".bytes", ""]),
    )
    @settings(deadline=None, max_examples=200)
    def test_formats_give_back_anything_unchanged_or_refuse_it(
        self, value: object, suffix: str, tmp_target_factory: TargetsFactory
    ) -> None:
        with tmp_target_factory():
            store = Filestore()
            try:
                store.save(f"a{suffix}", value)
            except UnsupportedValue:
                assert suffix
                assert files() == []
                return
            assert repr(store.load(f"a{suffix}")) == repr(value)

    @pytest.mark.parametrize(
        ("suffix", "value"),
        [(".txt", b"a"), (".txt", 1), (".txt", Text("a")), (".txt", "\ud800"), (".bytes", "a")],
    )
    def test_text_and_bytes_refuse_other_types(self, suffix: str, value: object) -> None:
        with pytest.raises(UnsupportedValue, match=r"\(no suffix\)"):
            Filestore().save(f"a{suffix}", value)
        assert files() == []

    def test_formats_of_a_task_are_picked_by_the_target(self) -> None:
        saved = one.with_options(target="out/{x}.json")
        assert load(saved(5)) == 5
        assert Path("out/5.json").read_text(encoding="utf-8") == "5"

    def test_a_refused_output_names_the_call(self) -> None:
        saved = one.with_options(target="out/a.json")
        with pytest.raises(UnsupportedValue) as caught:
            saved((1,))
        assert "This is the output of " in caught.value.__notes__[1]
        assert "one(x=tuple[1](1)), target 'out/a.json'" in caught.value.__notes__[1]

    def test_formats_that_are_not_there_are_refused_at_decoration(self) -> None:
        message = r"target='out/\{x\}\.xyz' of task 'one': there is no format for '\.xyz'.*\.json"
        with pytest.raises(TemplateError, match=message):
            one.with_options(target="out/{x}.xyz")

    def test_formats_are_not_looked_at_where_the_suffix_is_no_literal_or_none(self) -> None:
        for target in ("out/{x}", "out.xyz/{x}", "out/a.{x}", "out/v1.5", "out/a.b c"):
            one.with_options(target=target)
        one.with_options(target="out/{x}.xyz", store=None)

    @pytest.mark.usefixtures("formats")
    def test_formats_can_be_added(self) -> None:
        register_format(
            ".upper",
            load=lambda file: file.read().decode().lower(),
            dump=lambda value, file: file.write(value.upper().encode()),
        )
        assert load(one.with_options(target="out/{x}.upper")("abc")) == "abc"
        assert Path("out/abc.upper").read_text(encoding="utf-8") == "ABC"

    @pytest.mark.parametrize(
        "suffix", ["ini", ".", "", ".a b", "..a", ".a/b", ".1", ".abcdefghijkl"]
    )
    def test_formats_with_wrong_names_are_refused(self, suffix: str) -> None:
        with pytest.raises(TemplateError, match="register_format"):
            register_format(suffix, load=pickle.load, dump=pickle.dump)


class TestWholeOrNotAtAll:
    @pytest.mark.parametrize("value", [lambda: None, Fails(), [1, Fails()], (n for n in [1])])
    def test_what_cannot_be_pickled_leaves_nothing(self, value: object) -> None:
        with pytest.raises((UnsupportedValue, ValueError)):
            Filestore().save("a/b", value)
        assert files() == []

    def test_an_unpicklable_output_is_no_hit_on_the_next_call(self, tmp_target: Targets) -> None:
        @task(target="out/a")
        def make() -> object:
            return lambda: None

        for _ in range(2):
            with pytest.raises(UnsupportedValue, match="cannot be pickled"):
                make()
        assert tmp_target.runs == {"make": 2}
        assert files() == []

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
    @pytest.mark.usefixtures("formats")
    def test_an_exception_in_the_middle_leaves_nothing(self, error: Any) -> None:
        def dump(value: object, file: IO[bytes]) -> None:
            file.write(b"half")
            file.flush()
            raise error

        register_format(".half", load=pickle.load, dump=dump)
        with pytest.raises(error):
            Filestore().save("a/b.half", 1)
        assert files() == []

    @pytest.mark.usefixtures("formats")
    def test_an_exception_in_the_middle_leaves_the_target_that_was_there(self) -> None:
        def dump(value: Any, file: IO[bytes]) -> None:
            file.write(value)
            if value == b"new":
                raise ValueError

        register_format(".half", load=lambda file: file.read(), dump=dump)
        Filestore().save("a/b.half", b"old")
        with pytest.raises(ValueError, match=r"^$"):
            Filestore().save("a/b.half", b"new")
        assert Filestore().load("a/b.half") == b"old"
        assert files() == ["a/b.half"]

    @pytest.mark.usefixtures("formats")
    def test_a_folder_deleted_meanwhile_is_an_error_that_names_the_target(self) -> None:
        def dump(value: object, file: object) -> None:
            shutil.rmtree("a")

        register_format(".gone", load=pickle.load, dump=dump)
        with pytest.raises(FileNotFoundError) as caught:
            Filestore().save("a/b.gone", 1)
        assert caught.value.filename2 == "a/b.gone"

    def test_a_folder_deleted_before_is_made_anew(self) -> None:
        one(1)
        Path("working/one/1").unlink()
        Path("working/one").rmdir()
        assert load(one(1)) == 1

    def test_an_unfinished_file_is_no_target(self, tmp_target: Targets) -> None:
        Path("working/one").mkdir(parents=True)
        Path("working/one/.prefectx-1-abcdef.tmp").write_bytes(pickle.dumps(0)[:-1])
        assert load(one(1)) == 1
        assert list(Filestore().list()) == tmp_target.items() == ["working/one/1"]

    def test_a_folder_is_no_target(self) -> None:
        Path("working/one/1").mkdir(parents=True)
        assert not one.item(1).exists()

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_may_not_be_written_is_an_error(self) -> None:
        Path("working/one").mkdir(parents=True)
        Path("working/one").chmod(0o500)
        with pytest.raises(PermissionError):
            one(1)
        assert files() == []

    def test_a_root_that_is_a_file_is_an_error(self) -> None:
        Path("working").touch()
        with pytest.raises((NotADirectoryError, FileExistsError)):
            one(1)
        assert files() == ["working"]

    def test_two_processes_that_fill_one_target_both_succeed(self) -> None:
        code = dedent("""
            import sys
            from prefectx.stores import Filestore
            store, me = Filestore(), int(sys.argv[1])
            print("ready", flush=True)
            sys.stdin.readline()
            for _ in range(100):
                store.save("a/b", [me] * 5000)
                assert len(set(store.load("a/b"))) == 1
        """)
        children = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(2)
        ]
        for child in children:
            assert next_line(child) == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        for child in children:
            child.communicate(timeout=PATIENCE)
            assert child.returncode == 0
        assert Filestore().load("a/b") in ([0] * 5000, [1] * 5000)
        assert files() == ["a/b"]

    def test_a_killed_process_leaves_no_half_target(self) -> None:
        code = dedent("""
            import sys
            from prefectx.stores import Filestore, register_format
            def dump(value, file):
                file.write(value[:5])
                file.flush()
                print("writing", flush=True)
                sys.stdin.readline()
            register_format(".half", load=lambda file: file.read(), dump=dump)
            Filestore().save("a/b.half", b"half of it")
        """)
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert next_line(child) == "writing\n"
            child.send_signal(signal.SIGKILL)
            assert child.wait(timeout=PATIENCE) == -signal.SIGKILL
        assert not Filestore().exists("a/b.half")
        assert list(Filestore().list()) == []
        for left in files():
            assert re.fullmatch(r"a/\.prefectx-\d+-[0-9a-f]{12}@.*\.tmp", left)


class TestReading:
    @pytest.mark.parametrize("harm", ["truncate", "corrupt"])
    def test_a_corrupt_target_names_file_task_and_the_command_that_removes_it(
        self, harm: str, tmp_target: Targets
    ) -> None:
        one("it's")
        getattr(tmp_target, harm)()
        found = one("it's")
        with pytest.raises(CorruptTarget) as caught:
            found.load()
        message = str(caught.value)
        path = str(tmp_target.path / "working/one/it's")
        assert "target \"working/one/it's\" (made by task '" in message
        assert f"{__name__}.one')" in message
        command = message.rpartition(": rm ")[2]
        assert command.startswith("'")
        subprocess.run(f"rm {command}", shell=True, check=True)  # noqa: S602 - what the user is told
        assert not Path(path).exists()
        assert load(one("it's")) == "it's"

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a", b""),
            ("a", b"no pickle"),
            ("a", b"cno_such_module\nThing\n."),
            ("a", b"c" + __name__.encode() + b"\nNoSuchClass\n."),
            ("a", b"cbuiltins\nint\n(S'x'\ntR."),
            ("a.json", b"{"),
            ("a.json", b"\xff"),
            ("a.txt", b"\xff"),
        ],
    )
    def test_anything_that_cannot_be_read_is_corrupt(self, name: str, content: bytes) -> None:
        Path(name).write_bytes(content)
        with pytest.raises(CorruptTarget, match="Remove it, then call the task again: rm "):
            item(name).load()

    def test_a_corrupt_target_is_told_where_it_is_an_argument(self, tmp_target: Targets) -> None:
        made = one(1)
        tmp_target.truncate()
        with pytest.raises(CorruptTarget, match="working/one/1"):
            one.with_options(target="out/{funcname}")(made)

    def test_a_corrupt_target_without_a_record_names_no_task(self) -> None:
        Path("a").touch()
        with pytest.raises(CorruptTarget, match=r"^target 'a' cannot be read \(EOFError: "):
            item("a").load()

    def test_a_missing_target_says_so(self) -> None:
        with pytest.raises(TargetMissing, match=r"target 'a/b' is not there .*call its task again"):
            item("a/b").load()
        assert issubclass(TargetMissing, FileNotFoundError)
        assert issubclass(CorruptTarget, PrefectxError)

    def test_a_file_that_unpickling_asks_for_is_not_taken_for_the_target(self) -> None:
        Path("a").write_bytes(b"cbuiltins\nopen\n(S'nowhere'\ntR.")
        with pytest.raises(FileNotFoundError, match="nowhere") as caught:
            item("a").load()
        assert not isinstance(caught.value, TargetMissing)

    def test_a_hit_is_not_read(self, tmp_target: Targets) -> None:
        one(1)
        tmp_target.corrupt()
        assert isinstance(one(1), Item)
        assert tmp_target.runs == {"one": 1}


class TestHits:
    @pytest.mark.parametrize("value", [None, False, 0, "", [], {}, (), b"", float("nan")])
    def test_empty_values_count(self, value: object, tmp_target: Targets) -> None:
        @task(target="out/a")
        def make() -> object:
            return value

        for _ in range(2):
            assert repr(load(make())) == repr(value)
        assert tmp_target.runs == {"make": 1}

    def test_files_put_there_by_hand_count(self, tmp_target: Targets) -> None:
        Path("working/one").mkdir(parents=True)
        Path("working/one/1").write_bytes(pickle.dumps("by hand"))
        assert load(one(1)) == "by hand"
        assert tmp_target.runs == {}
        assert record_of(one.item(1)) is None
        Path("out").mkdir()
        Path("out/a.json").write_text("[1]", encoding="utf-8")
        assert load(one.with_options(target="out/{x}.json")("a")) == [1]

    def test_links_to_files_count(self) -> None:
        Path("working/one").mkdir(parents=True)
        Path("real").write_bytes(pickle.dumps(7))
        Path("working/one/1").symlink_to(Path("real").resolve())
        assert load(one(1)) == 7

    def test_links_to_nowhere_do_not(self) -> None:
        Path("working/one").mkdir(parents=True)
        Path("working/one/1").symlink_to("nowhere")
        assert not one.item(1).exists()
        assert load(one(1)) == 1

    def test_outputs_alone_lie_in_the_folder_of_their_task(self) -> None:
        one(1)
        one("a")
        assert sorted(glob.glob("working/one/*")) == ["working/one/1", "working/one/a"]
        assert sorted(os.listdir("working/one")) == ["1", "a"]
        assert set(os.listdir(".")) <= {".prefectx", "working"}


needs_notes = pytest.mark.skipif(
    not hasattr(os, "setxattr"), reason="this system keeps no notes with files"
)


@pytest.fixture
def without_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "setxattr", refuse, raising=False)


class TestRecords:
    def test_records_say_what_made_a_target(self) -> None:
        record = record_of(one("a"))
        assert isinstance(record, Record)
        assert record.task == f"{__name__}.one"
        assert record.call == f"{__name__}.one(x='a')"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", record.made)
        assert 0 <= record.seconds < 60
        assert record.python == f"{sys.version_info.major}.{sys.version_info.minor}"
        assert re.fullmatch("[0-9a-f]{16}", record.code)
        assert record.inputs is None
        inputs = recorded(one.with_options(rerun_on={"inputs"})("b")).inputs
        assert re.fullmatch("[0-9a-f]{32}", inputs or "")

    @needs_notes
    def test_records_are_kept_in_the_targets_own_files(self) -> None:
        one("ä")
        assert files() == ["working/one/ä"]
        text = os.getxattr("working/one/ä", "user.prefectx.record").decode("ascii")
        assert json.loads(text)["task"] == f"{__name__}.one"

    @needs_notes
    def test_records_move_with_their_targets(self) -> None:
        made = one("a")
        os.rename(made.path, "elsewhere")
        assert record_of(made) is None
        assert recorded(item("elsewhere")).call.endswith("one(x='a')")

    @pytest.mark.usefixtures("without_notes")
    def test_records_elsewhere_lie_beside_the_targets_as_text(self) -> None:
        one("ä")
        text = Path(".prefectx/records/working/one/ä.json").read_text(encoding="ascii")
        assert json.loads(text)["task"] == f"{__name__}.one"

    @pytest.mark.usefixtures("without_notes")
    def test_records_of_absolute_targets_lie_in_their_folder(self, tmp_path: Path) -> None:
        made = one.with_options(target=f"{tmp_path}/out/{{x}}")("a")
        assert made.path == f"{tmp_path}/out/a"
        assert (tmp_path / "out/.prefectx/records/a.json").exists()
        assert recorded(made).call.endswith("one(x='a')")

    @pytest.mark.usefixtures("without_notes")
    def test_records_of_another_root_lie_below_it(self, tmp_path: Path) -> None:
        one.with_options(store=Filestore(tmp_path / "there"))(1)
        assert (tmp_path / "there/.prefectx/records/working/one/1.json").exists()

    @needs_notes
    def test_records_that_lie_beside_a_target_end_when_it_is_made_anew(self) -> None:
        store = Filestore()
        store.save_record("working/one/1", '{"task": "of old"}')
        made = one(1)
        assert files() == ["working/one/1"]
        assert recorded(made).task == f"{__name__}.one"

    @needs_notes
    def test_records_that_are_too_long_for_the_file_lie_beside_it(self) -> None:
        store = Filestore()
        text = json.dumps({"task": "x" * 100_000})
        store.save_recorded("a", 1, text)
        assert store.load_record("a") == text
        assert files() == [".prefectx/records/a.json", "a"]

    def test_records_of_a_store_that_saves_in_its_own_way_are_kept_too(self) -> None:
        class Doubling(Filestore):
            def save(self, target: str, value: Any) -> None:
                super().save(target, 2 * value)

        made = one.with_options(store=Doubling)(21)
        assert made.load() == 42
        assert recorded(made).call.endswith("one(x=21)")

    def test_records_go_with_their_targets(self) -> None:
        one(1).delete()
        assert files() == []

    def test_records_of_what_was_deleted_by_hand_are_written_anew(self) -> None:
        first = recorded(one(1))
        Path("working/one/1").unlink()
        assert recorded(one(1)).made >= first.made

    def test_records_of_tasks_without_a_target_are_not_written(self) -> None:
        one.with_options(target=None)(1)
        assert files() == []

    def test_records_are_not_written_in_mode_function(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PREFECTX", "function")
        assert current_mode() == "function"
        assert one(1) == 1
        assert files() == []


class TestRoot:
    @pytest.mark.parametrize("kind", [str, Path])
    def test_root_is_another_folder(self, kind: Any, tmp_path: Path) -> None:
        there = one.with_options(store=Filestore(kind(tmp_path / "there")))
        made = there(1)
        assert made.path == str(tmp_path / "there/working/one/1")
        assert load(made) == 1
        assert list(made.store.list()) == ["working/one/1"]
        assert files() == []

    def test_relative_is_relative_to_the_current_folder(self, tmp_path: Path) -> None:
        store = Filestore("there")
        store.save("a", 1)
        assert files() == ["there/a"]
        os.chdir(tmp_path)
        assert not store.exists("a")

    def test_root_with_and_without_a_slash_is_the_same(self) -> None:
        assert Filestore("there") == Filestore("there/") == Filestore("./there")
        assert Filestore("there") == Filestore(Path("there").resolve())
        assert len({Filestore("there"), Filestore("there/"), Filestore(".")}) == 2
        assert Filestore() != "."
        assert repr(Filestore("there")) == "Filestore('there')"

    def test_pickled_is_absolute(self, tmp_path: Path) -> None:
        store, made = pickle.loads(pickle.dumps((Filestore(), one(1))))
        here = Path.cwd()
        os.chdir(tmp_path)
        assert store.root == str(here)
        assert store.exists("working/one/1")
        assert made.path == str(here / "working/one/1")
        assert made.load() == 1

    def test_root_of_a_pickled_subclass_stays_one(self) -> None:
        kept = pickle.loads(pickle.dumps(Elsewhere("there")))
        assert type(kept) is Elsewhere
        assert kept.root == os.path.abspath("there")


class Elsewhere(Filestore):
    pass


def test_an_item_is_small_whatever_the_data() -> None:
    made = one.with_options(target="out/a")(list(range(100_000)))
    assert len(pickle.dumps(made)) < 500
    assert pickle.loads(pickle.dumps(made)) == made


def test_list_gives_the_targets_with_a_prefix() -> None:
    store = Filestore()
    for target in ("a/b", "a/c/d.json", "ab", "e"):
        store.save(target, 1)
    store.save_record("a/b", "{}")
    assert list(store.list()) == ["ab", "e", "a/b", "a/c/d.json"]
    assert list(store.list("a/")) == ["a/b", "a/c/d.json"]
    assert sorted(store.list("a")) == ["a/b", "a/c/d.json", "ab"]
    assert list(Filestore("nowhere").list()) == []


def test_delete_does_nothing_where_nothing_is() -> None:
    Filestore().delete("a")


def test_digest_differs_when_the_file_does() -> None:
    store = Filestore()
    store.save("a", 1)
    store.save("b", 1)
    assert store.digest("a") == store.digest("b")
    store.save("b", 2)
    assert store.digest("a") != store.digest("b")
    with pytest.raises(TargetMissing):
        store.digest("c")


def test_a_target_is_only_made_where_the_function_was_run(tmp_target: Targets) -> None:
    @flow
    def asks() -> object:
        return one.item(1).exists(), load(one(1)), one.item(1).exists()

    assert asks() == (False, 1, True)
