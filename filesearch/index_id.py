"""Index id: see that a folder and a catalog belong together, before either is changed.

Who writes deletes what the catalog does not name: with the catalog of another folder, all of it.
So an id is drawn when an index is made, and kept in both: in a row of the catalog's `meta` and in
the folder's `index.id`, which also says whether the catalog is the one in the folder. Who opens
both compares them. Where none was kept yet, they belong together when they share a segment, or,
while there are none, the bytes of a file; or when the folder is bare and the catalog is of none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, make_url, select
from sqlalchemy.exc import ArgumentError

from filesearch import schema as t
from filesearch import segment_rows
from filesearch.database import Database, without_password
from filesearch.directory_lock import directory_turn
from filesearch.disk_space import disk_full, no_space_reason
from filesearch.durable import sync_directory, sync_file
from filesearch.errors import DiskFull, IndexProblem
from filesearch.ids import new_id
from filesearch.open_files import check_handles
from filesearch.protocols import BlobStore
from filesearch.sources import INDEX_MARK
from filesearch.sqlite_file import READ_ONLY

ID_FILE = "index.id"
# Written before the catalog has the id, and renamed when it has.
_NEW_FILE = "index.id.new"
_ROW = "index_id"
# Of the folders that had the catalog before: any of them may have it back.
_EARLIER_ROWS = "index_id:earlier:"
_INSIDE, _OUTSIDE = "inside", "outside"


@dataclass(frozen=True, slots=True)
class _Mark:
    """What `index.id` says: the id, and whether the catalog lies in the folder."""

    index_id: str
    is_inside: bool


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What folder and catalog have.

    Attributes:
        is_bare: The folder has neither segments nor bytes of files nor a catalog of its own.
        is_of_none: The catalog names neither segments nor bytes.
        is_shared: Both have one of them.
        is_strange: Both have segments, and none is the other's.
    """

    is_bare: bool
    is_of_none: bool
    is_shared: bool
    is_strange: bool


class IndexId:
    """The id of one index.

    Args:
        directory: Its folder.
        own_catalog: Where the catalog lies in it, unless it is elsewhere.
        url: Of the catalog.
        blobs: Returns the bytes of files that the folder has.
    """

    def __init__(
        self, directory: Path, own_catalog: Path, url: str, *, blobs: Callable[[], BlobStore]
    ) -> None:
        self._directory = directory
        self._own_catalog = own_catalog
        self._url = url
        self._blobs = blobs

    def check_folder(self) -> None:
        """Refuse a folder whose catalog is another one, before that is opened or made.

        Raises:
            IndexProblem: It is.
        """
        mark, is_there = self._read(ID_FILE), self._own_catalog.exists()
        if not self._is_inside:
            if mark is not None and mark.is_inside and is_there:
                raise self._elsewhere()
        elif not is_there and (not mark.is_inside if mark else self._segments() or self._bytes()):
            raise self._elsewhere()

    def check(self, database: Database, *, may_take_over: bool = False) -> bool:
        """See that folder and catalog belong together; both get an id where they have none.

        Args:
            database: Of the catalog.
            may_take_over: Let a bare folder have the catalog of another one, or an earlier one
                have it back: the folder that has it now is refused from then on.

        Returns:
            False where there is nothing yet that could belong together.

        Raises:
            IndexProblem: They do not; nothing was changed.
        """
        with database.reading() as sql:
            kept = _kept(sql)
            if kept is not None and self._read(ID_FILE) == _Mark(kept, self._is_inside):
                return True
            is_made = self._is_inside or (self._directory / INDEX_MARK).exists()
            if not is_made and kept is None and not _named(sql) and not _hashes(sql):
                return False
            if database.is_read_only:  # they are compared, and none gets an id
                self._index_id(sql, may_take_over=False)
                return True
        if may_take_over:
            from filesearch.lock import make_index_directory

            make_index_directory(self._directory)
        try:
            with directory_turn(self._directory):
                with database.writing() as sql:
                    self._settle(sql, may_take_over=may_take_over)
                (self._directory / _NEW_FILE).replace(self._directory / ID_FILE)
                sync_directory(self._directory)
        except DiskFull:
            raise
        except OSError as error:
            if reason := no_space_reason(error):
                raise disk_full(self._directory, reason) from error
            check_handles(error)
            if error.errno not in READ_ONLY:
                raise IndexProblem(
                    f"index '{self._directory}' cannot be marked as that of its catalog: "
                    f"{error.strerror}; see to its folder and try again"
                ) from error
            # They belong together, else that had been said; nobody can do harm in this folder.
        return True

    def _settle(self, sql: Connection, *, may_take_over: bool) -> None:
        kept = _kept(sql)
        index_id = self._index_id(sql, may_take_over=may_take_over)
        if index_id != kept:
            _keep(sql, kept, index_id)
        place = _INSIDE if self._is_inside else _OUTSIDE
        new = self._directory / _NEW_FILE
        new.write_text(f"{index_id} {place}\n", encoding="ascii")
        sync_file(new)

    def _index_id(self, sql: Connection, *, may_take_over: bool) -> str:
        """Return the id for both."""
        kept, mark = _kept(sql), self._read(ID_FILE)
        if mark is None and kept is not None:
            written = self._read(_NEW_FILE)  # by a process that was killed once the catalog had it
            mark = written if written and written.index_id == kept else None
        if kept is not None and mark is not None and mark.index_id == kept:
            return kept
        return self._decide(sql, kept, mark, may_take_over=may_take_over)

    def _decide(
        self, sql: Connection, kept: str | None, mark: _Mark | None, *, may_take_over: bool
    ) -> str:
        """Return the id for both, which are not known to belong together."""
        has = self._holdings(sql)
        if self._is_inside:
            # Where the catalog lies says enough, unless something speaks against it.
            if mark is not None and not (mark.is_inside and (kept is None or has.is_shared)):
                raise self._elsewhere()
            if mark is None and has.is_strange:
                raise self._elsewhere()
            # The same one for a catalog that was made anew, or put back from before it had one.
            return mark.index_id if mark and kept is None else new_id("idx")
        if mark is not None:
            if kept is None and has.is_shared:  # put back, from before it had one
                return mark.index_id
            if not _is_earlier(sql, mark.index_id):
                raise self._elsewhere()
            if may_take_over:
                return new_id("idx")
            raise self._of_another()
        fits = has.is_shared or (has.is_bare and (has.is_of_none or may_take_over))
        if fits and (kept is None or may_take_over):
            return new_id("idx")
        if kept is None and has.is_of_none:
            raise self._elsewhere()
        raise self._of_another()

    def _holdings(self, sql: Connection) -> _Holdings:
        named, present, hashes = _named(sql), self._segments(), _hashes(sql)
        kept_bytes = self._bytes()
        shared = named & present if named or present else hashes & kept_bytes
        return _Holdings(
            is_bare=not (present or kept_bytes or self._own_catalog.exists()),
            is_of_none=not named and not hashes,
            is_shared=bool(shared),
            is_strange=bool(named and present and not shared),
        )

    @property
    def _is_inside(self) -> bool:
        """Whether the catalog is the one in the folder."""
        try:
            name = make_url(self._url).database if self._url.startswith("sqlite") else None
        except ArgumentError:  # for who opens it to say
            return False
        return bool(name) and Path(str(name)).resolve() == self._own_catalog.resolve()

    def _segments(self) -> set[str]:
        segments = self._directory / "segments"
        if not segments.is_dir():
            return set()
        return {path.name for path in segments.iterdir() if path.is_dir()}

    def _bytes(self) -> set[str]:
        return set(self._blobs().digests())

    def _read(self, name: str) -> _Mark | None:
        try:
            found = (self._directory / name).read_text(encoding="ascii", errors="replace").split()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _Mark(found[0], found[-1] == _INSIDE) if len(found) == 2 else None

    def _elsewhere(self) -> IndexProblem:
        mark = self._read(ID_FILE)
        is_own = mark.is_inside if mark else self._own_catalog.exists()
        if is_own and not self._is_inside:
            there = self._own_catalog.name
            way_out = "unset FSEARCH_DB (or `db`), or choose another folder for the index"
        else:
            there = "another database"
            way_out = (
                "set FSEARCH_DB (or `db`) to that one, or choose another folder for the index; "
                "where that database is lost, remove this folder"
            )
        return IndexProblem(
            f"index '{self._directory}' has its catalog in {there}, not in "
            f"{without_password(self._url)}; {way_out}"
        )

    def _of_another(self) -> IndexProblem:
        return IndexProblem(
            f"{without_password(self._url)} is the catalog of the index in another folder than "
            f"'{self._directory}'; name that one, or another database with FSEARCH_DB (or `db`); "
            "where it is lost, make it again in a new one: fsearch verify --repair --index FOLDER"
        )


def _kept(sql: Connection) -> str | None:
    return sql.scalar(select(t.meta.c.value).where(t.meta.c.key == _ROW))


def _keep(sql: Connection, kept: str | None, index_id: str) -> None:
    sql.execute(delete(t.meta).where(t.meta.c.key == _ROW))
    sql.execute(insert(t.meta).values(key=_ROW, value=index_id))
    if kept is not None:
        sql.execute(insert(t.meta).values(key=_EARLIER_ROWS + kept, value=""))


def _is_earlier(sql: Connection, index_id: str) -> bool:
    row = select(t.meta.c.key).where(t.meta.c.key == _EARLIER_ROWS + index_id)
    return sql.scalar(row) is not None


def _named(sql: Connection) -> set[str]:
    return segment_rows.segment_names(sql)


def _hashes(sql: Connection) -> set[str]:
    return set(sql.execute(select(t.files.c.content_hash)).scalars())
