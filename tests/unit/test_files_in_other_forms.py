"""Files that are inputs: at URLs, in fields of objects, under another name of the annotation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pytest

from prefectx import InFile, flow, load, task
from prefectx._identity.file_fingerprint import FileFingerprint
from prefectx._values.files import paths_in
from prefectx.errors import StaleTarget, UnsupportedValue

if TYPE_CHECKING:
    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


@flow
def run(decorated: Callable[..., object], path: str) -> object:
    return decorated(path)


Source = InFile


@dataclasses.dataclass
class Settings:
    path: str


@dataclasses.dataclass
class Place:
    path: Path


@dataclasses.dataclass(slots=True)
class Slotted:
    paths: list[str]


class TestFilesInOtherForms:
    @pytest.mark.parametrize("scheme", ["memory://", "file://"])
    def test_at_a_url_count_by_their_content(self, scheme: str, tmp_target: Targets) -> None:
        fsspec = pytest.importorskip("fsspec")
        url = f"{scheme}{Path.cwd()}/inputs/a.txt"

        def write(text: str) -> None:
            with fsspec.open(url, "w", auto_mkdir=True) as file:
                file.write(text)

        @task(target="out/{base}", base="a")
        def read(path: InFile) -> str:
            with fsspec.open(str(path)) as file:
                return str(file.read().decode())

        write("one")
        assert load(read(url)) == load(read(url)) == "one"
        write("two")
        with pytest.warns(StaleTarget, match="older than its input"):
            run(read, url)
        again = read.with_options(rerun_on={"inputs"})
        assert load(again(url)) == load(again(url)) == "two"
        assert tmp_target.runs == {"read": 2}
        write("six")
        assert load(again(url)) == "six"

    def test_files_in_other_forms_in_a_folder_at_a_url_count_by_name_and_content(self) -> None:
        fsspec = pytest.importorskip("fsspec")
        folder = f"memory://{Path.cwd()}/folder"
        fsspec.open(f"{folder}/a/b.txt", "w").open().close()
        before = FileFingerprint.of(folder)
        assert before is not None
        assert before.matches(folder)
        fsspec.filesystem("memory").mv(f"{folder}/a/b.txt", f"{folder}/a/c.txt")
        assert not before.matches(folder)
        assert FileFingerprint.of(f"{folder}/none") is None

    def test_at_a_url_that_cannot_be_read_are_refused(self) -> None:
        @task
        def read(path: InFile) -> str:
            return "read"

        with pytest.raises(UnsupportedValue, match=r"'nosuch://a' cannot be read.*annotate"):
            read("nosuch://a")

    @pytest.mark.parametrize(
        "annotation", ["Source", "Source | None", "list[Source]", Source, "FilePath"]
    )
    def test_files_in_other_forms_are_known_by_another_name_of_the_annotation(
        self, annotation: object
    ) -> None:
        def read(path: Any) -> str:
            return Path(path).read_text()

        read.__annotations__["path"] = annotation
        decorated = task(target="out/{base}", base="a", rerun_on={"inputs"})(read)
        for text in ("one", "two"):
            Path("a.txt").write_text(text)
            assert load(decorated("a.txt")) == text

    @pytest.mark.parametrize(
        "given", [Settings("a.txt"), Slotted(["a.txt"])], ids=["dict", "slots"]
    )
    def test_files_in_other_forms_are_found_in_fields(self, given: object) -> None:
        @task(target="out/{base}", base="a", files={"given"}, rerun_on={"inputs"})
        def read(given: object) -> str:
            return Path("a.txt").read_text()

        for text in ("one", "two"):
            Path("a.txt").write_text(text)
            assert load(read(given)) == text

    @pytest.mark.parametrize(
        "given",
        [
            Path("a.txt"),
            [Path("a.txt")],
            ["a", *[Path(f"{n}.txt") for n in range(50)], Path("a.txt")],
            {"in": Path("a.txt")},
            (1, Path("a.txt")),
        ],
        ids=["itself", "list", "long list", "dict", "tuple"],
    )
    def test_path_objects_count_without_an_annotation(self, given: object) -> None:
        @task(target="out/{base}", base="a", rerun_on={"inputs"})
        def read(given: object) -> str:
            return Path("a.txt").read_text()

        for text in ("one", "two"):
            Path("a.txt").write_text(text)
            assert load(read(given)) == text
        Path("a.txt").write_text("three")

        @flow
        def without_rerun() -> object:
            return read.with_options(rerun_on=())(given)

        with pytest.warns(StaleTarget, match=r"older than its input 'a\.txt'"):
            assert load(without_rerun()) == "two"

    @pytest.mark.parametrize(
        "given",
        ["a.txt", PurePath("a.txt"), ["a.txt"], Settings("a.txt"), Place(Path("a.txt"))],
        ids=["text", "pure path", "list", "text in a field", "path in a field"],
    )
    def test_what_only_looks_like_a_path_is_no_file_without_an_annotation(
        self, given: object
    ) -> None:
        @task(target="out/{base}", base="a", rerun_on={"inputs"})
        def read(given: object) -> str:
            return Path("a.txt").read_text()

        for text in ("one", "two"):
            Path("a.txt").write_text(text)
            assert load(read(given)) == "one"

    def test_files_in_other_forms_are_found_in_objects_that_contain_themselves(self) -> None:
        loop: list[object] = ["a.txt"]
        loop.append({"loop": loop})
        assert paths_in([loop]) == ["a.txt"]
