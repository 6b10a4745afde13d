"""`Database`: how a process talks to SQLite or PostgreSQL."""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from prefectx.errors import UnsupportedValue
from prefectx.stores.locks.file_lock import lock_of, locked_file
from prefectx.stores.locks.waiting import Pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

_INSERTS: Final[Mapping[str, Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
# The seconds that a writer waits for the others.
_PATIENCE: Final = 120


# The process, the database, and which file it is.
_Key: TypeAlias = "tuple[int, str, tuple[int, int] | None]"


class Database:
    """A database by its URL; it is talked to when something is asked of it.

    Args:
        url: As SQLAlchemy writes it.

    Raises:
        UnsupportedValue: It is an SQLite database in memory.
    """

    def __init__(self, url: str) -> None:
        self._url: Final = sql.make_url(url)
        self._kind: Final = self._url.get_backend_name()
        if self._kind == "sqlite" and self._url.database in {None, "", ":memory:"}:
            msg = f"SQLStore({url!r}) would be in memory, one for each thread: use MemoryStore()"
            raise UnsupportedValue(msg)
        self.shown: Final = self._url.render_as_string(hide_password=True)
        self._engines: Final[dict[_Key, sql.Engine]] = {}
        self._readers: Final = threading.local()

    @property
    def is_file(self) -> bool:
        """True if the database is a file that this process opens itself."""
        return self._kind == "sqlite"

    def url_in_full(self) -> str:
        """Return the URL, with the password and with the full path of a file."""
        return self._in_full().render_as_string(hide_password=False)

    def shown_in_full(self) -> str:
        """Return the URL without the password, with the full path of a file."""
        return self._in_full().render_as_string(hide_password=True)

    @property
    def is_relative(self) -> bool:
        """True for SQLite with a file whose path is relative."""
        path = self._url.database
        return self._kind == "sqlite" and path is not None and not os.path.isabs(path)

    def anchored(self, folder: str) -> Database:
        """Return this database with SQLite's file, whose path is relative, below a folder."""
        path = os.path.normpath(os.path.join(folder, self._url.database or ""))
        return Database(self._url.set(database=path).render_as_string(hide_password=False))

    def is_there(self) -> bool:
        """Tell whether there is something to read from: SQLite's file may not be made yet."""
        path = self._file()
        return path is None or os.path.exists(path)

    def engine(self, table: sql.Table) -> sql.Engine:
        """Return this process's engine, after making the table if it is not there."""
        key = self._key()
        if key not in self._engines:
            engine = self._new_engine()
            _make(table, engine)
            # The file is there now.
            key = self._key()
            self._forget_others(key)
            self._engines.setdefault(key, engine)
        return self._engines[key]

    def ask(self, table: sql.Table, asked: sql.Select[Any], target: str) -> list[str] | None:
        """Return at little cost the texts that a query for a target finds; None if it cannot.

        Each thread keeps a connection to an SQLite file for it. Other databases are asked by what
        SQLAlchemy does for each query, which takes as long as the way there and back.
        """
        if self._kind != "sqlite":
            return None
        if not self.is_there():
            return []
        try:
            reader: _Reader | None = getattr(self._readers, "here", None)
            if reader is None or reader.key != (self._key(), table.name):
                engine = self.engine(table)
                reader = _Reader((self._key(), table.name), engine, asked)
                self._readers.here = reader
            return reader.found(target)
        except Exception:  # noqa: BLE001 - those who ask the long way are told what it is
            return None

    def upsert(
        self, connection: sql.Connection, table: sql.Table, target: str, values: Mapping[str, Any]
    ) -> None:
        """Write the values to the row of a target, which is made if it is not there."""
        if self._kind in _INSERTS:
            insert = _INSERTS[self._kind](table).values(target=target, **values)
            connection.execute(
                insert.on_conflict_do_update(index_elements=["target"], set_=dict(values))
            )
            return
        row = table.c.target == target
        if connection.execute(sql.update(table).where(row).values(**values)).rowcount == 0:
            connection.execute(sql.insert(table).values(target=target, **values))

    def lock(self, name: str, what: str) -> AbstractContextManager[None] | None:
        """Return a lock for all processes that use the database; None if it has none.

        Args:
            name: What is held.
            what: What it is called in the log.
        """
        if (path := self._file()) is not None:
            folder, file = lock_of(f"{os.path.basename(path)}/{name}")
            return locked_file(os.path.join(os.path.dirname(path), folder), file, what)
        return self._advisory_lock(name, what) if self._kind == "postgresql" else None

    @contextmanager
    def _advisory_lock(self, name: str, what: str) -> Generator[None]:
        key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
        pauses = Pauses(what)
        # A connection of its own, with whose end the server lets go of the lock.
        engine = sql.create_engine(self._url, poolclass=NullPool, hide_parameters=True)
        with engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            while not connection.scalar(sql.select(sql.func.pg_try_advisory_lock(key))):
                pauses.pause(lambda: "another process")
            yield

    def _key(self) -> _Key:
        # A fork must not use its parent's connections, nor another folder's file, nor one that was
        # moved away or replaced.
        path = self._file()
        if path is None:
            return os.getpid(), self.shown, None
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return os.getpid(), path, None
        return os.getpid(), path, (status.st_dev, status.st_ino)

    def _forget_others(self, key: _Key) -> None:
        """Close what is open of a file that is another by now."""
        for other in [other for other in self._engines if other[:2] == key[:2] and other != key]:
            self._engines.pop(other).dispose()

    def _new_engine(self) -> sql.Engine:
        if (path := self._file()) is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            engine = sql.create_engine(
                self._in_full(),
                poolclass=QueuePool,
                # A thread that waits for a writer must not keep the others from connecting.
                max_overflow=-1,
                connect_args={"timeout": _PATIENCE, "check_same_thread": False},
                hide_parameters=True,
            )
        else:
            engine = sql.create_engine(self._url, pool_pre_ping=True, hide_parameters=True)
        weakref.finalize(self, _close, engine.dispose, os.getpid())
        return engine

    def _file(self) -> str | None:
        return self._in_full().database if self._kind == "sqlite" else None

    def _in_full(self) -> sql.URL:
        if self._kind != "sqlite" or self._url.database is None:
            return self._url
        return self._url.set(database=os.path.abspath(self._url.database))


class _Reader:
    """A connection of one thread, and a query that it has ready."""

    def __init__(self, key: Any, engine: sql.Engine, asked: sql.Select[Any]) -> None:
        self.key = key
        connection = engine.raw_connection()
        # Not the pool's any more, which would keep it open when this thread has ended.
        connection.detach()
        self._cursor = connection.cursor()
        weakref.finalize(self, _close, connection.close, os.getpid())
        self._text = str(asked.compile(dialect=engine.dialect))

    def found(self, target: str) -> list[str]:
        self._cursor.execute(self._text, (target,))
        # Read to the end, or the file would stay locked for those who write.
        return [text for (text,) in self._cursor.fetchall()]


def _make(table: sql.Table, engine: sql.Engine) -> None:
    try:
        table.create(engine, checkfirst=True)
    except DBAPIError:
        # Another process may have made it at the same time.
        if not sql.inspect(engine).has_table(table.name):
            raise


def _close(close: Callable[[], object], process: int) -> None:
    # The connections of a fork's parent are the parent's to close.
    if os.getpid() == process:
        close()
