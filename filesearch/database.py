"""Database: a connection to SQLite or PostgreSQL that holds the tables of `schema`.

Readers and the writer never block each other, and every transaction sees one consistent picture.
A file of SQLite that was removed or replaced while it was open is refused: whoever has it open
could read and write it for good, and nobody else would ever see that.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from filesearch.commits import CommitMark, CommitWatch
from filesearch.database_errors import telling_errors
from filesearch.errors import (
    DatabaseAway,
    FilesearchError,
    IndexProblem,
    IndexReplaced,
    InvalidSetting,
)
from filesearch.file_identity import file_identity
from filesearch.forked import tell_in_child
from filesearch.free_pages import free_bytes, give_back_free
from filesearch.migrate import migrate
from filesearch.schema import (
    EARLIER_VERSIONS,
    SCHEMA_VERSION,
    TABLES_SINCE_3,
    meta,
    metadata,
    vector_stores,
)
from filesearch.sqlite_file import (
    READ_ONLY_WAY_OUT,
    FileState,
    ReadOnlyFile,
    make_sqlite_engine,
    not_writable,
    read_only_file,
    sqlite_path,
)
from filesearch.sqlite_file import sqlite_url as sqlite_url

# A server answers some dozens of requests at once; more than these wait for one another.
_POOL_SIZE = 30
# PostgreSQL gives out 100 connections as it comes, to all processes together: a dozen workers
# must do with them. Nobody who holds one asks for a second, so that these few are never all
# held by threads that wait for more.
_POSTGRES_POOL_SIZE = 8
_POSTGRES_TIMEOUT_S = 60
# One writes, and one waits at the server's lock: it goes on with no round trip lost.
_POSTGRES_WRITERS = 2
# Any number that other programs on the same PostgreSQL do not lock as well.
_WRITER_LOCK = 0x66736561
_SCHEMA_VERSION = select(meta.c.value).where(meta.c.key == "schema_version")


class Database:
    """The database of one index; its tables are made when they are missing.

    Args:
        url: SQLAlchemy URL, `sqlite:///path` or `postgresql+psycopg://...`.

    Raises:
        InvalidSetting: The URL or its driver is unknown.
        IndexProblem: The database cannot be opened, or was made by another version.
        DiskFull: It cannot be opened for want of space.
    """

    def __init__(self, url: str) -> None:
        try:
            self._path = sqlite_path(url)
            self._read_only = read_only_file(self._path) if self._path else None
            self._engine = _connect(url, self._read_only)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise InvalidSetting(
                f"database URL '{without_password(url)}' cannot be used ({type(error).__name__}); "
                "give sqlite:///PATH, or postgresql://... with: "
                "pip install 'filesearch[postgres]'"
            ) from error
        self._shown_url = without_password(str(self._engine.url))
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._file: FileState | None = None  # not of a server, nor in memory
        self._commits = CommitWatch(self._connect_apart)
        self._make_turn()
        # On PostgreSQL each statement must see what was committed while the lock was waited for.
        self._write_options: dict[str, object] = (
            {"filesearch_write": True} if self._is_sqlite else {"isolation_level": "READ COMMITTED"}
        )
        try:
            self._check_encoding()
            self._check_version()
        except (SQLAlchemyError, DatabaseAway) as error:
            self.close()
            found = error.__cause__ if isinstance(error, DatabaseAway) else error
            reason = getattr(found, "orig", None) or error
            way_out = f"; {READ_ONLY_WAY_OUT}" if self._read_only else ""
            raise IndexProblem(
                f"catalog {without_password(url)} cannot be opened: {reason}{way_out}"
            ) from error
        except FilesearchError:
            self.close()
            raise
        self._file = self._found_file()
        tell_in_child(self)

    def _make_turn(self) -> None:
        # Writers would wait for their turn each with a connection in hand, and with dozens of them
        # none be left for readers; on SQLite, which lets them poll, some would starve besides.
        # Here they queue before that.
        self._turn = threading.Semaphore(1 if self._is_sqlite else _POSTGRES_WRITERS)

    def begin_anew(self) -> None:
        """Make connections of its own in a forked child; see forked.py."""
        self._make_turn()
        # SQLite takes locks for a process: the child would think that it has its parent's, as long
        # as it has its parent's connections. A server would take their end for the parent's.
        self._engine.dispose(close=self._is_sqlite)
        self._commits.begin_anew()

    def _connect_apart(self) -> sqlite3.Connection:
        connection = self._engine.raw_connection()
        found: sqlite3.Connection = connection.driver_connection  # type: ignore[assignment]
        connection.detach()  # the pool goes on without it
        return found

    def _found_file(self) -> FileState | None:
        if self._read_only is not None:
            return self._read_only.state()
        return None if self._path is None else file_identity(self._path)

    @property
    def is_current(self) -> bool:
        """Whether the file that was opened is the one that lies there now; always on a server.

        One that could only be read must hold the same as well.
        """
        return self._file is None or self._file == self._found_file()

    @property
    def is_replaced(self) -> bool:
        """Whether another file lies there now."""
        return not self.is_current and self._found_file() is not None

    def check_current(self) -> None:
        """See that the file that was opened lies there still.

        Raises:
            IndexReplaced: It does not.
        """
        if not self.is_current:
            raise IndexReplaced(
                f"'{self._path}' was removed or replaced while it was open; "
                "open the index again (a server: start it again)"
            )

    @property
    def is_read_only(self) -> bool:
        """Whether the file could not be written when it was opened; see sqlite_file.py."""
        return self._read_only is not None

    def check_writable(self) -> None:
        """See that the file can be written.

        Raises:
            IndexProblem: It cannot.
        """
        if self._read_only is not None:
            raise not_writable(self._read_only.path.parent)

    def _check_encoding(self) -> None:
        if self._is_sqlite:
            return
        with self.reading() as sql:
            found = sql.scalar(text("SHOW server_encoding"))
        if found != "UTF8":
            raise IndexProblem(
                f"database {self._shown_url} is encoded as {found}, which "
                "does not hold every text; create one with: CREATE DATABASE ... "
                "ENCODING 'UTF8' TEMPLATE template0"
            )

    def _check_version(self) -> None:
        try:
            found = self._schema_version()
        except (OperationalError, ProgrammingError):  # no such table: a new database
            if self._read_only is not None:
                raise
            with self.writing() as sql:
                self._make_tables(sql)
            found = self._schema_version()
        if found is None:
            raise self._foreign(["meta"])
        if found in [str(version) for version in EARLIER_VERSIONS]:
            if self._read_only is not None:
                raise IndexProblem(
                    f"catalog has schema {found}, of an earlier version, and can be brought up to "
                    f"{SCHEMA_VERSION} only where it can be written; {READ_ONLY_WAY_OUT}"
                )
            with self.writing() as sql:
                self._check_earlier(sql)
                migrate(sql)
            found = self._schema_version()
        if found != str(SCHEMA_VERSION):
            raise IndexProblem(
                f"catalog has schema {found}, this version of filesearch reads "
                f"{SCHEMA_VERSION}; upgrade filesearch or ingest into a new index"
            )

    def _make_tables(self, sql: Connection) -> None:
        """Make all tables, in the schema that new ones go to.

        Raises:
            IndexProblem: Some are there: another program's, which stay as they are.
        """
        names = set(metadata.tables)
        taken = _tables(sql, names)
        if taken == names:  # another process has just made them
            return
        if self._is_sqlite:  # a file is a catalog or something else, never both
            taken |= set(inspect(sql).get_table_names())
        if taken:
            raise self._foreign(taken)
        # Whatever other schemas of the search path have: these come before.
        metadata.create_all(sql, checkfirst=False)
        sql.execute(insert(meta).values(key="schema_version", value=str(SCHEMA_VERSION)))

    def _check_earlier(self, sql: Connection) -> None:
        """Refuse a table `meta` that only looks like ours, and others that ours would become."""
        if not inspect(sql).has_table(vector_stores.name):
            raise self._foreign(["meta"])
        version = sql.scalar(_SCHEMA_VERSION)
        later = [name for name in TABLES_SINCE_3 if inspect(sql).has_table(name)]
        if version in ("1", "2") and later:
            raise self._foreign(later)

    def _foreign(self, taken: Collection[str]) -> IndexProblem:
        way_out = (
            "choose another folder for the index"
            if self._is_sqlite
            else "give the catalog a database or a schema of its own, such as "
            "postgresql://.../NAME?options=-csearch_path%3DSCHEMA"
        )
        return IndexProblem(
            f"{self._shown_url} is the database of another program, "
            f"which has tables of these names: {', '.join(sorted(taken))}; {way_out}"
        )

    def _schema_version(self) -> str | None:
        with self.reading() as sql:
            return sql.scalar(_SCHEMA_VERSION)

    def close(self) -> None:
        """Give the database connections back."""
        self._engine.dispose()
        self._commits.close()

    def commit_mark(self) -> CommitMark | None:
        """Return what is another after every commit of any process; None where nothing tells.

        Raises:
            IndexReplaced: See `check_current`.
        """
        self.check_current()
        return None if self._file is None else self._commits.mark()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one picture of the database.

        Raises:
            IndexReplaced: See `check_current`.
            DiskFull: The database needs space to read, and has none.
            TooManyOpenFiles: Its file cannot be opened for that.
            DatabaseAway, IndexProblem, InvalidValue: See database_errors.py.
        """
        self.check_current()
        with (
            telling_errors(self._shown_url, self._path),
            self._engine.connect() as sql,
            sql.begin(),
        ):
            yield sql

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that changes the database; it ends whole or not at all.

        One at a time, so that what it reads stays true until it ends.

        Raises:
            IndexReplaced: See `check_current`; also when that happened in the block, and what was
                written is lost.
            DiskFull: What was written has no room; nothing of it is kept.
            IndexProblem: It can only be read.
            TooManyOpenFiles: See `reading`.
            DatabaseAway, IndexProblem, InvalidValue: See database_errors.py.
        """
        self.check_writable()
        with self._turn, telling_errors(self._shown_url, self._path):
            self.check_current()
            options = self._write_options
            with self._engine.connect().execution_options(**options) as sql, sql.begin():
                if not self._is_sqlite:
                    schema = func.hashtext(func.current_schema())
                    sql.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK, schema)))
                yield sql
            self.check_current()

    @property
    def free_bytes(self) -> int:
        """What removed rows left of a file of SQLite, which `shrink` gives back; else 0."""
        if self._path is None:
            return 0
        with closing(self._connect_apart()) as connection:
            return free_bytes(connection)

    def shrink(self) -> int:
        """Give back what removed rows left of a file of SQLite, if much; returns how many bytes."""
        if self._path is None:
            return 0
        self.check_writable()
        with self._turn:
            self.check_current()
            with closing(self._connect_apart()) as connection:
                return give_back_free(connection, self._path.parent)


def _tables(sql: Connection, names: Collection[str]) -> set[str]:
    """Return which of these tables or views the schema has that new tables go to."""
    found = inspect(sql)
    return {name for name in names if found.has_table(name, schema=found.default_schema_name)}


def _connect(url: str, read_only: ReadOnlyFile | None) -> Engine:
    if url.startswith("sqlite"):
        return make_sqlite_engine(url, read_only, pool_size=_POOL_SIZE)
    # One picture per transaction, as SQLite gives by itself.
    url = re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", url)
    return create_engine(
        url,
        isolation_level="REPEATABLE READ",
        pool_size=_POSTGRES_POOL_SIZE,
        max_overflow=0,
        pool_timeout=_POSTGRES_TIMEOUT_S,
        # A connection that a restart of the server ended is replaced unseen: a round trip each.
        pool_pre_ping=True,
        hide_parameters=True,
        # In a database of SQL_ASCII the driver would give bytes for text.
        connect_args={"client_encoding": "utf8"},
    )


def without_password(url: str) -> str:
    """Return the URL as it may be shown."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.rpartition("@")[2]  # what stands before the @ may be a password
