"""`StoreContract`: our own stores keep it, and stores with one defect each do not."""

from __future__ import annotations

import doctest
import pickle
import re
from typing import TYPE_CHECKING

import pytest
from quick_pytest import QUICK

from prefectx.errors import TargetMissing, UnsupportedValue
from prefectx.stores import Filestore, Store
from pytest_prefectx.contract import StoreContract
from pytest_prefectx.search.strategies import hard_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.prefectx("cache")
pytest_plugins = ["pytester"]


class InFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Filestore(tmp_path / "one")

    @pytest.fixture
    def other_store(self, tmp_path: Path) -> Store:
        return Filestore(tmp_path / "two")


class TestPickle(InFolder):
    pass


class TestPickleOfHardValues(InFolder):
    suffix = ".pkl"
    values = hard_values()


class TestJson(InFolder):
    suffix = ".json"
    values = (1, True, 1.0, -0.0, 10**50, "\u00e9\n\0", [None, {"b": 0.5, "a": [[]]}])
    empty_values = (None, False, 0, 0.0, "", [], {})
    refused = (lambda: (1, 2), lambda: ["x" * 10**6, {1: 2}], lambda: float("nan"), lambda: b"a")


class TestText(InFolder):
    suffix = ".txt"
    values = ("a", "\u00e9\r\n\0", "x" * 10**6)
    empty_values = ("",)
    refused = (lambda: None, lambda: b"a", lambda: "\ud800", lambda: ["a"])

    def value(self, number: int) -> str:
        return f"{number}\r\n" * 10_000


class TestBytes(InFolder):
    suffix = ".bytes"
    values = (b"a", bytes(range(256)) * 1000)
    empty_values = (b"",)
    refused = (lambda: None, lambda: "a", lambda: bytearray(b"a"))

    def value(self, number: int) -> bytes:
        return b"%d " % number * 10_000


class TestCurrentFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
        monkeypatch.chdir(tmp_path)
        return Filestore()


class DictStore(Store):
    """The ten lines of `Store`'s docstring, made to keep what `Store` promises."""

    kept: dict[str, bytes]

    def exists(self, target: str) -> bool:
        return target in self.kept

    def load(self, target: str) -> object:
        if target not in self.kept:
            raise TargetMissing(target)
        return pickle.loads(self.kept[target])

    def save(self, target: str, value: object) -> None:
        try:
            self.kept[target] = pickle.dumps(value)
        except Exception as error:
            raise UnsupportedValue(str(error)) from error

    def delete(self, target: str) -> None:
        self.kept.pop(target, None)

    def list(self, prefix: str = "") -> Iterator[str]:
        return iter([target for target in self.kept if target.startswith(prefix)])


class TestDictStore(StoreContract):
    @pytest.fixture
    def store(self, monkeypatch: pytest.MonkeyPatch) -> Store:
        monkeypatch.setattr(DictStore, "kept", {}, raising=False)
        return DictStore()


def test_the_docstring_example_is_a_suite(pytester: pytest.Pytester) -> None:
    (example,) = [found for found in doctest.DocTestFinder().find(StoreContract) if found.examples]
    source = "".join(part.source for part in example.examples)
    pytester.makepyfile(f"import pytest\nfrom pytest_prefectx.contract import *\n{source}")
    result = pytester.runpytest_subprocess(*QUICK, "-p", "no:randomly", "-q")
    result.assert_outcomes(passed=len(contract_tests()) - 1, skipped=1)


def test_a_suite_without_a_store_says_what_to_override(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from pytest_prefectx.contract import StoreContract\nclass TestMine(StoreContract): pass"
    )
    result = pytester.runpytest_subprocess(*QUICK, "-q")
    result.assert_outcomes(errors=len(contract_tests()))
    result.stdout.fnmatch_lines(["*TestMine must override the fixture `store` of StoreContract*"])


def test_importing_the_contract_collects_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from pytest_prefectx.contract import *")
    assert pytester.runpytest_subprocess(*QUICK, "-q").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def contract_tests() -> list[str]:
    return [name for name in vars(StoreContract) if name.startswith("test_")]


BROKEN = """
import os, pickle, time, unicodedata
from pathlib import Path
import pytest
from prefectx.errors import TargetMissing, UnsupportedValue
from prefectx.stores import Filestore
from pytest_prefectx.contract import StoreContract

class Whole(Filestore):
    pass

class FolderCounts(Filestore):
    def exists(self, target):
        return os.path.exists(self.location(target))

class NothingCounts(Filestore):
    def exists(self, target):
        return False

class FalseIsMissing(Filestore):
    def exists(self, target):
        return super().exists(target) and bool(self.load(target))

class RecordCounts(Filestore):
    def exists(self, target):
        return super().exists(target) or self.load_record(target) is not None

class LoadShares(Filestore):
    def load(self, target):
        self.loaded = getattr(self, "loaded", {})
        return self.loaded.setdefault(self.digest(target), super().load(target))

class SaveShares(Filestore):
    def save(self, target, value):
        super().save(target, value)
        self.shared = {**getattr(self, "shared", {}), target: value}
    def load(self, target):
        found = super().load(target)
        return getattr(self, "shared", {}).get(target, found)

class LoadMakesLists(Filestore):
    def load(self, target):
        found = super().load(target)
        return list(found) if isinstance(found, tuple) else found

class LoadRaisesKeyError(Filestore):
    def load(self, target):
        if not self.exists(target):
            raise KeyError(target)
        return super().load(target)

class LoadDoesNotName(Filestore):
    def load(self, target):
        if not self.exists(target):
            raise TargetMissing("it is gone")
        return super().load(target)

class SaveWritesInPlace(Filestore):
    def save(self, target, value):
        path = self.location(target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            try:
                pickle.dump(value, file)
            except TypeError as error:
                raise UnsupportedValue from error

class SaveWritesSlowly(Filestore):
    def save(self, target, value):
        super().save(target, value)
        whole = Path(self.location(target)).read_bytes()
        Path(self.location(target)).write_bytes(whole[:9])
        time.sleep(0.001)
        Path(self.location(target)).write_bytes(whole)

class SaveSharesUnfinished(Filestore):
    def save(self, target, value):
        super().save(target + ".tmp", value)
        time.sleep(0.001)
        os.replace(self.location(target + ".tmp"), self.location(target))

class SaveSwallows(Filestore):
    def save(self, target, value):
        try:
            super().save(target, value)
        except UnsupportedValue:
            pass

class SaveRefusesLate(Filestore):
    def save(self, target, value):
        self.delete(target)
        super().save(target, value)

class SaveKeepsTheFirst(Filestore):
    def save(self, target, value):
        if not self.exists(target):
            super().save(target, value)

class FilesAreFolders(Filestore):
    def delete(self, target):
        if os.path.isfile(parent := os.path.dirname(self.location(target))):
            os.unlink(parent)
        super().delete(target)

class DeleteRaises(Filestore):
    def delete(self, target):
        os.unlink(self.location(target))

class DeleteDoesNothing(Filestore):
    def delete(self, target):
        pass

class DeleteTakesMore(Filestore):
    def delete(self, target):
        for other in list(self.list(target)):
            super().delete(other)

class ListLeaksRecords(Filestore):
    def list(self, prefix=""):
        for path in sorted(Path(self.root).rglob("*")):
            target = str(path.relative_to(self.root))
            if path.is_file() and target.startswith(prefix):
                yield target

class ListTakesFolders(Filestore):
    def list(self, prefix=""):
        folder = prefix and prefix.rstrip("/") + "/"
        return (target for target in super().list() if target.startswith(folder))

class ListIgnoresPrefix(Filestore):
    def list(self, prefix=""):
        return super().list()

class Renamed:
    def exists(self, target): return super().exists(self.renamed(target))
    def load(self, target): return super().load(self.renamed(target))
    def save(self, target, value): super().save(self.renamed(target), value)
    def delete(self, target): super().delete(self.renamed(target))

class NamesIgnoreCase(Renamed, Filestore):
    def renamed(self, target):
        return target.lower()

class NamesAreFlat(Renamed, Filestore):
    def renamed(self, target):
        return target.replace("/", "_")

class NamesAreNormal(Renamed, Filestore):
    def renamed(self, target):
        return unicodedata.normalize("NFC", target)

class NamesAreCut(Renamed, Filestore):
    def renamed(self, target):
        return target.rstrip(" .")

class PickledElsewhere(Filestore):
    def __reduce__(self):
        return (type(self), ())

class PickledRenamed(Filestore):
    def __reduce__(self):
        return (type(self)._moved, (self.root, "another", False, "own"))

class RecordIsChanged(Filestore):
    def load_record(self, target):
        found = super().load_record(target)
        return found and found.strip("{}")

class RecordIsInvented(Filestore):
    def load_record(self, target):
        return super().load_record(target) or "{}"

class RecordedIsNotSaved(Filestore):
    def save_recorded(self, target, value, record):
        if not self.load_record(target):
            super().save_recorded(target, value, record)

class DigestIsOne(Filestore):
    def digest(self, target):
        return super().digest(target)[:0]

class DigestIsRandom(Filestore):
    def digest(self, target):
        super().digest(target)
        return os.urandom(8)

class PathIsNoText(Filestore):
    def path(self, target):
        return Path(super().path(target))

class PathHasNoPlace(Filestore):
    def path(self, target):
        return target

class LabelIsOne(Filestore):
    def label(self):
        return "store"

class Suite(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return self.kind(tmp_path / "one")
    @pytest.fixture
    def other_store(self, tmp_path):
        return self.kind(tmp_path / "two")

for kind in list(Filestore.__subclasses__()):
    globals()["Test" + kind.__name__] = type("Test" + kind.__name__, (Suite,), {"kind": kind})
"""

FAILED_BY = {
    "FolderCounts": "the_start_of_a_target_is_no_target",
    "NothingCounts": "a_task_runs_once_and_again_after_a_delete",
    "FalseIsMissing": "empty_values_count_as_there",
    "RecordCounts": "records_are_kept_or_not_and_are_no_targets",
    "LoadShares": "a_loaded_value_is_a_fresh_copy",
    "SaveShares": "a_loaded_value_is_a_fresh_copy",
    "LoadMakesLists": "what_is_saved_is_there_and_comes_back_identical",
    "LoadRaisesKeyError": "loading_what_is_missing_raises_target_missing_naming_it",
    "LoadDoesNotName": "loading_what_is_missing_raises_target_missing_naming_it",
    "SaveWritesInPlace": "what_cannot_be_kept_is_refused_and_leaves_nothing",
    "SaveWritesSlowly": "saving_in_several_threads_leaves_one_value_whole",
    "SaveSharesUnfinished": "saving_in_several_threads_leaves_one_value_whole",
    "SaveSwallows": "what_cannot_be_kept_is_refused_and_leaves_nothing",
    "SaveRefusesLate": "what_cannot_be_kept_is_refused_and_leaves_nothing",
    "SaveKeepsTheFirst": "saving_again_replaces",
    "FilesAreFolders": "nothing_is_below_a_target",
    "DeleteRaises": "deleting_what_is_not_there_does_nothing",
    "DeleteDoesNothing": "what_is_deleted_is_gone",
    "DeleteTakesMore": "what_is_deleted_is_gone",
    "ListLeaksRecords": "list_gives_the_targets_that_start_with_the_prefix",
    "ListTakesFolders": "list_gives_the_targets_that_start_with_the_prefix",
    "ListIgnoresPrefix": "list_gives_the_targets_that_start_with_the_prefix",
    "NamesIgnoreCase": "odd_names_are_kept_apart_or_refused",
    "NamesAreFlat": "odd_names_are_kept_apart_or_refused",
    "NamesAreNormal": "odd_names_are_kept_apart_or_refused",
    "NamesAreCut": "odd_names_are_kept_apart_or_refused",
    "PickledElsewhere": "the_store_survives_pickling",
    "PickledRenamed": "the_store_survives_pickling",
    "RecordIsChanged": "records_are_kept_or_not_and_are_no_targets",
    "RecordIsInvented": "nothing_is_there_at_first",
    "RecordedIsNotSaved": "records_are_kept_or_not_and_are_no_targets",
    "DigestIsOne": "the_digest_differs_when_the_output_differs",
    "DigestIsRandom": "the_digest_differs_when_the_output_differs",
    "PathIsNoText": "path_label_and_location_are_texts",
    "PathHasNoPlace": "another_store_is_another_place",
    "LabelIsOne": "another_store_is_another_place",
}


def test_stores_with_one_defect_each_are_found_out(pytester: pytest.Pytester) -> None:
    """One run for all: it names, for each defective store, the tests that it fails."""
    pytester.makepyfile(test_broken=BROKEN)
    result = pytester.runpytest_subprocess(
        *QUICK, "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"
    )
    failed: dict[str, set[str]] = {name: set() for name in ("Whole", *FAILED_BY)}
    for store, test in re.findall(
        r"^FAILED \S+::Test(\w+)::test_(\w+)", result.stdout.str(), re.MULTILINE
    ):
        failed[store].add(test)
    assert "ERROR" not in result.stdout.str()
    for store, test in FAILED_BY.items():
        assert test in failed[store], f"{store} fails only {sorted(failed[store])}"
    assert not failed["Whole"]
    assert {f"test_{test}" for test in FAILED_BY.values()} == set(contract_tests())
