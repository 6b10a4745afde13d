"""Arrays, images and compressed pickles: kept as they are, or refused."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as from_numpy
from PIL import Image

from prefectx import item, task
from prefectx.errors import (
    CorruptTarget,
    TargetMissing,
    TemplateError,
    UnsupportedValue,
    UntrustedTarget,
)
from prefectx.stores import Filestore, register_format
from prefectx.stores.formats import suffix_of
from prefectx.stores.formats.signing import SIGNING_KEY
from pytest_prefectx import identical

if TYPE_CHECKING:
    from pytest_prefectx.fixtures import TargetsFactory

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("folder")]


arrays = from_numpy.arrays(
    dtype=from_numpy.scalar_dtypes() | from_numpy.array_dtypes(),
    shape=from_numpy.array_shapes(min_dims=0, min_side=0, max_side=4),
)


def check_kept_or_refused(target: str, value: object, tmp_target_factory: TargetsFactory) -> None:
    with tmp_target_factory() as folder:
        try:
            Filestore().save(target, value)
        except UnsupportedValue:
            assert folder.items() == []
            return
        assert identical(Filestore().load(target), value)


@given(array=arrays, order=st.sampled_from("CFA"))
@settings(deadline=None, max_examples=100)
def test_any_array_is_kept_in_npy(
    array: object, order: Literal["C", "F", "A"], tmp_target_factory: TargetsFactory
) -> None:
    with tmp_target_factory():
        given_array = np.asarray(array, order=order)
        Filestore().save("a.npy", given_array)
        assert identical(Filestore().load("a.npy"), given_array)


@given(arrays_by_name=st.dictionaries(st.text(max_size=5), arrays, max_size=3))
@settings(deadline=None, max_examples=50)
def test_any_dict_of_arrays_is_kept_in_npz_or_refused(
    arrays_by_name: dict[str, object], tmp_target_factory: TargetsFactory
) -> None:
    check_kept_or_refused("a.npz", arrays_by_name, tmp_target_factory)


@given(array=arrays)
@settings(deadline=None, max_examples=50)
def test_any_array_is_kept_in_zarr_or_refused(
    array: object, tmp_target_factory: TargetsFactory
) -> None:
    check_kept_or_refused("a.zarr.zip", array, tmp_target_factory)


@pytest.mark.parametrize("kind", ["float64", "int8", "bool", "complex64", "uint16"])
def test_the_usual_arrays_are_kept_in_zarr(kind: str) -> None:
    value = np.arange(12).reshape(3, 4).astype(kind)
    Filestore().save("a.zarr.zip", value)
    assert identical(Filestore().load("a.zarr.zip"), value)
    assert zipfile.is_zipfile("a.zarr.zip")


@pytest.mark.parametrize("suffix", [".pkl.gz", ".pkl.zst"])
@pytest.mark.parametrize("value", [None, [1, "a", math.nan], b"x" * 3_000_000], ids=type)
def test_any_value_is_kept_in_a_compressed_pickle(suffix: str, value: object) -> None:
    Filestore().save("a" + suffix, value)
    assert identical(Filestore().load("a" + suffix), value)
    first = Path("a" + suffix).read_bytes()
    assert len(first) < 10_000
    Filestore().save("a" + suffix, value)
    assert Path("a" + suffix).read_bytes() == first


def test_gzip_is_read_by_others() -> None:
    import gzip

    Filestore().save("a.pkl.gz", [1])
    with gzip.open("a.pkl.gz") as file:
        assert pickle.load(file) == [1]


@pytest.mark.parametrize("suffix", [".pkl.gz", ".pkl.zst"])
def test_a_compressed_pickle_is_trusted_as_others_are(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Filestore().save("a" + suffix, [1])
    Path("a" + suffix).chmod(0o666)
    with pytest.raises(UntrustedTarget):
        Filestore().load("a" + suffix)
    Path("a" + suffix).chmod(0o644)
    monkeypatch.setenv(SIGNING_KEY, "key")
    with pytest.raises(UntrustedTarget, match="bears no signature"):
        Filestore().load("a" + suffix)
    Filestore().save("a" + suffix, [1])
    assert Filestore().load("a" + suffix) == [1]
    monkeypatch.delenv(SIGNING_KEY)
    assert Filestore().load("a" + suffix) == [1]


IMAGES = [
    *(Image.new(mode, (3, 2), 1) for mode in ("L", "RGB", "RGBA", "LA", "1", "I;16")),
    Image.effect_noise((20, 10), 50),
]


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.mode)
def test_an_image_is_kept_in_png(image: Any) -> None:
    Filestore().save("a.png", image)
    back = Filestore().load("a.png")
    assert type(back) is Image.Image
    assert (back.mode, back.size, back.tobytes()) == (image.mode, image.size, image.tobytes())


REFUSED = {
    ".npy": ([1, 2], "a .npy target takes a numpy.ndarray, not a list; use pickle"),
    "a.npy": (np.array([1, "x", None], dtype=object), "an array of Python objects; use pickle"),
    "b.npy": (np.ma.array([1], mask=[True]), ".npy would change value, a numpy.*MaskedArray"),
    "c.npy": (np.float64(1), "would change value, a numpy.float64, into a numpy.ndarray"),
    ".npz": (np.arange(3), "takes a dict of numpy.ndarrays, not a numpy.ndarray; use .npy"),
    "a.npz": ({"a": [1]}, r"would change value\['a'\], a list, into a numpy.ndarray"),
    "b.npz": ({1: np.arange(3)}, "would change the key 1 of value into a str"),
    ".txt": (1, "a .txt target takes a str, not an int; use pickle"),
    "d.npy": (1, "a .npy target takes a numpy.ndarray, not an int; use pickle"),
    ".zarr.zip": ("text", "takes a numpy.ndarray, not a str; use .txt"),
    ".png": (np.zeros((2, 2)), "takes a PIL.Image.Image .*; use .npy"),
    "a.png": (Image.new("F", (2, 2)), "; use pickle"),
    "b.png": (Image.new("CMYK", (2, 2)), "; use pickle"),
}


@pytest.mark.parametrize(("target", "value", "why"), [(k, *v) for k, v in REFUSED.items()])
def test_what_a_format_would_change_is_refused(target: str, value: object, why: str) -> None:
    with pytest.raises(UnsupportedValue, match=why):
        Filestore().save("out/a" + target, value)
    assert list(Filestore().list()) == []


VALUES = {
    ".npy": np.arange(1000),
    ".npz": {"a": np.arange(1000), "b": np.zeros(3)},
    ".zarr.zip": np.arange(1000),
    ".png": Image.effect_noise((40, 40), 50),
    ".pkl.gz": list(range(1000)),
    ".pkl.zst": list(range(1000)),
}


@pytest.mark.parametrize("suffix", VALUES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_corrupt(suffix: str, share: float) -> None:
    Filestore().save("a" + suffix, VALUES[suffix])
    content = Path("a" + suffix).read_bytes()
    Path("a" + suffix).write_bytes(content[: int(share * len(content))])
    with pytest.raises(CorruptTarget, match="rm "):
        Filestore().load("a" + suffix)


@pytest.mark.parametrize("suffix", VALUES)
def test_a_file_of_something_else_is_corrupt(suffix: str) -> None:
    Path("a" + suffix).write_bytes(b"something else" * 100)
    with pytest.raises(CorruptTarget):
        Filestore().load("a" + suffix)


def test_npy_holds_no_pickle_and_runs_none() -> None:
    np.save("a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(CorruptTarget):
        Filestore().load("a.npy")


class TestMapped:
    def test_an_array_is_mapped_and_cannot_be_written_to(self) -> None:
        Filestore().save("a.npy", np.arange(5))
        mapped = item("a.npy").load(mmap=True)
        assert isinstance(mapped, np.memmap)
        assert mapped.tolist() == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="read-only"):
            mapped[0] = 1

    def test_it_keeps_its_data_when_the_target_is_made_anew(self) -> None:
        Filestore().save("a.npy", np.arange(5))
        mapped = item("a.npy").load(mmap=True)
        Filestore().save("a.npy", np.zeros(5))
        assert mapped.tolist() == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize("target", ["a", "a.json", "a.npz", "a.pkl.gz"])
    def test_other_formats_refuse(self, target: str) -> None:
        with pytest.raises(UnsupportedValue, match=r"with mmap=True; .*\.npy"):
            item(target).load(mmap=True)

    def test_what_is_missing_or_corrupt_says_so(self) -> None:
        with pytest.raises(TargetMissing):
            item("a.npy").load(mmap=True)
        Filestore().save("a.npy", np.arange(1000))
        Path("a.npy").write_bytes(Path("a.npy").read_bytes()[:500])
        with pytest.raises(CorruptTarget):
            item("a.npy").load(mmap=True)


class TestSuffixes:
    @pytest.mark.parametrize(
        ("target", "suffix", "base"),
        [
            ("out/a.pkl.gz", ".pkl.gz", "a"),
            ("out/a.zarr.zip", ".zarr.zip", "a"),
            ("out/a.b.parquet", ".parquet", "a.b"),
            ("out/a.polars.csv", ".polars.csv", "a"),
            ("out.pkl/a", "", "a"),
            ("out/a.zip", "", "a.zip"),
        ],
    )
    def test_the_longest_that_is_known_counts(self, target: str, suffix: str, base: str) -> None:
        assert suffix_of(target) == suffix
        assert item(target).base == base

    @pytest.mark.parametrize("suffix", [".zarr", ".gz", ".jpg", ".xlsx"])
    def test_one_that_no_format_serves_is_refused_when_the_task_is_decorated(
        self, suffix: str
    ) -> None:
        with pytest.raises(TemplateError, match=f"there is no format for '{suffix}'"):
            task(target="out/{base}" + suffix)(len)

    @pytest.mark.usefixtures("formats")
    def test_one_of_two_parts_can_be_registered(self) -> None:
        register_format(
            ".upper.txt",
            lambda file: file.read().decode().lower(),
            lambda value, file: file.write(value.upper().encode()),
        )
        Filestore().save("a.upper.txt", "text")
        assert Path("a.upper.txt").read_text() == "TEXT"
        assert Filestore().load("a.upper.txt") == "text"

    @pytest.mark.parametrize("suffix", ["ini", ".", ".a b", ".a.b.c", "..a"])
    def test_what_is_no_suffix_is_refused(self, suffix: str) -> None:
        with pytest.raises(TemplateError, match="register_format"):
            register_format(suffix, bytes, print)  # type: ignore[arg-type]


def test_a_format_is_imported_when_it_is_used() -> None:
    code = """
import sys
from prefectx.stores import Filestore
store = Filestore()
for target in ("a", "a.json", "a.txt", "a.pkl.gz"):
    store.save(target, "text")
heavy = {"numpy", "pandas", "polars", "pyarrow", "zarr", "PIL", "zstandard", "cloudpickle"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("target", "package", "install"),
    [
        ("a.npy", "numpy", "pip install numpy"),
        ("a.parquet", "pyarrow", 'pip install "prefectx[tables]"'),
        ("a.png", "PIL", "pip install pillow"),
        ("a.zarr.zip", "zarr", "pip install zarr"),
        ("a.pkl.zst", "zstandard", 'pip install "prefectx[pickle]"'),
    ],
)
def test_a_missing_package_is_named(target: str, package: str, install: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from prefectx.errors import MissingExtra
from prefectx.stores import Filestore
open({target!r}, "w").close()
try:
    Filestore().load({target!r})
except MissingExtra as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(f"{install}\n")
