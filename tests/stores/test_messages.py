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


LARGE: dict[str, Any] = {
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
    assert "The lock of target 'out/2', with once=True," in caught.value.__notes__[0]
    assert "Remove the symbolic link that lies there" in caught.value.__notes__[0]


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
