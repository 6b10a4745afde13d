"""Refusals by the operating system: the error names the target, and what to do about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from prefectx import item, load, task
from prefectx.errors import PrefectxError, StoreUnreachable, TargetMissing
from prefectx.stores import Filestore, SQLStore

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


LARGE: dict[str, object] = {
    ".npy": np.arange(100_000),
    ".json": list(range(100_000)),
    ".parquet": pd.DataFrame({"a": np.random.default_rng(1).random(100_000)}),
    "": b"x" * 1_000_000,
}


@pytest.mark.parametrize("suffix", LARGE)
def test_a_full_disk_is_said_to_be_full_in_every_format(full: Path, suffix: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - what it says depends on the format
        Filestore(full).save(f"a{suffix}", LARGE[suffix])
    [note] = caught.value.__notes__
    assert note.startswith(f"Target 'a{suffix}' was not written")
    assert "Make room for it, then call the task again" in note


def test_a_full_disk_below_sqlite_is_no_matter_of_passwords(full: Path) -> None:
    store = SQLStore(f"sqlite:///{full}/a.db")
    with pytest.raises(
        StoreUnreachable, match=r"target 'a'.*full.*Make room on its disk"
    ) as caught:
        store.save("a", b"x" * 1_000_000)
    assert "password" not in str(caught.value)


@task(target="out/{x}", once=True)
def double(x: int) -> int:
    return 2 * x


def test_a_lock_that_is_a_link_is_named_with_its_target() -> None:
    with Filestore().lock("out/2"):
        [name] = os.listdir(".prefectx/locks")
    Path(".prefectx/locks", name).symlink_to("elsewhere")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its note is looked at
        load(double(2))
    note = caught.value.__notes__[0]
    assert note.startswith("The lock of target 'out/2' (once=True or rerun_on) was not written")
    assert "Remove the symbolic link that is there" in note


@pytest.fixture
def read_only(full: Path) -> Path:
    """A disk with two outputs, to which nobody may write any more."""
    Filestore(full).save("out/old", 1)
    SQLStore(f"sqlite:///{full}/a.db").save("old", 1)
    subprocess.run(["mount", "-o", "remount,ro", str(full)], check=True)
    return full


@pytest.mark.parametrize("reasons", [frozenset(), frozenset({"inputs"})], ids=["once", "rerun_on"])
def test_a_disk_that_is_read_only_is_told_with_the_target(read_only: Path, reasons: Any) -> None:
    locked = double.with_options(store=Filestore(read_only), once=not reasons, rerun_on=reasons)
    with pytest.raises(OSError, match="Read-only file system") as caught:
        load(locked(2))
    note = caught.value.__notes__[0]
    assert note.startswith("The lock of target 'out/2' (once=True or rerun_on) was not written")
    assert "Let this user write to its folder" in note


def test_what_is_not_removed_from_a_read_only_disk_is_named(read_only: Path) -> None:
    with pytest.raises(OSError, match="Read-only file system") as caught:
        item("out/old", Filestore(read_only)).delete()
    assert caught.value.__notes__[0].startswith("Target 'out/old' was not removed")
    assert item("out/old", Filestore(read_only)).load() == 1


def test_sqlite_on_a_read_only_disk_still_gives_what_it_has(read_only: Path) -> None:
    store = SQLStore(f"sqlite:///{read_only}/a.db")
    assert store.load("old") == 1
    with pytest.raises(StoreUnreachable, match=r"target 'new'.*Let this user write to the file"):
        store.save("new", 1)


def test_a_file_in_the_way_of_an_sqlite_file_is_told_with_the_target(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnreachable, match=r"target 'a'.*See that its folder is there"):
        SQLStore(f"sqlite:///{tmp_path}/file/a.db").save("a", 1)


def test_a_link_to_itself_is_no_output_and_makes_way_for_one() -> None:
    Path("a").symlink_to("a")
    store = Filestore()
    assert not store.exists("a")
    assert not item("a").exists()
    with pytest.raises(TargetMissing):
        store.load("a")
    store.save("a", 1)
    assert store.load("a") == 1


def test_below_a_link_to_itself_is_nothing() -> None:
    Path("a").symlink_to("a")
    store = Filestore()
    assert not store.exists("a/b")
    with pytest.raises(TargetMissing):
        store.load("a/b")
    with pytest.raises(PrefectxError, match="links that change or never end"):
        store.save("a/b", 1)


def test_a_current_folder_that_was_removed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StoreUnreachable, match="the current folder was removed, so 'a'"):
        Filestore().path("a")
    with pytest.raises(PrefectxError, match="the current folder was removed"):
        Filestore().load("a")
