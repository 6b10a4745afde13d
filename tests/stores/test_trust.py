"""Pickles that are read: one's own, or those that bear a signature."""

from __future__ import annotations

import json
import os
import pickle
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE
from processes import running

from prefectx import load, task
from prefectx.errors import PrefectxError, UntrustedTarget
from prefectx.stores import Filestore, MemoryStore, SQLStore
from prefectx.stores.formats.signing import SIGNING_KEY

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("folder")]

NOBODY = 65534


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path("trapped").touch, ())


def put(target: str, value: object) -> Path:
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value))
    path.chmod(0o644)
    return path


@task(target="out/{x}")
def double(x: int) -> int:
    return 2 * x


class TestOwners:
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
    @pytest.mark.parametrize("target", ["out/a", "out/a.pkl"])
    def test_a_pickle_of_another_user_is_not_read(self, target: str) -> None:
        os.chown(put(target, Trap()), NOBODY, -1)
        with pytest.raises(UntrustedTarget) as caught:
            Filestore().load(target)
        message = str(caught.value)
        assert message.startswith(f"target {target!r} ('{Path(target).absolute()}') belongs to")
        assert f"another user (uid {NOBODY})" in message
        assert "see SECURITY.md" in message
        assert f"rm {Path(target).absolute()}" in message
        assert not Path("trapped").exists()

    @pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
    def test_a_pickle_that_others_may_write_is_not_read(self, mode: int) -> None:
        put("out/a", Trap()).chmod(mode)
        with pytest.raises(UntrustedTarget, match=r"may be written by others .*; chmod go-w"):
            Filestore().load("out/a")
        assert not Path("trapped").exists()

    def test_a_task_on_it_fails_and_the_target_stays(self) -> None:
        path = put("out/1", 2)
        path.chmod(0o666)
        with pytest.raises(UntrustedTarget):
            load(double(1))
        assert path.exists()

    def test_with_trust_any_it_is_read_also_in_another_process(self) -> None:
        put("out/a", [1]).chmod(0o666)
        store = Filestore(trust="any")
        assert store.load("out/a") == [1]
        assert pickle.loads(pickle.dumps(store)).load("out/a") == [1]
        with pytest.raises(UntrustedTarget):
            pickle.loads(pickle.dumps(Filestore())).load("out/a")

    def test_what_runs_no_code_is_read_whoever_wrote_it(self) -> None:
        path = Path("a.json")
        path.write_text("[1]")
        path.chmod(0o666)
        assert Filestore().load("a.json") == [1]

    @pytest.mark.parametrize("umask", [0o002, 0o000, 0o077])
    def test_what_is_saved_may_be_written_by_its_owner_alone(self, umask: int) -> None:
        before = os.umask(umask)
        try:
            Filestore().save("out/a", [1])
        finally:
            os.umask(before)
        assert stat.S_IMODE(os.stat("out/a").st_mode) == 0o644 & ~umask
        assert Filestore().load("out/a") == [1]

    def test_an_unknown_trust_is_refused(self) -> None:
        with pytest.raises(ValueError, match="trust is 'own' or 'any', not 'all'"):
            Filestore(trust="all")  # type: ignore[arg-type]


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(SIGNING_KEY, "a key of many letters")
    return SIGNING_KEY


LARGE = [bytes([n]) * 100_000 for n in range(20)]


@pytest.mark.usefixtures("key")
class TestSigned:
    @pytest.mark.parametrize("value", [None, 1, LARGE, b"x" * 1_000_000], ids=type)
    def test_what_was_signed_is_read(self, value: object) -> None:
        Filestore().save("a", value)
        assert Filestore().load("a") == value

    def test_what_bears_no_signature_is_not_read(self) -> None:
        put("a", Trap())
        with pytest.raises(UntrustedTarget, match="bears no signature, but PREFECTX_SIGNING_KEY"):
            Filestore(trust="any").load("a")
        assert not Path("trapped").exists()

    def test_what_was_signed_with_another_key_is_not_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Filestore().save("a", Trap())
        monkeypatch.setenv(SIGNING_KEY, "another")
        with pytest.raises(UntrustedTarget, match="not made with this PREFECTX_SIGNING_KEY"):
            Filestore().load("a")
        assert not Path("trapped").exists()

    @pytest.mark.parametrize("once", [True, False])
    def test_a_task_that_is_given_what_another_key_has_signed_fails(
        self, once: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @task(target="out/{funcname}/{value}", once=once)
        def plus(value: int, more: int = 0) -> int:
            return value + more

        one = plus(1)
        monkeypatch.setenv(SIGNING_KEY, "another")
        another_key = r"'out/plus/1' .*the key is another one"
        with pytest.raises(UntrustedTarget, match=another_key):
            load(plus(1))
        with pytest.raises(UntrustedTarget, match=another_key):
            load(plus(2, more=one))
        monkeypatch.setenv(SIGNING_KEY, " a key of many letters\n")
        assert load(plus(2, more=one)) == 3

    def test_a_key_of_any_bytes_signs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SIGNING_KEY, os.fsdecode(b"\xff\xfe"))
        Filestore().save("a", [1])
        assert Filestore().load("a") == [1]

    def test_without_the_key_it_is_read_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Filestore().save("a", LARGE)
        monkeypatch.delenv(SIGNING_KEY)
        assert Filestore().load("a") == LARGE
        with open("a", "rb") as file:
            assert pickle.load(file) == LARGE

    @pytest.mark.parametrize("position", range(0, 76, 5))
    def test_a_single_bit_that_changed_is_found(self, position: int) -> None:
        Filestore().save("a", ["text", 1])
        content = bytearray(Path("a").read_bytes())
        content[position % len(content)] ^= 1
        Path("a").write_bytes(content)
        with pytest.raises(UntrustedTarget):
            Filestore().load("a")

    def test_a_signature_behind_another_pickle_is_found(self) -> None:
        Filestore().save("a", 1)
        signature = Path("a").read_bytes()[len(pickle.dumps(1, protocol=5)) :]
        Path("a").write_bytes(pickle.dumps(Trap()) + signature)
        with pytest.raises(UntrustedTarget):
            Filestore().load("a")
        assert not Path("trapped").exists()

    def test_no_code_stands_between_the_pickle_and_its_signature(self) -> None:
        """A second pickle put between the two is not what was signed."""
        Filestore().save("a", 1)
        whole = Path("a").read_bytes()
        size = len(pickle.dumps(1, protocol=5))
        Path("a").write_bytes(whole[:size] + pickle.dumps(Trap()) + whole[size:])
        with pytest.raises(UntrustedTarget):
            Filestore().load("a")

    def test_other_formats_bear_no_signature(self) -> None:
        Filestore().save("a.json", [1])
        assert Path("a.json").read_text() == "[1]"

    def test_the_error_is_one_of_permissions_and_of_prefectx(self) -> None:
        assert issubclass(UntrustedTarget, PermissionError)
        assert issubclass(UntrustedTarget, PrefectxError)

    def test_it_holds_in_other_processes(self) -> None:
        Filestore().save("a", [1])
        put("b", Trap())
        code = """
            from prefectx.errors import UntrustedTarget
            from prefectx.stores import Filestore
            assert Filestore().load("a") == [1]
            try:
                Filestore().load("b")
            except UntrustedTarget:
                print("refused")
        """
        with running(code) as process:
            assert process.communicate(timeout=PATIENCE) == ("refused\n", "")


@pytest.mark.usefixtures("key")
class TestSignedForTheirTargets:
    @pytest.mark.parametrize("suffix", ["", ".pkl", ".pkl.gz"])
    def test_a_signed_output_is_not_read_under_another_name(self, suffix: str) -> None:
        Filestore().save(f"out/a{suffix}", ["text", 1])
        Path(f"out/a{suffix}").rename(f"out/b{suffix}")
        with pytest.raises(UntrustedTarget, match="for this target"):
            Filestore().load(f"out/b{suffix}")

    def test_in_no_kind_of_store(self, tmp_path: Path) -> None:
        for store in (MemoryStore(), SQLStore(f"sqlite:///{tmp_path}/a.db")):
            store.save("a", ["text"])
            assert store.load("a") == ["text"]
            store.replace_content("b", store.content("a"))
            with pytest.raises(UntrustedTarget, match="for this target"):
                store.load("b")

    def test_a_folder_of_outputs_may_move(self, folder: Path) -> None:
        Filestore().save("out/a", [1])
        (folder / "out").rename(folder / "moved")
        (folder / "other").mkdir()
        (folder / "moved").rename(folder / "other/out")
        assert Filestore("other").load("out/a") == Filestore("other").load("./out//a") == [1]


@pytest.mark.parametrize("key", ["", " ", "\n", "\t \u00a0"], ids=repr)
def test_an_empty_key_is_an_error(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Filestore().save("before", 1)
    monkeypatch.setenv(SIGNING_KEY, key)
    for use in (lambda: Filestore().save("a", 1), lambda: Filestore().load("before")):
        with pytest.raises(PrefectxError, match="PREFECTX_SIGNING_KEY is set, but empty"):
            use()
    Filestore().save("a.json", 1)


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_metadata_that_names_an_unknown_codec_is_refused(version: int) -> None:
    Filestore().save("a.zarr.zip", np.arange(3))
    assert Filestore().load("a.zarr.zip").tolist() == [0, 1, 2]
    with zipfile.ZipFile("a.zarr.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    if version == 3:
        described = json.loads(files["zarr.json"])
        described["codecs"].append({"name": "numcodecs.pickle", "configuration": {}})
        files["zarr.json"] = json.dumps(described).encode()
    else:
        files = {".zarray": json.dumps({"zarr_format": 2, "filters": [{"id": "pickle"}]}).encode()}
    with zipfile.ZipFile("a.zarr.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(UntrustedTarget, match=r"names the Zarr codec '.*pickle'"):
        Filestore().load("a.zarr.zip")
