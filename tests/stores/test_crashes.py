"""Whatever kills or hinders a writer: each target is there whole or not, and nothing is left."""

from __future__ import annotations

import errno
import os
import pickle
import platform
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import IO, TYPE_CHECKING, Any

import pytest
from handles import recorded
from patience import PATIENCE
from processes import next_line

from prefectx import load, task
from prefectx.errors import FileInTheWay, FolderInTheWay
from prefectx.records import record_of
from prefectx.stores import Filestore, register_format
from prefectx.stores.folders import anonymous, atomic, temporary
from prefectx.stores.folders.local import LocalFolder

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("folder")]

HERE = f"@{platform.node()}.tmp"
DAY = 24 * 60 * 60
NOBODY = 65534
LARGE = b"x" * 1_000_000


@task(target="out/{x}", rerun_on=())
def plain(x: object) -> object:
    return x


@task(target="out/constant", rerun_on={"inputs"})
def rerunning(x: int) -> list[int]:
    return [x]


@task(target="out/written", store=None, rerun_on={"inputs"})
def writing(x: int) -> str:
    Path("out").mkdir(exist_ok=True)
    Path("out/written").write_text(f"all of {x}")
    return "out/written"


# What the children of these tests run first: tasks that are those above, and a way to die.
START = (
    f"__name__ = {__name__!r}"
    """
import os, signal, sys
from pathlib import Path
from prefectx import task
from prefectx.stores import Filestore, register_format
from prefectx.stores.folders import atomic, temporary

if "OLD_SYSTEM" in os.environ:
    atomic.nameless, atomic._HAS_NOTES = (lambda *_: None), False

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def dump_half(value, file):
    file.write(value[:5])
    file.flush()
    die()

@task(target="out/{x}")
def plain(x):
    return x

@task(target="out/constant", rerun_on={"inputs"})
def rerunning(x):
    return [x]

@task(target="out/written", store=None, rerun_on={"inputs"})
def writing(x):
    Path("out").mkdir(exist_ok=True)
    Path("out/written").write_text(f"all of {x}")
    return "out/written"
"""
)


@pytest.fixture
def old_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """No nameless files, and no notes that are kept with files: as on NFS, macOS or Windows."""
    monkeypatch.setattr(atomic, "nameless", lambda *_: None)
    monkeypatch.setattr(atomic, "_HAS_NOTES", False)
    monkeypatch.setenv("OLD_SYSTEM", "1")


def child(code: str, **options: Any) -> subprocess.Popen[str]:
    """Start Python on `START` and then `code`, in mode `cache`."""
    return subprocess.Popen(
        [sys.executable, "-c", START + dedent(code)],
        env={**os.environ, "PREFECTX": "cache"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def ended(code: str, **options: object) -> tuple[int, str]:
    """Run the same to its end; return how it ended and the traceback that it wrote."""
    with child(code, **options) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, errors


def left_over() -> list[Path]:
    return sorted(path for path in Path().rglob(".prefectx-*") if path.is_file())


def put(name: str, days: float = 0) -> Path:
    """Put an unfinished file that nobody holds, last written to so many days ago."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    written = time.time() - days * DAY
    os.utime(path, (written, written))
    return path


KILLS = {
    "between creating and locking": ("temporary.hold = die", "old"),
    "in the middle of the dump": ('register_format(".half", bytes, dump_half)', "old"),
    "before the rename": ("atomic._rename = die", "old"),
    "after the rename": (
        "atomic._rename = lambda held, path: (os.replace(held, path), die())",
        "new",
    ),
}


@pytest.mark.usefixtures("old_system")
class TestKilled:
    @pytest.mark.parametrize(("preparation", "there"), KILLS.values(), ids=KILLS)
    @pytest.mark.parametrize("durable", [False, True])
    @pytest.mark.usefixtures("formats")
    def test_at_any_point_a_writer_leaves_its_target_whole_or_as_it_was(
        self, preparation: str, there: str, durable: bool
    ) -> None:
        register_format(".half", lambda file: file.read(), lambda value, file: file.write(value))
        for name in ("first", "again"):
            target = f"a/{name}.half"
            if name == "again":
                Filestore().save(target, b"old content")
            how, errors = ended(f"""
                register_format(".half", bytes, lambda value, file: file.write(value))
                {preparation}
                Filestore(durable={durable}).save({target!r}, b"new content")
            """)
            assert how == -signal.SIGKILL, errors
            assert len(left_over()) == (there == "old")
            expected = [] if (name, there) == ("first", "old") else [target]
            assert [found for found in Filestore().list() if found == target] == expected
            for found in expected:
                assert Filestore().load(found) == f"{there} content".encode()
            Filestore().save(target, b"made again")
            assert Filestore().load(target) == b"made again"
            assert left_over() == []

    def test_while_its_record_is_written_it_leaves_no_target_that_is_anybodys(self) -> None:
        how, errors = ended("""
            rename = atomic._rename
            atomic._rename = lambda held, path: die() if ".json" in path else rename(held, path)
            plain(1)
        """)
        assert how == -signal.SIGKILL, errors
        assert {left.parent for left in left_over()} == {Path("out"), Path(".prefectx/records/out")}
        assert not plain.item(1).exists()
        assert load(plain(1)) == 1
        assert record_of(plain.item(1)) is not None
        assert left_over() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has nameless files")
class TestNameless:
    """Where files can be written without a name, no writer leaves half a file."""

    @pytest.mark.parametrize(
        "preparation", ['register_format(".half", bytes, dump_half)', "atomic.named = die"]
    )
    @pytest.mark.parametrize("before", [[], [b"old content"]], ids=["first", "again"])
    @pytest.mark.usefixtures("formats")
    def test_killed_before_it_has_a_name_nothing_of_it_is_left(
        self, preparation: str, before: list[bytes]
    ) -> None:
        register_format(".half", lambda file: file.read(), lambda value, file: file.write(value))
        for content in before:
            Filestore().save("a/b.half", content)
        how, errors = ended(f"""
            register_format(".half", bytes, lambda value, file: file.write(value))
            {preparation}
            Filestore().save("a/b.half", b"new content")
        """)
        assert how == -signal.SIGKILL, errors
        assert list(Path("a").iterdir()) == [Path("a/b.half")] * len(before)
        assert [Filestore().load("a/b.half") for _ in before] == before

    def test_killed_before_it_takes_the_place_of_another_that_one_is_there(self) -> None:
        Filestore().save("a/b", "old")
        how, errors = ended("""
            atomic._rename = die
            Filestore().save("a/b", "new")
        """)
        assert how == -signal.SIGKILL, errors
        assert Filestore().load("a/b") == "old"
        assert len(left_over()) == 1
        Filestore().save("a/b", "new")
        assert Filestore().load("a/b") == "new"
        assert left_over() == []

    def test_a_target_and_its_record_are_there_at_once(self) -> None:
        how, errors = ended("""
            named = atomic.named
            atomic.named = lambda *args: (named(*args), die())
            plain(1)
        """)
        assert how == -signal.SIGKILL, errors
        assert recorded(plain.item(1)).call == f"{__name__}.plain(x=1)"
        assert [path for path in Path().rglob("*") if path.is_file()] == [Path("out/1")]

    def test_many_threads_that_remake_one_target_leave_one_whole_file(self) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda x: Filestore().save("out/a", [x] * 1000), range(64)))
        first, *others = Filestore().load("out/a")
        assert others == [first] * 999
        assert [path for path in Path().rglob("*") if path.is_file()] == [Path("out/a")]

    def test_without_proc_files_have_names_while_they_are_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(anonymous, "_can_name", lambda: False)
        monkeypatch.setattr(os, "link", None)
        Filestore().save("out/a", 1)
        assert Filestore().load("out/a") == 1

    def test_where_links_are_forbidden_they_have_names(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
        plain(1)
        assert Filestore().load("out/1") == 1
        assert record_of(plain.item(1)) is not None
        assert left_over() == []

    @pytest.mark.usefixtures("formats")
    def test_a_format_may_write_to_the_path_of_its_file(self) -> None:
        def dump(value: bytes, file: IO[bytes]) -> None:
            with open(file.name, "wb") as again:
                again.write(value)
            others.append(os.open("other", os.O_RDWR | os.O_CREAT))

        others: list[Any] = []
        register_format(".again", lambda file: file.read(), dump)
        Filestore().save("out/a.again", b"all of it")
        os.close(others[0])
        assert Filestore().load("out/a.again") == b"all of it"

    @pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL])
    def test_where_the_file_system_has_none_they_have_names(
        self, code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = os.open

        def refuse(path: str, flags: int, *mode: int, **options: Any) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(code, os.strerror(code))
            return opened(path, flags, *mode, **options)

        monkeypatch.setattr(os, "open", refuse)
        Filestore().save("out/a", 1)
        assert Filestore().load("out/a") == 1


@pytest.mark.usefixtures("old_system")
class TestLeftOver:
    def test_it_is_removed_by_the_first_write_of_a_store_into_the_folder(self) -> None:
        mine = put(f"a/.prefectx-1-000000000000{HERE}")
        elsewhere = put(f"a/b/.prefectx-1-000000000000{HERE}")
        store = Filestore()
        store.save("a/1", 1)
        assert left_over() == [elsewhere]
        put(str(mine))
        store.save("a/2", 2)
        assert left_over() == sorted([mine, elsewhere])  # a folder is searched once
        Filestore().save("a/3", 3)
        assert left_over() == [elsewhere]

    def test_what_a_living_process_writes_is_not_removed(self) -> None:
        code = """
            def dump(value, file):
                file.write(value)
                print("writing", flush=True)
                sys.stdin.readline()
            register_format(".slow", bytes, dump)
            Filestore().save("a/b.slow", b"slow")
        """
        with child(code) as process:
            assert next_line(process) == "writing\n"
            (held,) = left_over()
            os.utime(held, (0, 0))
            Filestore().save("a/c", 1)
            assert left_over() == [held]
            process.communicate("go on\n", timeout=PATIENCE)
        assert process.returncode == 0
        assert Path("a/b.slow").read_bytes() == b"slow"
        assert left_over() == []

    def test_what_another_thread_writes_is_not_removed(self) -> None:
        with temporary.unfinished(".") as (path, _):
            thread = threading.Thread(target=Filestore().save, args=("a", 1))
            thread.start()
            thread.join()
            assert Path(path).exists()
            os.replace(path, "b")

    @pytest.mark.parametrize("name", [".prefectx-1-abc.tmp", ".prefectx-1-abc@elsewhere.tmp"])
    def test_of_another_machine_or_of_nobody_knows_whom_it_is_removed_after_a_day(
        self, name: str
    ) -> None:
        put(name, days=0.9)
        Filestore().save("a", 1)
        assert left_over() == [Path(name)]
        put(name, days=1.1)
        Filestore().save("a", 1)
        assert left_over() == []

    def test_where_there_are_no_locks_it_is_removed_after_a_day(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr("fcntl.flock", refuse)
        fresh = put(f".prefectx-1-new{HERE}", days=0.9)
        put(f".prefectx-1-old{HERE}", days=1.1)
        Filestore().save("a", 1)
        assert Filestore().load("a") == 1
        assert left_over() == [fresh]

    def test_a_new_file_that_was_taken_for_stale_is_made_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hold = temporary.hold
        taken: list[int] = []

        def hold_late(descriptor: int) -> bool | None:
            if not taken:
                taken.append(descriptor)
                temporary.sweep(".")
                assert left_over() == []
            return hold(descriptor)

        monkeypatch.setattr(temporary, "hold", hold_late)
        Filestore().save("a", 1)
        assert taken
        assert Filestore().load("a") == 1
        assert left_over() == []

    def test_only_files_are_removed_and_links_are_not_followed(self, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.write_bytes(b"precious")
        Path(f".prefectx-1-link{HERE}").symlink_to(other)
        Path(f".prefectx-1-folder{HERE}").mkdir()
        Filestore().save("a", 1)
        assert other.read_bytes() == b"precious"
        assert Path(f".prefectx-1-folder{HERE}").is_dir()

    def test_it_is_no_target(self, tmp_target: Targets) -> None:
        put(f"out/.prefectx-1-a{HERE}")
        put("out/.prefectx-1-b.tmp")
        assert list(Filestore().list()) == tmp_target.items() == []
        assert load(plain(1)) == 1
        assert list(Filestore().list()) == tmp_target.items() == ["out/1"]


@pytest.mark.usefixtures("old_system")
class TestRerunOn:
    """A kill between target and record: the old record must not vouch for the new target."""

    KILL_AT = """
        keep = Filestore.save_record
        def keep_or_die(self, target, record):
            if '"complete": true' in record:
                die()
            keep(self, target, record)
        Filestore.save_record = keep_or_die
    """

    @pytest.mark.parametrize("before", [[], [1]], ids=["first", "again"])
    def test_a_target_without_its_record_is_made_again(
        self, before: list[int], tmp_target: Targets
    ) -> None:
        for x in before:
            rerunning(x)
        how, errors = ended(dedent(self.KILL_AT) + "rerunning(2)")
        assert how == -signal.SIGKILL, errors
        assert Filestore().load("out/constant") == [2]
        assert load(rerunning(1)) == [1]
        assert load(rerunning(1)) == [1]
        # Once in the child, and again only once here.
        assert tmp_target.runs == {"rerunning": len(before) + 2}

    def test_a_target_that_the_function_wrote_is_made_again(self) -> None:
        writing(1)
        how, errors = ended(dedent(self.KILL_AT) + "writing(2)")
        assert how == -signal.SIGKILL, errors
        assert Path("out/written").read_text() == "all of 2"
        writing(1)
        assert Path("out/written").read_text() == "all of 1"

    def test_a_target_that_the_function_was_writing_is_made_again(self) -> None:
        writing(1)
        how, errors = ended("""
            def write_half(self, text):
                os.truncate(self, 0)
                die()
            Path.write_text = write_half
            writing(1 + 1)
        """)
        assert how == -signal.SIGKILL, errors
        assert Path("out/written").read_text() == ""
        writing(1)
        assert Path("out/written").read_text() == "all of 1"

    def test_killed_before_the_target_was_there_it_is_made_again(self) -> None:
        rerunning(1)
        how, errors = ended("""
            Filestore._save = die
            rerunning(2)
        """)
        assert how == -signal.SIGKILL, errors
        assert Filestore().load("out/constant") == [1]
        assert load(rerunning(2)) == [2]

    def test_without_it_a_task_writes_one_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written: list[str] = []
        keep = Filestore.save_record

        def count(self: Filestore, target: str, record: str) -> None:
            written.append(target)
            keep(self, target, record)

        monkeypatch.setattr(Filestore, "save_record", count)
        plain(1)
        assert written == ["out/1"]
        rerunning(1)
        assert written == ["out/1", "out/constant", "out/constant"]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """What is asked of the disk: files and folders synced, and renames, in their order."""
    asked: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        name = "file" if path.name.startswith(".prefectx-") else str(path.relative_to(folder))
        # At that time all of the file is with the operating system.
        size = f" of {path.stat().st_size} bytes" if name == "file" else ""
        asked.append(f"sync {name}{size}")
        fsync(descriptor)

    def noted_replace(old: str, new: str) -> None:
        path = Path(new).resolve().relative_to(folder)
        if not path.is_relative_to(".prefectx/code"):
            asked.append(f"rename to {path}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    return asked


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names no open files")
@pytest.mark.usefixtures("old_system")
class TestDurable:
    def test_file_and_folders_are_synced_before_save_returns(self, steps: list[str]) -> None:
        store = Filestore(durable=True)
        store.save("a/b/c.bytes", LARGE)
        whole = f"sync file of {len(LARGE)} bytes"
        new_folders = ["sync .", "sync a"]
        assert steps == [*new_folders, whole, "rename to a/b/c.bytes", "sync a/b"]
        steps.clear()
        store.save("a/b/d.bytes", LARGE)
        assert steps == [whole, "rename to a/b/d.bytes", "sync a/b"]

    def test_a_pickled_store_stays_durable(self, steps: list[str]) -> None:
        pickle.loads(pickle.dumps(Filestore(durable=True))).save("a", 1)
        assert [step.partition(" of ")[0] for step in steps][0::2] == ["sync file", "sync ."]

    def test_without_it_nothing_is_synced(self, steps: list[str]) -> None:
        Filestore().save("a/b/c", 1)
        plain(1)
        assert steps == [
            "rename to a/b/c",
            # First: what has no record counts as made by whoever asks.
            "rename to .prefectx/records/out/1.json",
            "rename to out/1",
        ]


def noted(error: BaseException) -> str:
    return "\n".join(error.__notes__)


class TestHindered:
    def test_a_full_disk_names_task_and_target_and_the_next_run_makes_it(
        self, tmp_path: Path
    ) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
        if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("this user may not mount a small disk")
        try:
            full = plain.with_options(store=Filestore(disk), target="out/{len(x)}")
            assert load(full(b"small")) == b"small"
            with pytest.raises(OSError, match="No space left") as caught:
                full(LARGE)
            assert caught.value.errno == errno.ENOSPC
            notes = noted(caught.value)
            assert "Target 'out/1000000' was not written" in notes
            assert f"'{disk}/out/1000000'" in notes
            assert "Make room for it, then call the task again." in notes
            assert "plain(x=" in notes
            assert list(Filestore(disk).list()) == ["out/5"]
            assert not list(disk.rglob(".prefectx-*"))
            subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
            assert load(full(LARGE)) == LARGE
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_a_limit_of_file_size_does_the_same(self) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        code = 'plain.with_options(target="out/large")(b"x" * 1_000_000)'
        how, errors = ended(code, preexec_fn=limit)
        assert how == 1
        assert "OSError: [Errno 27] File too large" in errors
        assert "Target 'out/large' was not written" in errors
        assert "Make room for it, then call the task again." in errors
        assert f"This is the output of {__name__}.plain(x=" in errors
        files = [path for path in Path().rglob("*") if path.is_file()]
        assert [path for path in files if ".prefectx" not in path.parts] == []
        assert ended(code) == (0, "")
        assert Filestore().load("out/large") == LARGE

    def test_a_folder_that_may_not_be_written(self) -> None:
        # Root may write anywhere, so it becomes another user, when all that it needs is imported.
        code = f"""
            if not os.geteuid():
                plain.with_options(target="before/{{os.getpid()}}-{{x}}")(1)
                for path in Path(".prefectx").rglob("*"):
                    path.chmod(0o777)
                os.environ.pop("PREFECTX_RUNS_LOG", None)  # which lies where it may not write
                os.setgroups([])
                os.setgid({NOBODY})
                os.setuid({NOBODY})
            plain(1)
        """
        Path("out").mkdir()
        Path("out").chmod(0o555)
        how, errors = ended(code)
        assert how == 1
        assert "PermissionError: [Errno 13] Permission denied: 'out" in errors
        assert "Target 'out/1' was not written" in errors
        assert "Let this user write to its folder, then call the task again." in errors
        assert f"This is the output of {__name__}.plain(x=1)" in errors
        assert list(Path("out").iterdir()) == []
        Path("out").chmod(0o777)
        assert ended(code) == (0, "")
        assert Filestore(trust="any").load("out/1") == 1

    @pytest.mark.usefixtures("formats")
    def test_a_folder_deleted_in_the_middle(self) -> None:
        def dump(value: bytes, file: IO[bytes]) -> None:
            file.write(value)
            if len(calls) == 1:
                shutil.rmtree("out")

        calls: list[int] = []
        register_format(".gone", lambda file: file.read(), dump)

        @task(target="out/{x}.gone")
        def slow(x: int) -> bytes:
            calls.append(x)
            return b"all of it"

        with pytest.raises(FileNotFoundError) as caught:
            slow(1)
        assert "Target 'out/1.gone' was not written" in noted(caught.value)
        assert "slow(x=1)" in noted(caught.value)
        assert not Path("out").exists()
        assert load(slow(1)) == b"all of it"

    @pytest.mark.usefixtures("formats")
    def test_an_exception_in_the_middle_leaves_the_old_target(self) -> None:
        def dump(value: list[int], file: IO[bytes]) -> None:
            file.write(b"all of ")
            if seen == [1, 2]:
                raise OSError(errno.EIO, "the disk is broken")
            file.write(str(value[0]).encode())

        seen: list[int] = []
        register_format(".half", lambda file: file.read(), dump)

        @task(target="out/constant.half", rerun_on={"inputs"})
        def again(x: int) -> Any:
            seen.append(x)
            return [x]

        assert load(again(1)) == b"all of 1"
        with pytest.raises(OSError, match="the disk is broken") as caught:
            again(2)
        assert (type(caught.value), caught.value.errno) == (OSError, errno.EIO)
        assert "Target 'out/constant.half' was not written" in noted(caught.value)
        assert "again(x=2)" in noted(caught.value)
        assert Filestore().load("out/constant.half") == b"all of 1"
        assert left_over() == []
        assert load(again(2)) == b"all of 2"

    def test_ctrl_c_in_the_middle_leaves_nothing_and_the_next_run_makes_it(self) -> None:
        code = """
            import time
            def dump(value, file):
                file.write(b"half")
                file.flush()
                print("writing", flush=True)
                time.sleep(60)
            register_format(".slow", bytes, dump)
            plain.with_options(target="out/a.slow")(1)
        """
        with child(code) as process:
            assert next_line(process) == "writing\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        assert "KeyboardInterrupt" in errors
        assert process.returncode == -signal.SIGINT
        assert [path for path in Path().rglob("*") if path.is_file()] == []

    def test_a_file_where_a_folder_must_be_names_both(self) -> None:
        Filestore().save("p/a", 1)
        below = plain.with_options(target="p/a/{x}")
        with pytest.raises(FileInTheWay, match="p/a' is no folder") as caught:
            below("b")
        assert "Target 'p/a/b' was not written" in noted(caught.value)
        assert "Move what is in its way, or choose another target" in noted(caught.value)
        assert Filestore().load("p/a") == 1

    def test_a_folder_where_a_file_must_be_names_it(self) -> None:
        Filestore().save("p/a/b", 1)
        with pytest.raises(FolderInTheWay, match="p/a' is a folder") as caught:
            plain.with_options(target="p/{x}")("a")
        assert "Target 'p/a' was not written" in noted(caught.value)
        assert Filestore().load("p/a/b") == 1
        assert left_over() == []


def test_a_dump_may_close_the_file_that_it_is_given(formats: None) -> None:
    """As it does without a word when it wraps the file to write text."""
    register_format(".once", lambda file: file.read(), lambda value, file: _write_and_close(file))
    Filestore(durable=True).save("a.once", None)
    assert Filestore().load("a.once") == b"closed"


def _write_and_close(file: IO[bytes]) -> None:
    file.write(b"closed")
    file.close()


def test_no_descriptor_stays_open(folder: Path) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    Filestore(durable=True).save("a/b", 1)
    before = opened()
    for _ in range(3):
        put(f"a/.prefectx-1-000000000000{HERE}")
        Filestore(durable=True).save("a/b", 1)
    with pytest.raises(IsADirectoryError):
        Filestore().save("a", 1)
    assert opened() == before
    assert LocalFolder(".").exists("a/b")
