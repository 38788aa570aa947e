"""Schema: the tables of the catalog, for SQLite and PostgreSQL alike.

    vector_stores 1---n store_files n---1 files
                          |  n---1 documents      (text, once per content)
                          |  n---1 segments       (where its vectors and postings lie)
                          1---n chunks            (offsets into the document's text)
    threads 1---n messages

`seq` columns count insertions, because several objects can share a second.
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

SCHEMA_VERSION = 2
# From these a catalog is brought up by making the tables that are missing.
EXTENDED_VERSIONS = (1,)

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
    Column("created_at", BigInteger, nullable=False),
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
    Column("status", String, nullable=False),  # completed | failed
    Column("error_code", String, nullable=True),
    Column("error", Text, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON object
    Column("chunk_size", Integer, nullable=False),
    Column("chunk_overlap", Integer, nullable=False),
    Column("chunk_count", BigInteger, nullable=False),
    Column("window_count", BigInteger, nullable=False),
    UniqueConstraint("store_id", "file_id"),
    Index("ix_store_files_segment", "segment_id"),
    Index("ix_store_files_file", "file_id"),
    Index("ix_store_files_document", "document_id"),
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

threads = Table(
    "threads",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("metadata", Text, nullable=False),  # JSON object of str
)

messages = Table(
    "messages",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("thread_id", ForeignKey("threads.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("role", String, nullable=False),  # user | assistant
    Column("content", Text, nullable=False),  # JSON: list of OpenAI content parts
    Column("status", String, nullable=False),  # completed | incomplete
    Column("metadata", Text, nullable=False),  # JSON object of str
    Index("ix_messages_thread", "thread_id", "seq"),
)
