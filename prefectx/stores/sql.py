"""`SQLStore`: outputs as rows of a table, in SQLite or PostgreSQL."""

from __future__ import annotations

import datetime
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from prefectx.errors import MissingExtra, StoreUnreachable, UnsupportedValue

try:
    import sqlalchemy as sql
except ModuleNotFoundError as error:
    if error.name != "sqlalchemy":
        raise
    message = 'SQLStore needs SQLAlchemy: pip install "prefectx[sql]", or "prefectx[postgresql]"'
    raise MissingExtra(message) from error

from sqlalchemy.exc import InterfaceError, OperationalError

from prefectx.stores.base import Store
from prefectx.stores.folders.listing import listings
from prefectx.stores.messages import decoded, encoded, missing
from prefectx.stores.mixins import RelativeRoot
from prefectx.stores.record import mark_of, parsed
from prefectx.stores.sql_engine import Database
from prefectx.stores.versions import read_finished

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from prefectx.stores.record import Record

# A little less than what SQLite and PostgreSQL take.
_LARGEST: Final = 1_000_000_000

# A record has about 1 kB, so that many take some milliseconds: less than a second question.
_AHEAD: Final = 1000
# That many do versions take that are older than 3.32.
_PARAMETERS_OF_SQLITE: Final = 999


# Advice about an SQLite file, by the words of SQLite's error.
_ADVICE: Final = {
    "full": "Make room on its disk",
    "disk I/O": "Make room on its disk, and see that it is sound",
    "readonly": "Let this user write to the file and to its folder",
    "locked": "Wait for the other process that writes to it, or end that",
}
_FILE: Final = "See that its folder is there and that this user may write to it"


class SQLStore(RelativeRoot, Store):
    """Stores each output in a row of a table: its target, its bytes, its record.

    The bytes are those that a `Filestore` would write: the target's suffix picks the format. Each
    save is one transaction, so an output appears whole or not at all.

    Args:
        url: Where the database is, as SQLAlchemy writes it: `"sqlite:///targets.db"`, a file that
            is made when something is saved, or `"postgresql+psycopg://user:password@host/name"`.
        table: The table's name; it is made if it is not there.

    Raises:
        UnsupportedValue: The URL is that of an SQLite database in memory.

    Example:
        >>> store = SQLStore("sqlite:///results.db")
        >>> store.save("sizes/a.json", [1, 2])
        >>> store.load("sizes/a.json"), list(store.list())
        ([1, 2], ['sizes/a.json'])
    """

    __module__ = "prefectx.stores"

    def __init__(self, url: str = "sqlite:///targets.db", *, table: str = "targets") -> None:
        self._database = Database(url)
        self.table: Final = table
        self._label = self._database.shown
        self._rows: Final = sql.Table(
            table,
            sql.MetaData(),
            sql.Column("target", sql.Text, primary_key=True),
            # Null where there is a record alone.
            sql.Column("value", sql.LargeBinary),
            sql.Column("record", sql.Text),
            sql.Column("saved", sql.DateTime(timezone=True)),
        )
        self._looked_for: Final[sql.Select[Any]] = sql.select(
            sql.func.coalesce(self._rows.c.record, sql.literal_column("''"))
        ).where(
            self._rows.c.target == sql.bindparam("target", type_=sql.Text()),
            self._rows.c.value.is_not(None),
        )

    def exists(self, target: str) -> bool:
        """Tell whether the output is there, without reading it: within a run, mostly by a listing.

        Raises:
            StoreUnreachable: The database is away.
        """
        known = listings.get()
        if known is not None and known.has(self._root_name(), target, self._names_in):
            return True
        # Another process may have made it since.
        return self._recorded(target) is not None

    def look(self, target: str) -> str | None:
        """Return the mark of the task that made an output: within a run, with those next to it.

        Raises:
            StoreUnreachable: The database is away.
        """
        known, root = listings.get(), self._root_name()
        if known is not None and known.has(root, target, self._names_in):
            mark = known.mark(root, target, self._names_in, self._marks_of, _AHEAD)
            if mark is not None:
                return mark
        # Another process may have made it since, or deleted it.
        record = self._recorded(target)
        return None if record is None else mark_of(record)

    def _recorded(self, target: str) -> str | None:
        """Return the record of an output, "" if it has none, None if the output is not there."""
        found = self._database.ask(self._rows, self._looked_for, target)
        if found is not None:
            return found[0] if found else None
        record: str | None = self._one(target, sql.func.coalesce(self._rows.c.record, ""))
        return record

    def _marks_of(self, targets: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        most = _PARAMETERS_OF_SQLITE if self._database.is_file else len(targets)
        with self._connected(targets[0]) as connection:
            if connection is None:
                return found
            for start in range(0, len(targets), most):
                asked = sql.select(self._rows.c.target, self._rows.c.record).where(
                    self._rows.c.target.in_(targets[start : start + most]),
                    self._rows.c.value.is_not(None),
                )
                rows = connection.execute(asked).all()
                found.update((target, mark_of(record or "")) for target, record in rows)
        return found

    def load(self, target: str) -> Any:
        """Return the output.

        Raises:
            TargetMissing: It is not there.
            CorruptTarget: It cannot be read in its format.
            StoreUnreachable: The database is away.
        """
        return decoded(self, target, self.content(target))

    def load_version(self, target: str, version: str) -> Any:
        """Return the output if the call that made it has this version, read in one step.

        Raises:
            TargetMissing: It is not there.
            CorruptTarget: It cannot be read in its format.
            StoreUnreachable: The database is away.
            TargetReplaced: Another call, or other code, has made the target.
        """
        content = read_finished(self, target, version, lambda: self._content_and_record(target))
        return decoded(self, target, content)

    def _content_and_record(self, target: str) -> tuple[bytes, Record | None]:
        """Return what is stored for a target and its record, as they were at one moment."""
        asked = sql.select(self._rows.c.value, self._rows.c.record).where(
            self._rows.c.target == target, self._rows.c.value.is_not(None)
        )
        with self._connected(target) as connection:
            found = None if connection is None else connection.execute(asked).first()
        if found is None:
            raise missing(self, target)
        return bytes(found.value), parsed(found.record or "")

    def save(self, target: str, value: Any) -> None:
        """Save the output, in one transaction.

        Raises:
            UnsupportedValue: The format would change the value, or it is larger than 1 GB.
            StoreUnreachable: The database is away.
        """
        self.replace_content(target, encoded(target, value))

    def content(self, target: str) -> bytes:
        """Return the bytes that are stored for a target; raise `TargetMissing`."""
        content = self._one(target, self._rows.c.value)
        if content is None:
            raise missing(self, target)
        return bytes(content)

    def save_recorded(self, target: str, value: Any, record: str) -> None:
        """Save the output and its record, in one transaction.

        Raises:
            UnsupportedValue: The format would change the value, or it is larger than 1 GB.
            StoreUnreachable: The database is away.
        """
        self._put_content(target, encoded(target, value), record=record)

    def replace_content(self, target: str, content: bytes) -> None:
        """Save these bytes for a target, as they are."""
        self._put_content(target, content)

    def _put_content(self, target: str, content: bytes, **record: str) -> None:
        if len(content) > _LARGEST:
            msg = (
                f"the output for target {target!r} has {len(content):,} bytes, more than"
                f" {self!r} can keep; use a Filestore for it"
            )
            raise UnsupportedValue(msg)
        self._put(target, value=content, saved=datetime.datetime.now(datetime.UTC), **record)
        self._update_listing(target, is_there=True)

    def delete(self, target: str) -> None:
        """Remove the output and its record."""
        with self._connected(target) as connection:
            if connection is not None:
                connection.execute(sql.delete(self._rows).where(self._rows.c.target == target))
        self._update_listing(target, is_there=False)

    def list(self, prefix: str = "") -> Iterable[str]:
        """Give the targets that start with `prefix`, sorted."""
        return sorted(self._names(prefix))

    def _names(self, prefix: str, *conditions: sql.ColumnElement[bool]) -> Sequence[str]:
        name = self._rows.c.target
        found = name.startswith(prefix, autoescape=True)
        asked = sql.select(name).where(self._rows.c.value.is_not(None), found, *conditions)
        with self._connected(prefix) as connection:
            names: Sequence[str] = () if connection is None else connection.scalars(asked).all()
        # To some databases, capitals are no other letters.
        return [name for name in names if name.startswith(prefix)]

    def _names_in(self, folder: str, *, deep: bool) -> Sequence[str]:
        prefix = f"{folder}/" if folder else ""
        if deep:
            return self._names(prefix)
        rest = sql.func.substr(self._rows.c.target, len(prefix) + 1)
        return self._names(prefix, sql.not_(rest.contains("/")))

    def _root_name(self) -> str:
        return f"{self._database.shown_in_full()}#{self.table}"

    def _update_listing(self, target: str, *, is_there: bool) -> None:
        if (known := listings.get()) is not None:
            known.update(self._root_name(), target, is_there=is_there)

    def digest(self, target: str) -> bytes:
        """Return a hash of the bytes that are stored."""
        return hashlib.blake2b(self.content(target), digest_size=16).digest()

    def lock(self, target: str) -> AbstractContextManager[None]:
        """Hold the target alone: by PostgreSQL, or where SQLite is, by a lock of the kernel's.

        Raises:
            UnsupportedValue: The database is another one.
        """
        name = f"{self.table}/{target}"
        lock = self._database.lock(name, repr(target))
        return super().lock(target) if lock is None else self._reaching(target, lock)

    def path(self, target: str) -> str:
        """Return the database, without its password, the table and the target."""
        return f"{self._root_name()}/{target}"

    def label(self) -> str:
        """Return the database as it was given, without its password, and a table of its own."""
        return self._label if self.table == "targets" else f"{self._label}#{self.table}"

    def load_record(self, target: str) -> str | None:
        """Return the record beside the output."""
        asked = sql.select(self._rows.c.record).where(self._rows.c.target == target)
        with self._connected(target) as connection:
            record: str | None = None if connection is None else connection.scalar(asked)
        return record

    def save_record(self, target: str, record: str) -> None:
        """Save the record beside the output."""
        self._put(target, record=record)
        if (known := listings.get()) is not None:
            known.forget_mark(self._root_name(), target)

    def _one(self, target: str, column: sql.ColumnElement[Any]) -> Any:
        asked = sql.select(column).where(
            self._rows.c.target == target, self._rows.c.value.is_not(None)
        )
        with self._connected(target) as connection:
            return None if connection is None else connection.scalar(asked)

    def _put(self, target: str, **values: Any) -> None:
        with self._connected(target, writes=True) as connection:
            if connection is not None:
                self._database.upsert(connection, self._rows, target, values)

    @contextmanager
    def _connected(self, target: str, *, writes: bool = False) -> Generator[sql.Connection | None]:
        """Give a connection in a transaction; None if there is no database yet to read from."""
        with self._reaching(target):
            if not (writes or self._database.is_there()):
                yield None
                return
            with self._database.engine(self._rows).begin() as connection:
                yield connection

    @contextmanager
    def _reaching(
        self, target: str, inner: AbstractContextManager[None] | None = None
    ) -> Generator[None]:
        try:
            if inner is None:
                yield
                return
            inner.__enter__()
        except StoreUnreachable:
            raise
        except (OperationalError, InterfaceError, OSError) as error:
            # The last of them: SQLite's folder cannot be made, or its lock.
            raise self._unreachable(target, error) from error
        try:
            yield
        finally:
            inner.__exit__(None, None, None)

    def _unreachable(
        self, target: str, error: OperationalError | InterfaceError | OSError
    ) -> Exception:
        why = str(error if isinstance(error, OSError) else error.orig).strip()
        advice = "See that the database runs and takes this user and password"
        if self._database.is_file:
            advice = next((text for word, text in _ADVICE.items() if word in why), _FILE)
        msg = (
            f"{self!r} did not answer for target {target!r}: {why}. {advice}, then run again: what"
            " was saved is kept."
        )
        return StoreUnreachable(msg)

    def __repr__(self) -> str:
        return f"SQLStore({self._database.shown!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLStore) and self.path("") == other.path("")

    def __hash__(self) -> int:
        return hash(self.path(""))

    def _can_move_below(self, folder: str) -> bool:  # noqa: ARG002 - SQLite creates what it needs
        return self._database.is_relative

    def _move_below(self, folder: str) -> None:
        self._database = self._database.anchored(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may have another current folder.
        return (self._moved, (self._database.url_in_full(), self.table, self._label))

    @classmethod
    def _moved(cls, url: str, table: str, label: str) -> Self:
        store = cls(url, table=table)
        store._label = label
        return store
