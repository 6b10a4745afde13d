"""A Filestore below a URL: fsspec's memory, and a real S3 server."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from handles import item_of
from patience import PATIENCE
from processes import running
from s3_server import S3Server, s3_server

from prefectx import flow, load, task, use_mode
from prefectx.errors import (
    CorruptTarget,
    MissingExtra,
    StoreUnreachable,
    TargetCollision,
    TargetMissing,
    TargetReplaced,
    UnsafeTarget,
    UnsupportedValue,
)
from prefectx.records import record_of
from prefectx.stores import Filestore, Store
from pytest_prefectx import StoreContract, Targets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 server, for all tests."""
    with s3_server() as server:
        yield server


@pytest.fixture
def on_s3(s3: S3Server) -> Filestore:
    """A store in a bucket of its own."""
    bucket = f"bucket-{uuid.uuid4().hex[:8]}"
    s3.make_bucket(bucket)
    return Filestore(f"s3://{bucket}/folder", storage_options=s3.options)


@pytest.fixture
def in_memory() -> Filestore:
    """A store in a folder of fsspec's memory of its own."""
    return Filestore(f"memory://{uuid.uuid4().hex}/folder")


@pytest.fixture(params=["on_s3", "in_memory"], ids=["s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_target: Targets) -> Filestore:
    """A store on each, in a fresh folder."""
    found: Filestore = request.getfixturevalue(request.param)
    return found


class TestS3Contract(StoreContract):
    @pytest.fixture
    def store(self, on_s3: Filestore) -> Store:
        return on_s3


class TestMemoryContract(StoreContract):
    @pytest.fixture
    def store(self, in_memory: Filestore) -> Store:
        return in_memory


class TestRenamingContract(StoreContract):
    """Of a file system on which a file that is put does not appear whole."""

    @pytest.fixture
    def store(self, in_memory: Filestore, monkeypatch: pytest.MonkeyPatch) -> Store:
        monkeypatch.setattr("prefectx.stores.folders.remote._WHOLE", frozenset())
        return in_memory


class TestFileContract(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Filestore(f"file://{tmp_path}")


ODD = ["a b", "a+b", "a%41", "a?b", "a#b", "ä", "a&b=c", "~a", "(a)", "a'b", "a:b", "a*", "..a"]


@pytest.mark.prefectx("cache")
class TestTargets:
    @pytest.mark.parametrize("name", ODD)
    def test_any_name_is_kept(self, name: str, store: Filestore) -> None:
        store.save(f"out/{name}", name)
        assert store.exists(f"out/{name}")
        assert store.load(f"out/{name}") == name
        assert list(store.list()) == list(store.list("out/")) == [f"out/{name}"]
        store.delete(f"out/{name}")
        assert list(store.list()) == []

    def test_a_task_keeps_its_output_and_a_record_there(
        self, store: Filestore, tmp_target: Targets
    ) -> None:
        @task(store=store, target="out/{x}.json")
        def double(x: int) -> int:
            return 2 * x

        for _ in range(2):
            found = item_of(double(4))
            assert load(found) == 8
        assert tmp_target.runs == {"double": 1}
        assert found.path == store.path("out/4.json") == f"{store.root}/out/4.json"
        assert fsspec.get_mapper(store.root, **store._options)["out/4.json"] == b"8"
        record = record_of(found)
        assert record is not None
        assert record.task.endswith("double")
        assert tmp_target.items() == []

    def test_large_values_are_kept(self, store: Filestore) -> None:
        value = os.urandom(1 << 20) * 120
        store.save("large.bytes", value)
        assert store.load("large.bytes") == value

    def test_what_is_missing_or_corrupt_says_so(self, store: Filestore) -> None:
        with pytest.raises(TargetMissing, match="call its task again"):
            store.load("a")
        store.save("a", 1)
        fsspec.get_mapper(store.root, **store._options)["a"] = b"nonsense"
        with pytest.raises(CorruptTarget, match=r"item\('a', Filestore\('.*\)\)?.delete\(\)"):
            store.load("a")

    def test_the_format_refuses_before_anything_is_put(self, store: Filestore) -> None:
        with pytest.raises(UnsupportedValue, match="JSON would change"):
            store.save("a.json", (1,))
        assert list(store.list()) == []

    def test_an_absolute_target_is_refused(self, store: Filestore) -> None:
        with pytest.raises(UnsafeTarget, match="cannot lie below"):
            store.save("/etc/passwd", 1)

    def test_a_literal_start_may_go_up(self, store: Filestore) -> None:
        store.save("../beside/a", 1)
        beside = Filestore(store.root.replace("/folder", "/beside"), storage_options=store._options)
        assert beside.load("a") == 1

    def test_once_is_refused_for_there_are_no_locks(self, store: Filestore) -> None:
        @task(store=store, once=True)
        def double(x: int) -> int:
            return 2 * x

        with pytest.raises(UnsupportedValue, match="has no locks"):
            double(1)

    def test_mapping_into_memory_is_refused(self, store: Filestore) -> None:
        with pytest.raises(UnsupportedValue, match="only a local Filestore can"):
            store.load_mapped("a.npy")

    def test_threads_share_it(self, store: Filestore) -> None:
        def work(number: int) -> None:
            store.save(f"out/{number}", number)
            assert store.load(f"out/{number}") == number

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(store.list())) == 8


@pytest.mark.prefectx("cache")
class TestS3:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_target: Targets) -> Any:
        return tmp_target

    def test_credentials_travel_and_are_shown_nowhere(self, on_s3: Filestore) -> None:
        on_s3.save("a", 1)
        assert pickle.loads(pickle.dumps(on_s3)).load("a") == 1
        for text in (repr(on_s3), on_s3.label(), on_s3.path("a")):
            assert "secret" not in text

    def test_another_process_uses_it(self, on_s3: Filestore) -> None:
        on_s3.save("a", 1)
        Path("store").write_bytes(pickle.dumps(on_s3))
        code = "import pickle; s = pickle.load(open('store', 'rb')); s.save('b', s.load('a') + 1)"
        with running(code) as process:
            assert process.communicate(timeout=PATIENCE) == ("", "")
        assert on_s3.load("b") == 2

    def test_a_fork_has_connections_of_its_own(self, on_s3: Filestore) -> None:
        on_s3.save("a", 1)
        child = os.fork()
        if not child:
            code = 1
            try:
                on_s3.save("b", on_s3.load("a") + 1)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert on_s3.load("b") == 2

    def test_a_killed_writer_leaves_no_target(self, on_s3: Filestore) -> None:
        on_s3.save("old", "old")
        Path("store").write_bytes(pickle.dumps(on_s3))
        code = """
            import os, pickle, signal, sys
            from botocore.httpsession import URLLib3Session
            store = pickle.load(open("store", "rb"))
            system, root = store._folder._system()
            call = system._call_s3
            async def die(*arguments, **options):
                # The first part of a large file is there, the others are not.
                answer = await call(*arguments, **options)
                if arguments[0] in ("upload_part",):
                    os.kill(os.getpid(), signal.SIGKILL)
                return answer
            system._call_s3 = die
            store.save(sys.argv[1], os.urandom(1 << 20) * 120)
        """
        for target in ("new", "old"):
            with running(code, target) as process:
                _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == -signal.SIGKILL, errors
        assert list(on_s3.list()) == ["old"]
        assert on_s3.load("old") == "old"

    def test_a_missing_bucket_is_told_when_something_is_saved(self, s3: S3Server) -> None:
        store = Filestore("s3://no-such-bucket/folder", storage_options=s3.options)
        assert not store.exists("a")
        with pytest.raises(StoreUnreachable, match="bucket does not exist") as caught:
            store.save("a", 1)
        assert "'s3://no-such-bucket/folder/a'" in str(caught.value)
        assert "Target 'a' was not written" in "\n".join(caught.value.__notes__)

    def test_a_server_that_is_away_is_told(self) -> None:
        options = S3Server(9).options
        store = Filestore("s3://bucket/folder", storage_options=options)
        for ask in (store.exists, store.load, store.delete, store.digest, store.load_record):
            with pytest.raises(
                StoreUnreachable, match=r"could not be reached .*See that the store"
            ):
                ask("a")
        with pytest.raises(StoreUnreachable):
            store.save("a", 1)
        with pytest.raises(StoreUnreachable):
            list(store.list())


@pytest.mark.prefectx("cache")
class TestListing:
    """What a warm run asks for: listings, of which each has 1,000 names, and records."""

    @pytest.mark.parametrize(
        ("number", "pages"), [(50, 1), pytest.param(1_200, 2, marks=pytest.mark.nightly)]
    )
    def test_a_warm_run_lists_a_prefix_once(
        self, number: int, pages: int, on_s3: Filestore, s3: S3Server, tmp_target: Targets
    ) -> None:
        @task(store=on_s3, target="out/{x}")
        def double(x: int) -> int:
            return 2 * x

        @flow
        def many() -> Any:
            return double.map(range(number))

        mapper = fsspec.get_mapper(on_s3.root, **on_s3._options)
        mapper.setitems({f"out/{x}": pickle.dumps(2 * x) for x in range(number)})
        s3.asked()
        items = many()
        asked = s3.asked()
        assert len(items) == number
        assert tmp_target.runs == {}
        # And with four questions s3fs finds out that no records lie beside them; then each file is
        # asked whether it carries one.
        assert len(asked) == pages + 4 + number, asked
        assert load(items[7]) == 14

    def test_a_cold_run_puts_each_output_with_its_record_by_one_request(
        self, on_s3: Filestore, s3: S3Server
    ) -> None:
        @task(store=on_s3, target="out/{x}")
        def double(x: int) -> int:
            return 2 * x

        @flow
        def many() -> Any:
            return double.map(range(200))

        s3.asked()
        items = many()
        asked = s3.asked()
        puts = [request for request in asked if request.startswith("PUT")]
        assert len(puts) == len({request.partition("?")[0] for request in puts}) == 200
        # And the listings of the outputs and of records beside them.
        assert len(asked) <= 200 + 8, [request for request in asked if request not in puts]
        record = record_of(items[7])
        assert record is not None
        assert record.args == {"x": "7"}

    def test_a_record_that_is_too_long_for_its_file_lies_beside_it(
        self, on_s3: Filestore, tmp_target: Targets
    ) -> None:
        @task(store=on_s3, target="out/{a[0]}")
        def first(a: str, b: str, c: str, d: str, e: str) -> str:
            return f"{a}{b}{c}{d}{e}"

        @flow
        def one() -> Any:
            return first(*(letter * 400 for letter in "abcde"))

        for _ in range(2):
            record = record_of(one())
            assert record is not None
            assert len(str(record.args)) > 1_500
        assert tmp_target.runs == {"first": 1}
        # Without it, nobody knows whose the output is.
        on_s3._folder.delete(".prefectx/records/out/a.json")
        one()
        assert tmp_target.runs == {"first": 2}

    def test_an_output_on_s3_that_another_task_has_made_is_refused(self, on_s3: Filestore) -> None:
        def one(x: int) -> int:
            return x

        def other(x: int) -> int:
            return -x

        task(store=on_s3, target="out/{x}")(one)(1)

        @flow
        def takes_it() -> int:
            return task(store=on_s3, target="out/{x}")(other)(1)

        with pytest.raises(TargetCollision, match="was made by another task"):
            takes_it()

    @pytest.mark.parametrize(
        ("target", "lists"),
        [
            ("out/{x}", 1),
            # Of the first three folders, then of all.
            ("out/{x}/value.json", 4),
        ],
        ids=["in one folder", "in folders of their own"],
    )
    def test_a_warm_run_lists_folders_as_one_and_reads_each_record_once(
        self, target: str, lists: int, on_s3: Filestore, s3: S3Server, tmp_target: Targets
    ) -> None:
        @task(store=on_s3, target=target)
        def double(x: int) -> int:
            return 2 * x

        @flow
        def many() -> Any:
            return double.map(range(50))

        many()
        s3.asked()
        many()
        asked = s3.asked()
        assert len([request for request in asked if "list-type=2" in request]) == lists, asked
        assert len(asked) == lists + 50
        assert tmp_target.runs == {"double": 50}

    def test_what_the_run_itself_makes_and_deletes_is_seen(
        self, store: Filestore, tmp_target: Targets
    ) -> None:
        @task(store=store, target="out/{x}")
        def double(x: int) -> int:
            return 2 * x

        @flow
        def again() -> list[int]:
            first = load([double(1), double(1)])
            double.item(1).delete()
            assert not double.item(1).exists()
            return [*first, load(double(1))]

        assert load(again()) == [2, 2, 2]
        assert tmp_target.runs == {"double": 2}

    def test_an_item_is_read_on_s3_together_with_who_has_made_it(
        self, on_s3: Filestore, s3: S3Server
    ) -> None:
        @task(store=on_s3, target="out/constant")
        def double(x: int) -> int:
            return 2 * x

        @flow
        def one(x: int) -> Any:
            return double(x)

        item = one(1)
        s3.asked()
        assert load(item) == 2
        asked = s3.asked()
        assert len(asked) == 1, asked
        item.delete()
        one(2)
        with pytest.raises(TargetReplaced, match=r"by another call: .*x=2"):
            load(item)

    def test_outside_of_a_run_each_question_is_asked_anew(self, store: Filestore) -> None:
        assert not store.exists("a")
        Filestore(store.root, storage_options=store._options).save("a", 1)
        assert store.exists("a")

    def test_a_new_run_lists_anew(self, store: Filestore) -> None:
        @flow
        def look() -> bool:
            return store.exists("out/a")

        assert look() is False
        store.save("out/a", 1)
        assert look() is True
        store.delete("out/a")
        assert look() is False

    def test_a_target_that_another_deletes_meanwhile_is_missing_with_advice_or_made_again(
        self, store: Filestore, tmp_target: Targets
    ) -> None:
        @task(store=store, target="out/{x}")
        def double(x: int) -> int:
            return 2 * x

        @flow
        def late() -> int:
            double(1)
            fsspec.get_mapper(store.root, **store._options).clear()
            return load(double(1))

        if store.root.startswith("s3:"):
            # Each file is asked who made it.
            assert late() == 2
            assert tmp_target.runs == {"double": 2}
            return
        with pytest.raises(TargetMissing, match="call its task again"):
            late()


def test_a_flow_gives_the_same_in_every_mode(
    prefectx_mode: str, in_memory: Filestore, tmp_target: Targets
) -> None:
    @task(store=in_memory)
    def double(x: int) -> int:
        return 2 * x

    @task(store=in_memory, target="sums/{base}.json")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @flow
    def both() -> int:
        return total(double.map([1, 2, 3]))

    for _ in range(2):
        assert load(both()) == 12
    keeps = prefectx_mode not in {"function", "prefect"}
    assert tmp_target.runs == {"double": 3 if keeps else 6, "total": 1 if keeps else 2}


@pytest.mark.prefectx("prefect.skip", "prefect.cache")
def test_what_one_mode_has_put_on_s3_another_finds(on_s3: Filestore, tmp_target: Targets) -> None:
    @task(store=on_s3)
    def double(x: int) -> int:
        return 2 * x

    @flow
    def mapped() -> Any:
        return double.map([1, 2, 3])

    assert load(mapped()) == [2, 4, 6]
    with use_mode("cache"):
        assert load(mapped()) == [2, 4, 6]
    assert tmp_target.runs == {"double": 3}


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("s3://bucket", "s3fs", "prefectx[s3]"), ("memory://a", "fsspec", "prefectx[remote]")],
)
def test_a_missing_package_is_named(url: str, package: str, extra: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from prefectx.errors import MissingExtra
from prefectx.stores import Filestore
try:
    Filestore({url!r}).exists("a")
except MissingExtra as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f'pip install "{extra}"' in done.stdout
    assert issubclass(MissingExtra, ImportError)


def test_a_protocol_that_nobody_knows_is_told() -> None:
    with pytest.raises(UnsupportedValue, match=r"fsspec does not take this URL: .*nonesuch"):
        Filestore("nonesuch://a").exists("a")
