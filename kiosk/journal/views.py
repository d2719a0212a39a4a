"""Tables made from the facts, for lists and searches: `sales`, `payments`, `requests` (captures, cancels, refunds) and `reviews`.

They lie in `views.db` beside the journal, a file of its own that may be deleted at any time: nothing that reads or fills it can lock,
grow or damage the journal, and no commit of a sale waits for it. How far it has come stands in the same file and moves in the same
transaction as the rows; a cursor in the journal could be ahead of a file that somebody removed. It also remembers the hash of the entry it
came to and the shape of its tables: when either does not fit, all is made anew from the first fact. Made anew or kept up, they are the
same.

Facts of kinds this program does not know are counted in `unread` and otherwise passed over.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import kiosk
from kiosk.journal import files
from kiosk.journal.entry import JournalError, Stored
from kiosk.journal.reader import Reader
from kiosk.journal.sale_rows import PaymentRow, RequestRow, ReviewRow, Sale, SaleRow, after
from kiosk.session import codec
from kiosk.session.facts import SessionFact

if TYPE_CHECKING:
    from sqlite_utils import Database

log = logging.getLogger(__name__)

SLICE = 256

_ROWS = {"sales": SaleRow, "payments": PaymentRow, "requests": RequestRow, "reviews": ReviewRow}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "sales": ("session",),
    "payments": ("payment",),
    "requests": ("request",),
    "reviews": ("session", "number"),
}
_INDEXES = {"sales": "opened_ms", "payments": "session", "requests": "session", "reviews": "decision"}
_ORDER = {
    "sales": "opened_ms, session",
    "payments": "requested_ms, payment",
    "requests": "requested_ms, request",
    "reviews": "opened_ms, session, number",
}


class ViewsDamaged(JournalError):
    """The tables' file is not what it was: `remove` it, and they are made anew."""


_Row = TypeVar("_Row", SaleRow, PaymentRow, RequestRow, ReviewRow)


class Unread(NamedTuple):
    """Facts that this program could not read, by kind and version."""

    kind: str
    version: int
    entries: int
    first_seq: int
    last_seq: int


class Views:
    """The tables. For one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        """Tables in `connection`, whatever is there; see `open` and `in_memory`."""
        self._name = name
        self._connection = connection

    @classmethod
    def open(cls, journal: Path) -> Self:
        """The tables beside the journal at `journal`, to be kept up; a file that is damaged is thrown away. Raises `JournalError`."""
        path = files.Layout(journal).views
        try:
            return cls._opened(path)
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                raise JournalError(files.explain(error, path, "Opening the tables")) from error
            log.warning("%s is damaged and made anew: %s", path, error)
        try:
            remove(journal)
            return cls._opened(path)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(files.explain(error, path, "Making the tables anew")) from error

    @classmethod
    def _opened(cls, path: Path) -> Self:
        files.make_file(path, files.JOURNAL_MODE)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            # NORMAL: a power cut may take the last rows, together with how far they came
            for pragma in ("journal_mode=wal", "synchronous=normal", "mmap_size=0", "trusted_schema=0"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            views = cls(connection, str(path))
            views._prepare()
        except BaseException:
            connection.close()
            raise
        return views

    @classmethod
    def in_memory(cls, journal: Path) -> Self:
        """A copy of what lies beside the journal, or nothing yet: for a reader who brings it up to date without writing a file."""
        memory = sqlite3.connect(":memory:", isolation_level=None)
        path = files.Layout(journal).views
        try:
            if path.exists():
                with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as found:
                    found.backup(memory)
                if (finding := memory.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                    raise sqlite3.DatabaseError(finding)
        except sqlite3.Error as error:
            log.warning("%s is not used, and every entry is read again: %s", path, error)
            memory.close()
            memory = sqlite3.connect(":memory:", isolation_level=None)
        views = cls(memory, str(journal))
        views._prepare()
        return views

    @property
    def seq(self) -> int:
        """The last entry that is in the tables."""
        ((seq,),) = self._connection.execute("SELECT seq FROM position").fetchall()
        return int(seq)

    def follow(self, reader: Reader, most: int = SLICE) -> int:
        """Take in up to `most` further entries of the journal; gives how many they were. Raises `JournalError`."""
        try:
            return self._follow(reader, most)
        except sqlite3.Error as error:
            if _damaged(error):
                raise ViewsDamaged(f"{self._name} is damaged and made anew: {error}") from error
            raise JournalError(files.explain(error, Path(self._name), "Keeping the tables up")) from error

    def catch_up(self, reader: Reader) -> None:
        """Take in all there is."""
        while self.follow(reader, 8 * SLICE):
            pass

    def rows(self, table: str, where: str | None = None, parameters: Sequence[str | int] = ()) -> Iterator[dict[str, Any]]:
        """Rows of one of the tables, the oldest first. `where` is SQL of the caller's own, never of a stranger."""
        if table not in _ROWS:
            raise JournalError(f"There is no table {table}: known are {', '.join(_ROWS)}")
        return iter(self._tables()[table].rows_where(where, list(parameters), order_by=_ORDER[table]))

    def unread(self) -> tuple[Unread, ...]:
        """What could not be read."""
        return tuple(Unread(*row) for row in self._connection.execute("SELECT * FROM unread ORDER BY kind, version"))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- shape ------------------------------------------------------------------------------------------------------------------

    def _tables(self) -> Database:
        from sqlite_utils import Database  # noqa: PLC0415 - 20 MB that keeping current tables up never needs

        return Database(self._connection, execute_plugins=False)

    def _prepare(self) -> None:
        """Empty tables, unless they are there in the shape of now."""
        there = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name='position'").fetchall()
        if there and self._connection.execute("SELECT shape FROM position").fetchall() == [(_SHAPE,)]:
            return
        db = self._tables()
        with db.atomic():
            for name in db.table_names():
                db[name].drop()
            for name, kind in _ROWS.items():
                columns = {field.name: int if "int" in str(field.type) else str for field in fields(kind)}
                nullable = {field.name for field in fields(kind) if "None" in str(field.type)}
                table = db.table(name)
                table.create(columns, pk=_KEYS[name], not_null=columns.keys() - nullable, strict=True)
                table.create_index([_INDEXES[name]])
            columns = {"kind": str, "version": int, "entries": int, "first_seq": int, "last_seq": int}
            db.table("unread").create(columns, pk=("kind", "version"), strict=True)
            db.table("position").create({"shape": str, "seq": int, "hash": str}, strict=True)
            db.table("position").insert({"shape": _SHAPE, "seq": 0, "hash": ""})

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    # --- following ----------------------------------------------------------------------------------------------------------------

    def _follow(self, reader: Reader, most: int) -> int:
        ((seq, known),) = self._connection.execute("SELECT seq, hash FROM position").fetchall()
        if seq and (reader.hash_at(seq) or b"").hex() != known:
            log.warning("%s was made from another journal and is made anew", self._name)
            self._connection.execute("UPDATE position SET shape=''")
            self._prepare()
            seq = 0
        entries = list(islice(reader.read(seq, chunk=min(most, SLICE)), most))
        if entries:
            with self._transaction():
                self._take(entries)
                last = entries[-1]
                self._connection.execute("UPDATE position SET seq=?, hash=?", (last.seq, last.hash.hex()))
        return len(entries)

    def _take(self, entries: Iterable[Stored]) -> None:
        sales: dict[str, Sale] = {}
        for stored in entries:
            try:
                fact = codec.decode(codec.Encoded(stored.stream, stored.kind, stored.version, stored.at, stored.body))
            except codec.CodecError:
                self._connection.execute(
                    "INSERT INTO unread VALUES(?1, ?2, 1, ?3, ?3)"
                    " ON CONFLICT(kind, version) DO UPDATE SET entries = entries + 1, last_seq = excluded.last_seq",
                    (stored.kind, stored.version, stored.seq),
                )
                continue
            if isinstance(fact, SessionFact):
                before = sales.get(fact.session) or self._sale(fact.session)
                sales[fact.session] = after(before, fact, stored.seq)
        self._put("sales", [sale.sale for sale in sales.values()])
        self._put("payments", [row for sale in sales.values() for row in sale.payments])
        self._put("requests", [row for sale in sales.values() for row in sale.requests])
        self._put("reviews", [row for sale in sales.values() for row in sale.reviews])

    def _sale(self, session: str) -> Sale | None:
        sale = self._of("sales", SaleRow, session)
        if not sale:
            return None
        return Sale(
            sale[0],
            self._of("payments", PaymentRow, session),
            self._of("requests", RequestRow, session),
            self._of("reviews", ReviewRow, session),
        )

    def _of(self, table: str, kind: type[_Row], session: str) -> tuple[_Row, ...]:
        """In the order in which they came: a row keeps its place when it changes."""
        found = self._connection.execute(f"SELECT * FROM {table} WHERE session=? ORDER BY rowid", (session,))  # noqa: S608 - ours
        return tuple(kind(*row) for row in found.fetchall())

    def _put(self, table: str, rows: Sequence[SaleRow | PaymentRow | RequestRow | ReviewRow]) -> None:
        if rows:
            self._connection.executemany(_UPSERT[table], [astuple(row) for row in rows])


def remove(journal: Path) -> None:
    """Delete the tables beside the journal; they are made anew when they are wanted."""
    path = files.Layout(journal).views
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _damaged(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _upsert(table: str) -> str:
    names = [field.name for field in fields(_ROWS[table])]
    changes = ", ".join(f"{name}=excluded.{name}" for name in names if name not in _KEYS[table])
    return f"INSERT INTO {table} VALUES({', '.join('?' * len(names))}) ON CONFLICT DO UPDATE SET {changes}"


_UPSERT = {table: _upsert(table) for table in _ROWS}
_SHAPE = sha256(
    repr((kiosk.__version__, _KEYS, [(name, [(c.name, str(c.type)) for c in fields(kind)]) for name, kind in _ROWS.items()])).encode()
).hexdigest()
