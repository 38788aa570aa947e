"""Schema: the tables of the catalog, for SQLite and PostgreSQL alike.

    vector_stores 1---n store_files n---1 files
                          |  n---1 documents      (text, once per content)
                          |  n---1 segments       (where its vectors and postings lie)
                          1---n chunks            (offsets into the document's text)
    objects 1---n objects            (threads and messages, runs and steps; see objects.py)
            1---n events             (what a run or a response has said)

`seq` columns count insertions, because several objects can share a second. Columns that came with
a later version have a default, so that tables of an earlier one can be extended.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 4
# Catalogs of these are brought up when they are opened; see migrate.py.
EARLIER_VERSIONS = (1, 2, 3)
TABLES_SINCE_3 = ("objects", "tombstones", "events")

metadata = MetaData()

# SQLite gives row ids only to columns of type INTEGER.
_row_id = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

vector_stores = Table(
    "vector_stores",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # unix seconds
    Column("generation", BigInteger, nullable=False),  # grows with every visible change
    Column("embedder", String, nullable=False),  # Embedder.fingerprint
    Column("dimension", Integer, nullable=False),
    Column("chunk_size", Integer, nullable=False),
    Column("chunk_overlap", Integer, nullable=False),
    Column("late_interaction", Boolean, nullable=False),
    Column("owner", String, nullable=False, server_default=""),  # as in objects
    Column("description", Text, nullable=True),
    Column("metadata", Text, nullable=False, server_default="{}"),  # JSON object of str
    Column("expires_after_days", Integer, nullable=True),
    Column("last_active_at", BigInteger, nullable=True),  # None: never since it was made
)

documents = Table(
    "documents",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("load_key", String, nullable=False, unique=True),  # content, media type, loader version
    Column("text", Text, nullable=False),
    Column("char_count", BigInteger, nullable=False),
    Column("spans", Text, nullable=False),  # JSON: list of Span
    Column("title", Text, nullable=False),
    Column("media_type", String, nullable=False),
    Column("warnings", Text, nullable=False),  # JSON: list of str
    Column("attributes", Text, nullable=False, server_default="{}"),  # JSON: what the file says
    # Spans of these kinds, so that listing files reads no spans; None: an earlier version.
    Column("page_count", Integer, nullable=True),
    Column("table_count", Integer, nullable=True),
)

files = Table(
    "files",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("filename", Text, nullable=False),
    Column("path", Text, nullable=True),  # absolute, for files that came from a folder
    Column("content_hash", String, nullable=False),  # SHA-256, the name of its blob
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=True),  # stamp of the file at `path`
    Column("created_at", BigInteger, nullable=False),
    Column("purpose", String, nullable=True),  # of an upload; None: it came from a folder
    Column("owner", String, nullable=False, server_default=""),  # as in objects
    Column("expires_at", BigInteger, nullable=True),
    Index("ix_files_path", "path"),
    Index("ix_files_content_hash", "content_hash"),
)

segments = Table(
    "segments",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("store_id", ForeignKey("vector_stores.id"), nullable=False),
    Column("name", String, nullable=False, unique=True),  # its directory under segments/
    Column("manifest_hash", String, nullable=False),  # SHA-256 of its manifest.json
    Column("slot_count", BigInteger, nullable=False),
    Column("chunk_count", BigInteger, nullable=False),
    Column("window_count", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
)

store_files = Table(
    "store_files",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("store_id", ForeignKey("vector_stores.id"), nullable=False),
    Column("file_id", ForeignKey("files.id"), nullable=False),
    Column("document_id", ForeignKey("documents.id"), nullable=True),
    Column("segment_id", ForeignKey("segments.id"), nullable=True),
    Column("slot", BigInteger, nullable=True),  # position among the files of its segment
    Column("status", String, nullable=False),  # in_progress | completed | failed | cancelled
    Column("error_code", String, nullable=True),
    Column("error", Text, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON object
    Column("attribute_layers", Text, nullable=True),  # JSON; None: all of them were given
    Column("row_attributes", Boolean, nullable=True),  # None: no
    Column("chunk_size", Integer, nullable=False),
    Column("chunk_overlap", Integer, nullable=False),
    Column("chunk_count", BigInteger, nullable=False),
    Column("window_count", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=True),  # None: when the file was
    Column("batch_id", String, nullable=True),  # of batches that do not list their files
    UniqueConstraint("store_id", "file_id"),
    Index("ix_store_files_segment", "segment_id"),
    Index("ix_store_files_file", "file_id"),
    Index("ix_store_files_document", "document_id"),
    Index("ix_store_files_status", "status", "store_id"),
    Index("ix_store_files_batch", "batch_id", "status"),
)

chunks = Table(
    "chunks",
    metadata,
    Column(
        "store_file_id",
        ForeignKey("store_files.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("token_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

objects = Table(
    "objects",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),  # assistant, thread, message, run, ...
    Column("parent", String, nullable=False),  # id of what it belongs to, or empty
    Column("owner", String, nullable=False),  # id of the key that made it, or empty
    Column("status", String, nullable=False),
    Column("worker", String, nullable=False),  # id of the process that works on it, or empty
    Column("created_at", BigInteger, nullable=False),  # unix seconds
    Column("expires_at", BigInteger, nullable=True),  # unix seconds
    Column("body", Text, nullable=False),  # JSON object
    Index("ix_objects_parent", "parent", "kind", "seq"),
    Index("ix_objects_kind", "kind", "status", "seq"),
)

# Where deleted rows stood, for the cursors that still name them.
tombstones = Table(
    "tombstones",
    metadata,
    Column("place", String, primary_key=True),  # what was listed: a table, or the parent
    Column("id", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("object_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0, without gaps
    Column("name", String, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Column("created_at", BigInteger, nullable=False),
)
