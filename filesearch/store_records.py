"""Store records: vector stores, the files in them and their batches, as the API shows them.

Frozen values that `stores` returns; `records.StoreRecord` is what the engine knows of a store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from filesearch.types import Attributes, AttributeValue, ChunkSettings, ErrorCode, SearchResult

FileStatus: TypeAlias = Literal["in_progress", "completed", "failed", "cancelled"]
StoreStatus: TypeAlias = Literal["in_progress", "completed", "expired"]
BatchStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class FileCounts:
    """How many files of a store or a batch are in each state."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.in_progress + self.completed + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class VectorStore:
    """A vector store as of one instant.

    Attributes:
        name: Empty when none was given.
        metadata: Names and values of the client's own.
        usage_bytes: What its segments take on disk.
        created_at, last_active_at, expires_at: Unix seconds; `expires_at` None for never.
        expires_after_days: Counted from `last_active_at`.
        status: "in_progress" while a file is, "expired" from `expires_at` on.
        chunk_settings: Of files that come without their own.
    """

    id: str
    name: str
    description: str | None
    owner: str
    created_at: int
    metadata: Mapping[str, str]
    counts: FileCounts
    usage_bytes: int
    status: StoreStatus
    expires_after_days: int | None
    expires_at: int | None
    last_active_at: int
    chunk_settings: ChunkSettings


@dataclass(frozen=True, slots=True)
class StoreFile:
    """A file in a vector store.

    Attributes:
        file_id: Of the file object, and what names it in the store too.
        error_code, error: Why it failed; None and empty otherwise.
        usage_bytes: Size of the file once it is searchable, 0 before.
        created_at: When it came into the store, in unix seconds.
    """

    file_id: str
    store_id: str
    filename: str
    status: FileStatus
    error_code: ErrorCode | None
    error: str
    attributes: Attributes
    chunk_settings: ChunkSettings
    usage_bytes: int
    created_at: int


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file that shall be in a store.

    Attributes:
        chunk_settings: None takes the store's.
        keeps_present: Where the file is in the store already, it keeps its attributes and stays
            cut up as it is.
    """

    file_id: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    chunk_settings: ChunkSettings | None = None
    keeps_present: bool = False


@dataclass(frozen=True, slots=True)
class FileBatch:
    """Files that were put into a store together.

    Attributes:
        counts: Files that do not exist count as failed, those that left the store before the
            batch had ended as cancelled.
    """

    id: str
    store_id: str
    created_at: int
    status: BatchStatus
    counts: FileCounts


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search over stores looked for and found.

    Attributes:
        queries: As they were searched: rewritten ones where that was asked for.
        results: Best first, no two sharing a character.
    """

    queries: tuple[str, ...]
    results: tuple[SearchResult, ...]
