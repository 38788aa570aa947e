"""Records: what the catalog keeps, as frozen values.

The catalog returns them; the index, ingest and retrieve read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from filesearch.ids import new_id
from filesearch.types import Attributes, Chunk, ChunkSettings, Document, ErrorCode


@dataclass(frozen=True, slots=True)
class AttributeLayers:
    """What says which attributes a file has; later ones win. See file_attributes.py.

    Attributes:
        own: The file itself.
        path: Patterns over its path.
        sidecar: The file `NAME.ext.meta.json` beside it.
        given: The caller.
    """

    own: Attributes = field(default_factory=dict)
    path: Attributes = field(default_factory=dict)
    sidecar: Attributes = field(default_factory=dict)
    given: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """A vector store: what its vectors and chunks were made with.

    Attributes:
        late_interaction: Whether its segments keep the token signs of each window.
        expires_at: Unix seconds; None for never.
    """

    id: str
    name: str
    generation: int
    embedder: str
    dimension: int
    chunk_settings: ChunkSettings
    late_interaction: bool
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file in a vector store, as `fsearch files` shows it.

    Attributes:
        path: Absolute path it was ingested from; "document:" and its name for a document that was
            given as text (see sources.DocumentSource); None for uploaded bytes.
        status: "completed" or "failed"; "in_progress" or "cancelled" for one that came through a
            server. A completed file with an `error` is an older version that stays searchable
            because the newer one could not be read.
        attributes: What filters look at; `attribute_layers` says where they come from.
        row_attributes: Whether filters look at the columns of its rows too; see row_attributes.py.
        size_bytes: Of the file; `char_count` is that of its text, 0 when it failed.
        modified_ns: Stamp of the file at `path` when it was read; see file_stamp.py. None where
            only its content tells whether it has changed.
        load_key: Of its document; see NewFile.
        page_count, table_count: As its format has them; None where that is not known, for a file
            that failed or was read by an earlier version.
    """

    id: str
    filename: str
    path: str | None
    content_hash: str
    size_bytes: int
    created_at: int
    status: str
    error_code: ErrorCode | None
    error: str
    attributes: Attributes
    chunk_settings: ChunkSettings
    chunk_count: int
    window_count: int
    char_count: int
    media_type: str
    title: str
    warnings: tuple[str, ...]
    attribute_layers: AttributeLayers
    row_attributes: bool
    page_count: int | None = None
    table_count: int | None = None
    modified_ns: int | None = None
    load_key: str = ""


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment that the catalog names."""

    name: str
    manifest_hash: str
    slot_count: int
    chunk_count: int
    window_count: int
    size_bytes: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A searchable file of a store: which slot of which segment holds it.

    Attributes:
        row_attributes: As in FileRecord. Its rows then have chunks and windows of their own.
        load_key: Of its document; empty where that was not read.
    """

    store_file_id: int
    segment_id: int
    slot: int
    file_id: str
    filename: str
    document_id: int
    attributes: Attributes
    chunk_settings: ChunkSettings
    row_attributes: bool = False
    load_key: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a reader sees of a store at one instant.

    Attributes:
        entries: The searchable files, by segment and slot.
        unplaced: Files with text that no segment holds: a damage that `repair` mends.
    """

    generation: int
    segments: tuple[SegmentRecord, ...]
    entries: tuple[Entry, ...]
    unplaced: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotMemory:
    """What an open store holds in memory of its own, in bytes; mapped files are not counted.

    Attributes:
        slots: Which file is where, and the attributes that filters have looked at.
        columns: Columns of the segments' tables that every search looks into.
        masks: Rows that may come back, where some may not.
        entries: Names and attributes of the files that came back so far, at some 400 bytes each.
        mapped: Size of the mapped files: the system keeps of them what is used and has room for.
    """

    slots: int
    columns: int
    masks: int
    entries: int
    mapped: int


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file about to be recorded; searchable when it has a document, else failed.

    Attributes:
        load_key: Names the document's content and how it was read; files that share it share
            the stored text.
        attribute_layers: What `attributes` were merged of; None says that all are the caller's.
        row_attributes: As in FileRecord.
        modified_ns: As in FileRecord.
        replaces: Id of the file whose place it takes, in the same transaction; its own for a file
            that only its path or name changes of.
    """

    filename: str
    path: str | None
    content_hash: str
    size_bytes: int
    attributes: Attributes
    chunk_settings: ChunkSettings
    load_key: str = ""
    document: Document | None = None
    chunks: Sequence[Chunk] = ()
    window_count: int = 0
    error_code: ErrorCode | None = None
    error: str = ""
    attribute_layers: AttributeLayers | None = None
    modified_ns: int | None = None
    row_attributes: bool = False
    replaces: str | None = None
    id: str = field(default_factory=lambda: new_id("file"))


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file that a vector store waits for: it is there, but was not read yet."""

    store_file_id: int
    store_id: str
    file_id: str
    filename: str
    content_hash: str
    size_bytes: int
    chunk_settings: ChunkSettings


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What became of a waiting file; searchable when it has a document, else failed.

    Attributes:
        load_key: As in NewFile.
    """

    waiting: WaitingFile
    load_key: str = ""
    document: Document | None = None
    chunks: Sequence[Chunk] = ()
    window_count: int = 0
    error_code: ErrorCode | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class SegmentStats:
    """A segment, and how its vectors are indexed.

    Attributes:
        windows: How many it holds, removed ones included.
        vector_index: What its manifest says: kind, and for one that is not exact its parameters,
            training sample and measured recall. Empty when it cannot be read; see `fsearch verify`.
        store_id: Of the vector store that it belongs to.
    """

    name: str
    windows: int
    size_bytes: int
    vector_index: dict[str, object]
    store_id: str = ""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """A vector store, and what it holds; expired ones too, as long as they are there.

    Attributes:
        name: Need not be the only one of its kind.
        files, failed: Searchable files, and those that could not be read.
        chunks, windows, characters: Of the searchable files.
        segments, segment_bytes: Number of segments, and what they take on disk.
        embedder, dimension: Fingerprint of what made the vectors, and their length.
        chunk_size, chunk_overlap: In tokens.
        generation: Grows with every commit.
    """

    id: str
    name: str
    files: int
    failed: int
    chunks: int
    windows: int
    characters: int
    segments: int
    segment_bytes: int
    embedder: str
    dimension: int
    chunk_size: int
    chunk_overlap: int
    generation: int


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What an index holds and what it costs.

    Attributes:
        files, failed: Searchable files, and those that could not be read, of all stores; a file
            counts in each of them.
        chunks, windows, characters: Of the searchable files.
        segments: Number of segments.
        segment_bytes, catalog_bytes, blob_bytes: On disk; catalog_bytes is 0 with a database URL.
        catalog_free_bytes: What removed files left of the catalog, which `compact` gives back.
        late_interaction_bytes: What token signs take of segment_bytes; 0 without.
        embedder, dimension, chunk_size, chunk_overlap, generation: Of the first of `stores`.
        segment_stats: Of each segment: in the order of `stores`, oldest first.
        stores: The one that `fsearch ingest` fills, then the others, oldest first.
    """

    index: str
    files: int
    failed: int
    chunks: int
    windows: int
    characters: int
    segments: int
    segment_bytes: int
    late_interaction_bytes: int
    catalog_bytes: int
    blob_bytes: int
    embedder: str
    dimension: int
    chunk_size: int
    chunk_overlap: int
    generation: int
    segment_stats: tuple[SegmentStats, ...] = ()
    catalog_free_bytes: int = 0
    stores: tuple[StoreStats, ...] = ()
