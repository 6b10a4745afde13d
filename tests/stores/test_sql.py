"""`SQLStore` on SQLite and on a real PostgreSQL; `MemoryStore`."""

from __future__ import annotations

import contextvars
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sql
from patience import PATIENCE
from processes import outputs_of, running

from prefectx import flow, load, task, use_mode
from prefectx.errors import (
    CorruptTarget,
    MissingExtra,
    PrefectxError,
    StoreUnreachable,
    TargetMissing,
    UnsupportedValue,
)
from prefectx.records import record_of
from prefectx.stores import MemoryStore, SQLStore, Store
from prefectx.stores.locks.waiting import Pauses
from pytest_prefectx import StoreContract, Targets

if TYPE_CHECKING:
    from collections.abc import Callable

TOOL = Path(__file__).resolve().parents[2] / "tools" / "postgresql.sh"


class TestSQLiteContract(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return SQLStore(f"sqlite:///{tmp_path}/a.db")

    @pytest.fixture
    def other_store(self, tmp_path: Path) -> Store:
        return SQLStore(f"sqlite:///{tmp_path}/b.db")


class TestPostgreSQLContract(StoreContract):
    @pytest.fixture
    def store(self, postgresql: SQLStore) -> Store:
        return postgresql


class TestMemoryContract(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    @pytest.fixture
    def other_store(self) -> Store:
        return MemoryStore()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_target: Targets) -> SQLStore:
    """A store on each database, in a fresh folder."""
    if request.param == "sqlite":
        return SQLStore()
    found: SQLStore = request.getfixturevalue("postgresql")
    return found


def made_of(store: SQLStore) -> str:
    """Return the code that makes the store in another process."""
    url = store._database.url_in_full()
    return f"store = SQLStore({url!r}, table={store.table!r})"


START = "import sys\nfrom prefectx import task\nfrom prefectx.stores import SQLStore\n"


@pytest.mark.prefectx("cache")
class TestProcesses:
    def test_eight_that_save_the_same_hundred_targets_tear_and_lose_nothing(
        self, store: SQLStore
    ) -> None:
        code = f"""{START}{made_of(store)}
sys.stdin.readline()
for number in range(100):
    store.save(f"out/{{number}}", [number, sys.argv[1]] * 1_000)
    assert store.load(f"out/{{number}}")[0] == number
    if number % 10 == 0:
        store.save(f"out/own/{{sys.argv[1]}}/{{number}}", number)
"""
        outputs_of(code, range(8))
        for number in range(100):
            value = store.load(f"out/{number}")
            assert value in [[number, str(n)] * 1_000 for n in range(8)]
        assert len(list(store.list("out/own/"))) == 80

    def test_of_eight_with_once_exactly_one_makes_each_target(self, store: SQLStore) -> None:
        code = f"""{START}{made_of(store)}
@task(target="out/{{number}}", store=store, once=True)
def square(number):
    with open("made", "a") as file:
        file.write(f"{{number}}\\n")
    return number * number

sys.stdin.readline()
for number in range(20):
    assert square(number).load() == number * number
"""
        outputs_of(code, range(8))
        assert sorted(map(int, Path("made").read_text().split())) == list(range(20))

    def test_one_that_is_killed_while_it_saves_leaves_the_old_value(self, store: SQLStore) -> None:
        store.save("a", "old")
        code = f"""{START}{made_of(store)}
import os, signal
from sqlalchemy import event
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "commit")
def die(connection):
    os.kill(os.getpid(), signal.SIGKILL)

store._database.engine(store._rows)
store.save("a", "new")
"""
        with running(code) as process:
            process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL
        assert store.load("a") == "old"
        store.save("a", "newer")
        assert store.load("a") == "newer"

    def test_a_fork_has_connections_of_its_own(self, store: SQLStore) -> None:
        store.save("a", "of the parent")
        child = os.fork()
        if not child:
            try:
                store.save("b", store.load("a") + " and the child")
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert store.load("b") == "of the parent and the child"

    @pytest.mark.filterwarnings("ignore::prefectx.errors.StaleTarget")
    def test_a_waiter_takes_over_when_the_holder_is_killed(
        self, store: SQLStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting = threading.Event()
        pause = Pauses.pause

        def noted(self: Pauses, holder: Callable[[], str]) -> None:
            waiting.set()
            pause(self, holder)

        monkeypatch.setattr(Pauses, "pause", noted)
        code = f"""{START}{made_of(store)}
with store.lock("a"):
    print("held", flush=True)
    sys.stdin.readline()
"""
        got: list[str] = []

        def take() -> None:
            with store.lock("a"):
                got.append("taken")

        waiter = threading.Thread(target=take)
        with running(code) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            waiter.start()
            assert waiting.wait(60)
            assert got == []
            process.send_signal(signal.SIGKILL)
            waiter.join(60)
        assert got == ["taken"]

    def test_different_targets_do_not_wait_for_each_other(self, store: SQLStore) -> None:
        with store.lock("a"), store.lock("b"):
            store.save("a", 1)
        assert store.load("a") == 1


@pytest.mark.prefectx("cache")
class TestValues:
    def test_a_hundred_megabytes_are_kept(self, store: SQLStore) -> None:
        value = os.urandom(1 << 20) * 100
        store.save("a.bytes", value)
        assert store.load("a.bytes") == value

    def test_more_than_the_database_takes_is_refused(
        self, store: SQLStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("prefectx.stores.sql._LARGEST", 1_000)
        with pytest.raises(
            UnsupportedValue, match=r"'a.bytes' has 1,001 bytes, more than SQLStore"
        ):
            store.save("a.bytes", bytes(1_001))
        assert not store.exists("a.bytes")

    def test_the_suffix_picks_the_format(self, store: SQLStore) -> None:
        store.save("a.json", {"b": [1]})
        assert store.content("a.json") == b'{"b": [1]}'
        with pytest.raises(UnsupportedValue, match="JSON would change") as caught:
            store.save("a.json", (1,))
        assert caught.value.__notes__ == ["Target 'a.json' was not written."]
        assert store.load("a.json") == {"b": [1]}

    def test_what_cannot_be_read_is_corrupt_and_says_how_to_remove_it(
        self, store: SQLStore
    ) -> None:
        store.save("a", [1])
        store.replace_content("a", b"nonsense")
        with pytest.raises(CorruptTarget, match=r"Remove it, .*: item\('a', SQLStore\("):
            store.load("a")

    def test_names_that_look_alike_are_kept_apart(self, store: SQLStore) -> None:
        names = ["a_b", "a%b", "aXb", "a_B", "A_b", "a\\b", "ä", "a\u0308", "a'b", 'a"b', "a b "]
        for number, name in enumerate(names):
            store.save(name, number)
        assert [store.load(name) for name in names] == list(range(len(names)))
        assert list(store.list()) == sorted(names)
        assert list(store.list("a_")) == ["a_B", "a_b"]
        assert list(store.list("A")) == ["A_b"]
        store.delete("a_b")
        assert list(store.list("a_")) == ["a_B"]

    def test_tables_of_one_database_are_apart(self, store: SQLStore) -> None:
        url = store._database.url_in_full()
        other = SQLStore(url, table=store.table + "_other")
        store.save("a", 1)
        assert not other.exists("a")
        assert store != other
        assert store.path("a") != other.path("a")


class TestSQLite:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_target: Targets) -> Path:
        return tmp_target.path

    def test_looking_makes_no_file(self, folder: Path) -> None:
        store = SQLStore("sqlite:///deep/er/a.db")
        assert not store.exists("a")
        assert list(store.list()) == []
        assert store.load_record("a") is None
        store.delete("a")
        with pytest.raises(TargetMissing, match="call its task again"):
            store.load("a")
        assert list(folder.iterdir()) == []
        store.save("a", 1)
        assert [path.name for path in folder.rglob("*") if path.is_file()] == ["a.db"]

    def test_a_pickled_store_finds_its_file_from_another_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = SQLStore()
        store.save("a", 1)
        copy = pickle.loads(pickle.dumps(store))
        monkeypatch.chdir(tmp_path)
        assert copy.load("a") == 1
        assert (copy.label(), repr(copy)) == ("sqlite:///targets.db", copy.__repr__())
        assert not SQLStore().exists("a")

    def test_two_tables_have_two_labels(self) -> None:
        labels = [SQLStore().label(), SQLStore(table="others").label()]
        assert labels == ["sqlite:///targets.db", "sqlite:///targets.db#others"]
        assert pickle.loads(pickle.dumps(SQLStore(table="others"))).label() == labels[1]

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
    def test_a_database_in_memory_is_refused(self, url: str) -> None:
        with pytest.raises(UnsupportedValue, match=r"use MemoryStore\(\)"):
            SQLStore(url)

    def test_a_folder_that_may_not_be_used_is_unreachable(self, folder: Path) -> None:
        (folder / "targets.db").mkdir()
        with pytest.raises(StoreUnreachable, match="unable to open database file"):
            SQLStore().exists("a")

    def test_other_databases_have_no_locks(self) -> None:
        store = SQLStore("mysql+pymysql://user@host/name")
        with pytest.raises(UnsupportedValue, match="has no locks"):
            store.lock("a")


def test_a_flow_gives_the_same_in_every_mode(prefectx_mode: str, tmp_target: Targets) -> None:
    store = SQLStore()

    @task(store=store)
    def double(x: int) -> int:
        return 2 * x

    @task(store=store, target="sums/{base}.json")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @flow
    def both() -> int:
        return total(double.map([1, 2, 3]))

    for _ in range(2):
        assert load(both()) == 12
    keeps = prefectx_mode not in {"function", "prefect"}
    assert tmp_target.runs == {"double": 3 if keeps else 6, "total": 1 if keeps else 2}
    assert len(list(store.list())) == (4 if keeps else 0)
    if keeps:
        found = record_of(double.item(1))
        assert found is not None
        assert found.task.endswith("double")


def test_a_flow_on_memory_gives_the_same_in_every_mode(
    prefectx_mode: str, tmp_target: Targets
) -> None:
    @task(store=MemoryStore)
    def double(x: int) -> int:
        return 2 * x

    @flow
    def mapped() -> Any:
        return double.map([1, 2, 3])

    for _ in range(2):
        assert load(mapped()) == [2, 4, 6]
    keeps = prefectx_mode not in {"function", "prefect"}
    assert tmp_target.runs == {"double": 3 if keeps else 6}
    assert tmp_target.items() == []


@pytest.mark.prefectx("cache")
class TestMemory:
    def test_another_process_is_refused(self) -> None:
        store = MemoryStore()
        store.save("a", 1)
        assert pickle.loads(pickle.dumps(store)) is store
        child = os.fork()
        if not child:
            refused = 0
            try:
                store.save("a", 2)
            except UnsupportedValue:
                refused = 1
            os._exit(refused)
        assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 1
        assert store.load("a") == 1

    def test_once_holds_among_threads(self, tmp_target: Targets) -> None:
        @task(store=MemoryStore(), once=True)
        def double(x: int) -> int:
            return 2 * x

        threads = [threading.Thread(target=double, args=(4,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tmp_target.runs == {"double": 1}


SECRET = "very-secret"  # noqa: S105 - of nobody
AWAY = f"postgresql+psycopg://user:{SECRET}@127.0.0.1:9/name"


@pytest.mark.prefectx("cache")
class TestPostgreSQLAway:
    def test_the_error_says_what_to_do_and_no_password(self) -> None:
        store = SQLStore(AWAY)
        for ask in (store.exists, store.load, store.delete, store.digest, store.load_record):
            with pytest.raises(
                StoreUnreachable, match="did not answer for target 'out/a'"
            ) as caught:
                ask("out/a")
            assert "See that the database runs" in str(caught.value)
        with pytest.raises(StoreUnreachable):
            store.save("out/a", 1)
        with pytest.raises(StoreUnreachable), store.lock("out/a"):
            pass
        assert issubclass(StoreUnreachable, PrefectxError)
        assert issubclass(StoreUnreachable, ConnectionError)

    def test_the_password_is_nowhere_to_be_seen(self) -> None:
        store = SQLStore(AWAY)
        for text in (repr(store), str(store), store.label(), store.path("a")):
            assert "user:***@127.0.0.1" in text
            assert SECRET not in text
        code = f"""
from prefectx import load, task
from prefectx.stores import SQLStore
@task(store=SQLStore({AWAY!r}))
def make():
    return 1
make()
"""
        with running(code) as process:
            _, errors = process.communicate(timeout=PATIENCE)
        assert "StoreUnreachable" in errors
        assert SECRET not in errors

    def test_a_wrong_password_is_told(self, postgresql_url: str) -> None:
        head, _, tail = postgresql_url.partition("@")
        wrong = f"{head.rpartition(':')[0]}:wrong@{tail}"
        with pytest.raises(StoreUnreachable, match="password authentication failed"):
            SQLStore(wrong).exists("a")

    @pytest.mark.usefixtures("postgresql_url")
    def test_after_a_restart_of_the_server_the_same_store_works_again(self) -> None:
        # Not below pytest's folders, which each session of pytest closes to other users: where root
        # runs the tests, the server is another user.
        with TemporaryDirectory() as folder:

            def tool(command: str) -> str:
                done = subprocess.run(
                    [TOOL, command, folder], stdout=subprocess.PIPE, text=True, check=True
                )
                return done.stdout.strip()

            store = SQLStore(tool("start"))
            try:
                store.save("a", 1)
                tool("restart")
                assert store.load("a") == 1
                tool("stop")
                with pytest.raises(StoreUnreachable):
                    store.load("a")
                tool("start")
                assert store.load("a") == 1
                store.save("b", 2)
            finally:
                tool("stop")


class TestLooking:
    """How often a database is asked whether outputs are there."""

    @staticmethod
    def queries(store: SQLStore) -> list[str]:
        """Return a list to which each query is added from now on."""
        asked: list[str] = []

        def note(*event: Any) -> None:
            asked.append(event[2])

        used = store.anchored(str(Path.cwd()))
        sql.event.listen(used._database.engine(used._rows), "before_cursor_execute", note)
        return asked

    def test_a_thousand_calls_of_a_map_that_are_done_take_three_queries(
        self, store: SQLStore
    ) -> None:
        @task(store=store, target="doubled/{x}")
        def double(x: int) -> int:
            return 2 * x

        @flow
        def run() -> Any:
            return double.map(range(1000))

        for number in range(1000):
            store.save(f"doubled/{number}", 2 * number)
        asked = self.queries(store)
        with use_mode("cache"):
            futures = run()
        # One lists the targets, one reads two records, one the other 998. Of each further thousand
        # there is one more.
        assert len(asked) == 3, asked[:3]
        assert load(futures[999]) == 1998

    def test_within_a_run_what_another_process_saves_is_seen(self, store: SQLStore) -> None:
        other = pickle.loads(pickle.dumps(store))

        @flow
        def run() -> list[bool]:
            before = store.exists("a/1")
            context = contextvars.Context()
            context.run(other.save, "a/1", 1)
            return [before, store.exists("a/1")]

        with use_mode("cache"):
            assert run() == [False, True]

    def test_within_a_run_what_is_deleted_is_gone(self, store: SQLStore) -> None:
        @flow
        def run() -> list[bool]:
            before = store.exists("a/1")
            store.delete("a/1")
            return [before, store.exists("a/1")]

        store.save("a/1", 1)
        with use_mode("cache"):
            assert run() == [True, False]

    def test_a_file_that_is_moved_away_is_not_asked_any_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        store = SQLStore("sqlite:///targets.db")
        store.save("a", 1)
        assert store.exists("a")
        Path("targets.db").rename("elsewhere.db")
        assert not store.exists("a")
        assert SQLStore("sqlite:///elsewhere.db").load("a") == 1
        store.save("b", 2)
        assert [store.exists(name) for name in "ab"] == [False, True]
        Path("elsewhere.db").replace("targets.db")
        assert [store.exists(name) for name in "ab"] == [True, False]

    def test_looking_from_many_threads_holds_nobody_up(self, store: SQLStore) -> None:
        store.save("a", 1)
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(store.exists, ["a"] * 80))
        store.save("a", 2)
        assert store.load("a") == 2


def test_stores_import_sqlalchemy_when_it_is_used() -> None:
    code = """
import sys
import prefectx.stores
prefectx.stores.Filestore
prefectx.stores.MemoryStore
print("sqlalchemy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_sqlalchemy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prefectx.stores.sql", "prefectx.stores.sql_engine"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtra, match=r'pip install "prefectx\[sql\]"'):
        _ = __import__("prefectx.stores", fromlist=["SQLStore"]).SQLStore


def test_a_store_that_was_put_below_a_folder_stays_there(tmp_path: Path) -> None:
    store = SQLStore("sqlite:///targets.db")
    one, other = (store.anchored(str(tmp_path / name)) for name in ("one", "other"))
    assert one.path("a") != other.path("a")
    assert other.anchored(str(tmp_path / "one")).path("a") == other.path("a")
