"""Symbolic links below the root that lead out of it: read, never written or removed behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import item, load, task
from prefectx.errors import UnsafeTarget
from prefectx.stores import Filestore
from prefectx.stores.folders.local import LocalFolder

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = pytest.mark.prefectx("cache")


@pytest.fixture(autouse=True)
def outside(tmp_target: Targets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a folder outside of the root, to which the link `out/link` leads."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "precious").write_bytes(b"precious")
    Path("out").mkdir()
    Path("out/link").symlink_to(folder)
    return folder


@task(target="out/{x}")
def double(x: str) -> str:
    return 2 * x


def inside(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize("target", ["out/link/a", "out/link/precious", "out/link/deep/er/a"])
def test_nothing_is_saved_behind_it(target: str, outside: Path) -> None:
    with pytest.raises(UnsafeTarget) as caught:
        Filestore().save(target, 1)
    message = str(caught.value)
    assert message.startswith(f"{target!r} is behind the symbolic link './out/link', which")
    assert f"let a store begin there: Filestore('{outside}')" in message
    assert inside(outside) == {"precious": b"precious"}


def test_nothing_is_deleted_behind_it(outside: Path) -> None:
    with pytest.raises(UnsafeTarget):
        Filestore().delete("out/link/precious")
    with pytest.raises(UnsafeTarget):
        item("out/link/precious").delete()
    assert inside(outside) == {"precious": b"precious"}


def test_no_folder_is_deleted_behind_it(outside: Path) -> None:
    @task(target="out/{x}", store=None)
    def write(x: str) -> str:
        raise NotImplementedError

    (outside / "folder").mkdir()
    with pytest.raises(UnsafeTarget):
        write.item("link/folder").delete()
    assert (outside / "folder").is_dir()


def test_no_lock_is_made_behind_it(outside: Path) -> None:
    Path(".prefectx").symlink_to(outside)
    with pytest.raises(UnsafeTarget):
        Filestore().lock("a")
    with pytest.raises(UnsafeTarget):
        Filestore().save_record("a", "{}")
    assert inside(outside) == {"precious": b"precious"}


def test_a_task_on_a_value_that_leads_there_fails_and_writes_nothing(outside: Path) -> None:
    with pytest.raises(UnsafeTarget) as caught:
        double("link/a")
    assert "double(x='link/a')" in "\n".join(caught.value.__notes__)
    assert inside(outside) == {"precious": b"precious"}


def test_what_lies_behind_it_is_read(outside: Path) -> None:
    Filestore(outside).save("a", [1])
    assert Filestore().exists("out/link/a")
    assert Filestore().load("out/link/a") == [1]


def test_a_link_in_place_of_a_target_is_replaced_or_removed_itself(outside: Path) -> None:
    for name in ("a", "b"):
        Path(f"out/{name}").symlink_to(outside / "precious")
    Filestore().save("out/a", 1)
    assert not Path("out/a").is_symlink()
    Filestore().delete("out/b")
    assert not Path("out/b").is_symlink()
    assert inside(outside) == {"precious": b"precious"}


def test_a_link_that_stays_below_the_root_is_followed() -> None:
    Path("real").mkdir()
    Path("out/within").symlink_to(Path("real").absolute())
    Filestore().save("out/within/a", 1)
    assert Filestore().load("real/a") == 1


def test_the_root_itself_may_be_a_link(outside: Path) -> None:
    store = Filestore("out/link")
    store.save("deep/a", 1)
    assert load(item("deep/a", store)) == 1
    store.delete("deep/a")
    assert list(store.list("deep")) == []


def test_a_literal_start_that_goes_up_is_its_authors_will(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    store = Filestore(tmp_path / "root")
    store.save("../beside/a", 1)
    assert store.load("../beside/a") == 1
    (tmp_path / "beside" / "link").symlink_to("/")
    with pytest.raises(UnsafeTarget):
        store.save("../beside/link/tmp/a", 1)


class TestBetweenCheckAndUse:
    """A folder that is swapped for a link after it was looked at, at the worst moment."""

    @pytest.fixture
    def swapped(self, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        check = LocalFolder._check_inside

        def check_and_swap(self: LocalFolder, name: str) -> None:
            check(self, name)
            if not Path("out/safe").is_symlink():
                Path("out/safe").rename("out/moved")
                Path("out/safe").symlink_to(outside)

        (Path("out/safe")).mkdir()
        Path("out/safe/precious").write_bytes(b"mine")
        monkeypatch.setattr(LocalFolder, "_check_inside", check_and_swap)

    @pytest.mark.usefixtures("swapped")
    @pytest.mark.parametrize("target", ["out/safe/a", "out/safe/precious", "out/safe/deep/er/a"])
    def test_nothing_is_saved_outside(self, target: str, outside: Path) -> None:
        with pytest.raises(UnsafeTarget, match="leads out of"):
            Filestore().save(target, 1)
        assert inside(outside) == {"precious": b"precious"}

    @pytest.mark.usefixtures("swapped")
    def test_nothing_is_deleted_outside(self, outside: Path) -> None:
        with pytest.raises(UnsafeTarget, match="leads out of"):
            Filestore().delete("out/safe/precious")
        assert inside(outside) == {"precious": b"precious"}

    def test_a_file_that_is_being_written_stays_in_the_folder_that_was_opened(
        self, outside: Path
    ) -> None:
        class Swapping:
            def __reduce__(self) -> Any:
                Path("out/safe").rename("out/moved")
                Path("out/safe").symlink_to(outside)
                return (int, ())

        Path("out/safe").mkdir()
        Filestore().save("out/safe/a", Swapping())
        assert inside(outside) == {"precious": b"precious"}
        assert Filestore().load("out/moved/a") == 0

    def test_links_that_stay_inside_are_followed(self) -> None:
        Path("out/real").mkdir()
        Path("out/near").symlink_to("real")
        Path("out/nearer").symlink_to("near")
        Filestore().save("out/nearer/deep/a", 1)
        assert Path("out/real/deep/a").is_file()
        Filestore().delete("out/nearer/deep/a")
        assert not Path("out/real/deep/a").exists()

    def test_no_descriptor_stays_open(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for number in range(20):
            Filestore().save(f"out/{number}/a", 1)
            Filestore().delete(f"out/{number}/a")
            with pytest.raises(UnsafeTarget):
                Filestore().save("out/link/a", 1)
        assert len(os.listdir("/proc/self/fd")) == before
