"""Locks between processes: the kernel's, and those with a heartbeat where there are none."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import outputs_of, running

from prefectx.stores import Filestore
from prefectx.stores.locks import heartbeat
from prefectx.stores.locks.file_lock import flocked, lock_of
from prefectx.stores.locks.heartbeat import FileNotes, HeartbeatLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Lock = Callable[[], AbstractContextManager[None]]

START = """
    import os, sys
    from prefectx.stores.locks.heartbeat import FileNotes, HeartbeatLock
    from prefectx.stores.locks.file_lock import flocked

    LOCKS = {
        "kernel": lambda: flocked(os.path.abspath("locks/a.lock")),
        "heartbeat": lambda: HeartbeatLock(FileNotes("locks"), "a"),
    }
"""
LOCKS: dict[str, Lock] = {
    "kernel": lambda: flocked(os.path.abspath("locks/a.lock")),
    "heartbeat": lambda: HeartbeatLock(FileNotes("locks"), "a"),
}
each_lock = pytest.mark.parametrize("kind", LOCKS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Waiter(threading.Thread):
    """Waits for a lock; tells whether it has had it."""

    def __init__(self, lock: Lock) -> None:
        super().__init__()
        self.lock = lock
        self._had_it = False

    def run(self) -> None:
        with self.lock():
            self._had_it = True

    def had_it(self) -> bool:
        return self._had_it


@each_lock
def test_only_one_process_at_a_time_holds_it(kind: str) -> None:
    code = f"""
        for _ in range(25):
            with LOCKS[{kind!r}]():
                with open("count") as file:
                    count = int(file.read())
                with open("count", "w") as file:
                    file.write(str(count + 1))
    """
    Path("count").write_text("0")
    outputs_of(dedented(code), range(4))
    assert Path("count").read_text() == "100"


@each_lock
def test_only_one_thread_at_a_time_holds_it(kind: str) -> None:
    inside: list[int] = []

    def hold() -> None:
        for _ in range(20):
            with LOCKS[kind]():
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


@each_lock
def test_nothing_is_left_of_it(kind: str) -> None:
    with LOCKS[kind]():
        assert len(os.listdir("locks")) == 1
    with pytest.raises(ZeroDivisionError), LOCKS[kind]():
        _ = 1 / 0
    assert os.listdir("locks") == []
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def dedented(code: str) -> str:
    from textwrap import dedent

    return dedent(START) + dedent(code)


def holder(kind: str) -> Any:
    return running(
        dedented(f"""
            with LOCKS[{kind!r}]():
                child = os.fork() if len(sys.argv) > 1 else 1
                if child:
                    print(child, flush=True)
                sys.stdin.readline()
        """),
        "fork",
    )


@each_lock
def test_it_ends_with_its_process_although_a_fork_of_that_lives_on(
    kind: str, waiting: threading.Event
) -> None:
    with holder(kind) as process:
        assert process.stdout is not None
        fork = int(process.stdout.readline())
        waiter = Waiter(LOCKS[kind])
        waiter.start()
        assert waiting.wait(60)
        assert not waiter.had_it()
        process.send_signal(signal.SIGKILL)
        process.wait()
        waiter.join(60)
        assert waiter.had_it()
        # The fork waits for this process to close its end of the pipe.
        os.kill(fork, 0)
        assert os.listdir("locks") == []


@each_lock
def test_the_end_of_a_fork_does_not_end_it(kind: str) -> None:
    with LOCKS[kind]():
        fork = os.fork()
        if not fork:
            os._exit(0)
        os.waitpid(fork, 0)
        assert len(os.listdir("locks")) == 1


def test_without_locks_of_the_kernel_a_folder_has_those_with_a_heartbeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with Filestore().lock("a/b"):
        (note,) = Path(".prefectx/locks").iterdir()
        said = json.loads(note.read_text())
        assert (said["host"], said["pid"]) == (os.uname().nodename, os.getpid())
    assert os.listdir(".prefectx/locks") == []


def test_other_errors_of_the_file_system_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match="Input/output error"), Filestore().lock("a"):
        pass


def test_locks_of_different_targets_have_different_names() -> None:
    names = ["a", "A", "a/b", "a-b", "/a", "ä", "a" * 300, "b" * 45 + "a" * 255, "a\ud800"]
    found = [lock_of(name) for name in names]
    assert len({file.casefold() for _, file in found}) == len(names)
    assert {len(file.encode()) < 100 for _, file in found} == {True}
    assert lock_of("/srv/out/a")[0] == "/srv/out/.prefectx/locks"
    assert lock_of("out/a")[0] == ".prefectx/locks"


def test_different_targets_do_not_wait_for_each_other() -> None:
    store = Filestore()
    with store.lock("a"), store.lock("b"), store.lock("a/b"):
        assert len(os.listdir(".prefectx/locks")) == 3


class Elsewhere:
    """A lock with a heartbeat of another machine, quick enough for a test."""

    def __init__(self, **options: Any) -> None:
        self.options = {"host": "elsewhere", "beat": 0.02, "stale_after": 0.3, **options}

    def __call__(self) -> HeartbeatLock:
        return HeartbeatLock(FileNotes("locks"), "a", **self.options)


class TestHeartbeat:
    def test_a_holder_elsewhere_that_shows_signs_of_life_keeps_it(
        self, waiting: threading.Event
    ) -> None:
        note = Path("locks/a")
        with Elsewhere()():
            waiter = Waiter(Elsewhere(host="here", stale_after=2.0))
            waiter.start()
            assert waiting.wait(60)
            # Longer than a silent holder would have it.
            while int(json.loads(note.read_text() or '{"beats": 0}')["beats"]) < 150:
                threading.Event().wait(0.01)
            assert not waiter.had_it()
        waiter.join(60)
        assert waiter.had_it()

    def test_a_silent_holder_elsewhere_loses_it(self) -> None:
        Path("locks").mkdir()
        said = {"beats": "0000000000", "host": "elsewhere", "pid": 1, "space": "", "token": "t"}
        Path("locks/a").write_text(json.dumps(said))
        waiter = Waiter(Elsewhere(host="here"))
        waiter.start()
        waiter.join(60)
        assert waiter.had_it()
        assert os.listdir("locks") == []

    def test_a_note_that_was_never_filled_loses_it(self) -> None:
        Path("locks").mkdir()
        Path("locks/a").touch()
        waiter = Waiter(Elsewhere())
        waiter.start()
        waiter.join(60)
        assert waiter.had_it()
        assert os.listdir("locks") == []

    def test_a_process_number_elsewhere_says_nothing_here(self, waiting: threading.Event) -> None:
        with Elsewhere(beat=60)():
            note = Path("locks/a")
            said = json.loads(note.read_text())
            note.write_text(json.dumps({**said, "pid": 2**30, "space": "pid:[other]"}))
            waiter = Waiter(Elsewhere(stale_after=0.1))
            waiter.start()
            assert waiting.wait(60)
            note.write_text(json.dumps(said))
        waiter.join(60)
        assert waiter.had_it()

    def test_a_holder_that_was_given_up_for_dead_removes_nothing_of_its_successors(self) -> None:
        late = Elsewhere(beat=60)()
        with late:
            waiter = HeartbeatLock(FileNotes("locks"), "a", host="here", stale_after=0.0)
            with waiter:
                assert len(os.listdir("locks")) == 2
                late.__exit__(None, None, None)
                third = Waiter(Elsewhere(stale_after=60))
                third.start()
                # The successor still has it.
                third.join(0.2)
                assert not third.had_it()
            third.join(60)
            assert third.had_it()
        assert os.listdir("locks") == []

    def test_who_lost_its_note_is_told(self, caplog: pytest.LogCaptureFixture) -> None:
        with Elsewhere()():
            Path("locks/a").unlink()
            while not caplog.records:
                threading.Event().wait(0.01)
        assert caplog.messages == ["the lock of a was taken away"]

    def test_a_beat_that_fails_is_told_and_the_next_may_get_through(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replace = FileNotes.replace

        def refuse(*_: Any) -> None:
            monkeypatch.setattr(FileNotes, "replace", replace)
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(FileNotes, "replace", refuse)
        with Elsewhere()():
            beats = 0
            while beats < 3:
                beats = int(json.loads(Path("locks/a").read_text())["beats"])
        assert len(caplog.messages) == 1
        assert caplog.messages[0].startswith("no sign of life for the lock of a: ")

    def test_its_defaults_let_a_holder_miss_many_beats(self) -> None:
        assert heartbeat.STALE_AFTER >= 10 * heartbeat.BEAT
