"""Fingerprints of files: no change is overlooked, and no more is read than that takes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prefectx._identity import file_fingerprint
from prefectx._identity.file_fingerprint import FileFingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = 1_600_000_000


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next fingerprints are those of files that nobody has changed for a minute."""
    now = time.time_ns() + 60_000_000_000
    monkeypatch.setattr("time.time_ns", lambda: now)


def write(path: str, text: str, changed: int | None = None) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    if changed is not None:
        os.utime(path, (changed, changed))


def wait_for_the_clock() -> None:
    """Wait until the system's clock for files has gone on."""
    before = written_at()
    while written_at() == before:
        pass


def written_at() -> int:
    write("clock", "")
    return os.stat("clock").st_ctime_ns


def fingerprint(path: str) -> FileFingerprint:
    found = FileFingerprint.of(path)
    assert found is not None
    return found


def test_a_change_within_the_same_tick_of_the_clock_is_seen() -> None:
    for number in range(50):
        write("a", f"{number:02}")
        found = fingerprint("a")
        write("a", f"{number + 1:02}")
        assert not found.matches("a")


@pytest.mark.usefixtures("later")
def test_a_change_that_keeps_size_and_time_is_seen() -> None:
    write("a", "1", OLD)
    found = fingerprint("a")
    wait_for_the_clock()
    write("a", "2", OLD)
    assert not found.matches("a")


@pytest.mark.usefixtures("later")
def test_a_file_that_did_not_change_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a", "1")
    found = fingerprint("a")
    monkeypatch.setattr(file_fingerprint, "_content", None)
    assert found.matches("a")


def test_a_file_of_another_time_and_the_same_content_is_the_same() -> None:
    write("a", "1")
    found = fingerprint("a")
    write("a", "1", OLD)
    assert found.matches("a")


def _older_file() -> None:
    write("d/b", "9", OLD + 1)


def _through_a_link() -> None:
    write("linked/c", "9")


def _beside_a_broken_link() -> None:
    write("d/a", "9")


def _empty_folder() -> None:
    os.mkdir("d/new")


def _swapped() -> None:
    write("d/a", "22")
    write("d/wide", "1")


def _other_broken_link() -> None:
    os.remove("d/.#lock")
    os.symlink("me@there", "d/.#lock")


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "change",
    [
        _older_file,
        _through_a_link,
        _beside_a_broken_link,
        _empty_folder,
        _swapped,
        _other_broken_link,
    ],
)
def test_a_change_below_a_folder_is_seen(change: Callable[[], None]) -> None:
    write("d/a", "1", OLD + 2)
    write("d/b", "1", OLD)
    write("d/wide", "22", OLD)
    write("linked/c", "1", OLD)
    os.symlink("../linked", "d/sub")
    os.symlink("..", "d/loop")
    os.symlink("me@here", "d/.#lock")
    found = fingerprint("d")
    assert found.matches("d")
    wait_for_the_clock()
    change()
    assert not found.matches("d")


@pytest.mark.skipif(os.name == "nt", reason="names are texts on Windows")
def test_a_name_that_is_no_text_is_one_as_good() -> None:
    os.mkdir("d")
    name = os.path.join(b"d", b"\xff")
    try:
        Path(os.fsdecode(name)).write_text("1")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    found = fingerprint("d")
    assert found.matches("d")
    os.rename(name, os.path.join(b"d", b"\xfe"))
    assert not found.matches("d")


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("at", ["current", "."])
def test_a_link_that_leads_to_another_file_of_the_same_time_is_seen(at: str) -> None:
    # As of two files that were unpacked at the same moment.
    unpacked = int(time.time()) + 10
    for name in ("monday", "friday"):
        write(name, name, unpacked)
    os.symlink("monday", "current")
    before = fingerprint(at)
    os.unlink("current")
    os.symlink("friday", "current")
    assert not before.matches(at)
    os.unlink("current")
    os.symlink("monday", "current")
    assert before.matches(at)
