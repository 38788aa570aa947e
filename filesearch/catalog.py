"""Catalog: the truth about files, their text, chunks and vector stores, in SQL.

SQLite by default, PostgreSQL by URL. Vectors and postings are derived from what stands here and
lie in segments; a segment counts only once the transaction that names it has committed, and that
same transaction marks its files completed. Readers take one consistent picture per query.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import exists, select

from filesearch import pictures, rows, segment_rows, store_names
from filesearch import schema as t
from filesearch.batch_counts import keep_ends
from filesearch.commits import UntilCommit
from filesearch.database import Database
from filesearch.document_cache import DocumentCache
from filesearch.errors import NotFound
from filesearch.file_notes import FileNotes, write_notes
from filesearch.ids import new_id
from filesearch.numbering import insert_behind
from filesearch.protocols import BlobStore, IncomingBlob
from filesearch.records import (
    AttributeLayers,
    Entry,
    FileRecord,
    NewFile,
    Picture,
    SegmentRecord,
    StoreRecord,
)
from filesearch.roster import Roster
from filesearch.types import Attributes, Chunk, ChunkSettings, Document, Span

NO_KEYS: Mapping[int, str] = MappingProxyType({})


class Catalog:
    """The catalog of one index directory.

    Args:
        url: SQLAlchemy URL, `sqlite:///path` or `postgresql+psycopg://...`. Tables are made when
            they are missing.

    Raises:
        InvalidSetting: The URL or its driver is unknown.
        IndexProblem: The database cannot be opened, or was made by a newer version.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._cache = DocumentCache()
        # Every search reads the row of its store.
        self._stores = UntilCommit(self.database.commit_mark)

    def close(self) -> None:
        """Give the database connections back."""
        self.database.close()

    # Stores

    def find_store(self, name: str) -> StoreRecord | None:
        """Return the store that `create_store` made for `name`, or None when there is none."""

        def read() -> StoreRecord | None:
            with self.database.reading() as sql:
                row = store_names.named_store(sql, name)
            return rows.to_store_record(row) if row else None

        return self._stores.get(("name", name), read)

    def store(self, store_id: str, owner: str | None = None) -> StoreRecord:
        """Return a store.

        Raises:
            NotFound: There is none with this id or, where `owner` is given, it is another's.
        """

        def read() -> StoreRecord:
            with self.database.reading() as sql:
                return rows.to_store_record(store_names.find_store_row(sql, store_id, owner))

        return self._stores.get(("id", store_id, owner), read)

    def stores(self) -> list[StoreRecord]:
        """Return all stores, in order of insertion."""
        with self.database.reading() as sql:
            found = sql.execute(select(t.vector_stores).order_by(t.vector_stores.c.seq)).all()
        return [rows.to_store_record(row) for row in found]

    def create_store(
        self,
        name: str,
        *,
        embedder: str,
        dimension: int,
        chunk_settings: ChunkSettings,
        late_interaction: bool,
    ) -> StoreRecord:
        """Return the store of this name, made when it is missing; see `find_store`."""
        with self.database.writing() as sql:
            row = store_names.named_store(sql, name)
            if row is None:
                store_id = new_id("vs")
                sql.execute(
                    insert_behind(sql, t.vector_stores).values(
                        id=store_id,
                        name=name,
                        created_at=int(time.time()),
                        generation=0,
                        embedder=embedder,
                        dimension=dimension,
                        chunk_size=chunk_settings.size,
                        chunk_overlap=chunk_settings.overlap,
                        late_interaction=late_interaction,
                    )
                )
                store_names.note_store(sql, name, store_id)
                row = store_names.named_store(sql, name)
            assert row is not None
        return rows.to_store_record(row)

    def generation(self, store_id: str) -> int:
        """Return the store's generation: it grows with every change that a search could see."""
        with self.database.reading() as sql:
            found = sql.scalar(
                select(t.vector_stores.c.generation).where(t.vector_stores.c.id == store_id)
            )
        if found is None:
            raise NotFound(f"vector store '{store_id}' does not exist")
        return int(found)

    def picture(self, store_id: str) -> Picture:
        """Return segments and searchable files of a store as of one instant."""
        with self.database.reading() as sql:
            return pictures.read_picture(sql, store_id)

    def roster(self, store_id: str, last: Roster | None = None) -> Roster:
        """Return which files can be searched, as of one instant.

        Args:
            store_id: The store; one that does not exist has none.
            last: An earlier roster of it, so that only what has changed is read.
        """
        with self.database.reading() as sql:
            return pictures.read_roster(
                sql,
                store_id,
                last,
                read_attributes=self._attributes_in,
                read_entries=self.entries,
            )

    def _attributes_in(self, segment_id: int, store_file_ids: Sequence[int]) -> dict[int, str]:
        with self.database.reading() as sql:
            return pictures.read_attributes(sql, segment_id, store_file_ids)

    def entries(self, store_file_ids: Collection[int]) -> dict[int, Entry]:
        """Return some searchable files with their load keys; removed ones are left out."""
        with self.database.reading() as sql:
            return pictures.read_entries(sql, store_file_ids)

    def segments(self) -> list[SegmentRecord]:
        """Return the segments of all stores."""
        with self.database.reading() as sql:
            found = sql.execute(select(t.segments).order_by(t.segments.c.id)).all()
        return [rows.to_segment_record(row) for row in found]

    def segment_names(self) -> set[str]:
        """Return the names of the segments of all stores."""
        with self.database.reading() as sql:
            return segment_rows.segment_names(sql)

    # Files

    def files(self, store_id: str) -> list[FileRecord]:
        """Return every file of a store, in order of insertion."""
        with self.database.reading() as sql:
            found = sql.execute(rows.select_files(store_id)).all()
        return [rows.to_file_record(row) for row in found]

    def file_name_and_document(self, file_id: str) -> tuple[str, Document]:
        """Return the name of a searchable file and its document; see `documents`.

        Raises:
            NotFound: No such file, or it has no text because it failed.
        """
        with self.database.reading() as sql:
            row = sql.execute(
                select(t.files.c.filename, t.store_files.c.document_id)
                .join(t.store_files, t.store_files.c.file_id == t.files.c.id)
                .where(t.files.c.id == file_id, t.store_files.c.document_id.is_not(None))
                .limit(1)
            ).first()
        found = self.documents([row.document_id]) if row else {}
        if row is None or not found:
            raise NotFound(f"no file '{file_id}' with text; see: fsearch files")
        return row.filename, found[row.document_id]

    def find_document(self, load_key: str) -> Document | None:
        """Return the document stored under `load_key`, or None when there is none."""
        with self.database.reading() as sql:
            row = sql.execute(select(t.documents).where(t.documents.c.load_key == load_key)).first()
        return rows.to_document(row) if row else None

    def document(self, document_id: int) -> Document:
        """Return a document.

        Raises:
            NotFound: It was removed in the meantime.
        """
        with self.database.reading() as sql:
            row = sql.execute(select(t.documents).where(t.documents.c.id == document_id)).first()
        if row is None:
            raise NotFound(f"document {document_id} does not exist any more")
        return rows.to_document(row)

    def passages(
        self,
        places: Sequence[tuple[int, int, int]],
        load_keys: Mapping[int, str] = NO_KEYS,
    ) -> list[tuple[str, tuple[Span, ...]] | None]:
        """Return the text at each (document id, start, end), and the spans of its document.

        None stands for a document that was removed in the meantime. For load keys see `documents`.
        """
        documents = self.documents({document_id for document_id, _, _ in places}, load_keys)
        return [
            (documents[document_id].text[start:end], documents[document_id].spans)
            if document_id in documents
            else None
            for document_id, start, end in places
        ]

    def documents(
        self, document_ids: Collection[int], load_keys: Mapping[int, str] = NO_KEYS
    ) -> dict[int, Document]:
        """Return some documents by id; those removed in the meantime are left out.

        The ones that were asked for last are kept in memory.

        Args:
            document_ids: The documents.
            load_keys: Load keys of documents, for those that the caller knows: what they name is
                read by them, and not at all while it is kept.
        """
        c = t.documents.c
        keys = {one: load_keys[one] for one in document_ids if load_keys.get(one)}
        unknown = [one for one in document_ids if one not in keys]
        if unknown:
            with self.database.reading() as sql:
                found = sql.execute(select(c.id, c.load_key).where(c.id.in_(unknown))).all()
            keys.update((row.id, row.load_key) for row in found)

        def fetch(ids: Collection[int]) -> dict[int, Document]:
            with self.database.reading() as sql:
                by_key = pictures.read_documents(sql, [keys[one] for one in ids])
            return {one: by_key[keys[one]] for one in ids if keys[one] in by_key}

        return self._cache.get(keys, fetch)

    def chunks(self, store_file_id: int) -> list[Chunk]:
        """Return the chunks of a file in a store, in order."""
        c = t.chunks.c
        with self.database.reading() as sql:
            found = sql.execute(
                select(c.ordinal, c.start, c.end, c.token_count)
                .where(c.store_file_id == store_file_id)
                .order_by(c.ordinal)
            ).all()
        return [Chunk(*row) for row in found]

    def has_content(self, content_hash: str) -> bool:
        """Return whether any file has this content."""
        with self.database.reading() as sql:
            return bool(sql.scalar(select(exists().where(t.files.c.content_hash == content_hash))))

    def content_hashes(self) -> set[str]:
        """Return the digests of the bytes of all files."""
        with self.database.reading() as sql:
            return set(sql.execute(select(t.files.c.content_hash)).scalars())

    def delete_unused_content(self, content_hash: str, blobs: BlobStore) -> None:
        """Delete bytes that no file has.

        No file can be recorded meanwhile: who uploads puts the bytes and the file in one
        transaction, and that waits for this one.
        """
        with self.database.writing() as sql:
            if not sql.scalar(select(exists().where(t.files.c.content_hash == content_hash))):
                blobs.delete(content_hash)

    # Changes: each one transaction

    def commit(
        self,
        store_id: str,
        new_files: Sequence[NewFile],
        *,
        segment: SegmentRecord | None = None,
        removed: Sequence[str] = (),
        contents: Sequence[IncomingBlob] = (),
    ) -> set[str]:
        """Record files, the segment that holds the searchable ones, and removals, at once.

        Args:
            store_id: The store they belong to.
            new_files: Those with a document fill the slots of `segment` in this order.
            segment: Needed when a new file has a document.
            removed: Ids of files to forget, besides those that new files replace.
            contents: The bytes of new files, to be kept by this transaction: whoever deletes what
                no file has waits for it.

        Returns:
            Digests of the bytes of files that went; others may have the same.
        """
        gone = set()
        with self.database.writing() as sql:
            keep_ends(sql, store_id)
            for content in contents:
                content.keep()
            segment_id = rows.insert_segment(sql, store_id, segment) if segment else None
            slot = 0
            for new in new_files:
                gone.add(rows.make_way(sql, store_id, new))
                document_id = None
                if new.document is not None:
                    document_id = rows.ensure_document(sql, new.load_key, new.document)
                rows.insert_file(
                    sql, store_id, new, document_id, segment_id, slot if document_id else None
                )
                slot += document_id is not None
            gone.update(rows.forget_file(sql, store_id, file_id) for file_id in removed)
            rows.drop_unused(sql)
            rows.bump_generation(sql, store_id)
        return gone - {""}

    def set_attributes(
        self,
        store_id: str,
        file_id: str,
        attributes: Attributes,
        layers: AttributeLayers | None = None,
    ) -> None:
        """Replace the attributes of a file; without `layers` all of them are the caller's."""
        self.note(store_id, FileNotes(attributes={file_id: (attributes, layers)}))

    def note(self, store_id: str, notes: FileNotes) -> None:
        """Note what is known of files whose content stays, in one transaction."""
        with self.database.writing() as sql:
            write_notes(sql, store_id, notes)

    def replace_segments(
        self,
        store_id: str,
        old: Sequence[int],
        new: Sequence[tuple[SegmentRecord, Sequence[int]]],
        *,
        rechunked: dict[int, tuple[Sequence[Chunk], int]] | None = None,
        store: StoreRecord | None = None,
    ) -> None:
        """Put new segments in the place of old ones (repair, rebuild).

        Args:
            store_id: The store.
            old: Segment ids that go.
            new: Each new segment with the store file ids that fill its slots, in order. A file
                that was removed meanwhile stays so.
            rechunked: Store file id -> its new chunks and number of windows, when they changed.
            store: New embedder, dimension and chunk settings, when they changed. Files with chunk
                settings of their own keep those.
        """
        with self.database.writing() as sql:
            segment_rows.replace(sql, store_id, old, new, rechunked or {})
            if store is not None:
                rows.update_store(sql, store)
            rows.bump_generation(sql, store_id)
