"""Vector stores, their files, batches of these and searches, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from filesearch.server.wire.common import Items, Metadata, Plain, RequestModel, at_most

MAX_STORE_FILES = 500
MAX_BATCH_FILES = 2000
MAX_ATTRIBUTES = 16
MAX_KEY = 64
MAX_VALUE = 512
# Each query is a search of its own; the API names no limit.
MAX_QUERIES = 64

FileStatus: TypeAlias = Literal["in_progress", "completed", "failed", "cancelled"]
AttributeValue: TypeAlias = str | bool | int | float


def _check_attributes(given: dict[str, AttributeValue]) -> dict[str, AttributeValue]:
    for key, value in given.items():
        if not 1 <= len(key) <= MAX_KEY:
            kind = "string_too_long" if key else "value_error"
            context = {"max_length": MAX_KEY, "actual_length": len(key)} if key else {}
            raise PydanticCustomError(kind, "an attribute needs a name", context)
        if isinstance(value, str) and len(value) > MAX_VALUE:
            raise PydanticCustomError(
                "string_too_long",
                "",
                {"max_length": MAX_VALUE, "actual_length": len(value), "key": key},
            )
    return given


Attributes = Annotated[
    dict[str, AttributeValue],
    at_most(MAX_ATTRIBUTES),
    AfterValidator(_check_attributes),
    Field(description="At most 16 pairs; keys of at most 64 characters, strings of at most 512."),
]


class StoreExpiry(RequestModel):
    """When a store expires: so many days after it was used last."""

    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


class StaticChunking(RequestModel):
    """Chunks of a size of one's own, in tokens."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _check_overlap(self) -> StaticChunking:
        most = self.max_chunk_size_tokens // 2
        if self.chunk_overlap_tokens > most:
            raise ValueError(
                f"'chunk_overlap_tokens' is {self.chunk_overlap_tokens}; it may be at most "
                f"{most}, half of 'max_chunk_size_tokens'."
            )
        return self


class ChunkingStrategy(RequestModel):
    """How a file is cut: as the store does it, or in chunks of a size of one's own."""

    type: Literal["auto", "static"]
    static: StaticChunking | None = None

    @model_validator(mode="after")
    def _check_static(self) -> ChunkingStrategy:
        if self.type == "static" and self.static is None:
            raise ValueError("the type 'static' needs 'static' with the sizes.")
        return self


class CreateStore(RequestModel):
    """`POST /vector_stores`."""

    name: Plain | None = None
    description: Plain | None = None
    file_ids: Annotated[Items[Plain], Field(max_length=MAX_STORE_FILES)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    expires_after: StoreExpiry | None = None
    metadata: Metadata | None = None


class UpdateStore(RequestModel):
    """`POST /vector_stores/{id}`: what is left out stays."""

    name: Plain | None = None
    expires_after: StoreExpiry | None = None
    metadata: Metadata | None = None


class AddFile(RequestModel):
    """`POST /vector_stores/{id}/files`, and an entry of a batch."""

    file_id: Plain
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


class UpdateFile(RequestModel):
    """`POST /vector_stores/{id}/files/{file_id}`."""

    attributes: Attributes | None


class CreateBatch(RequestModel):
    """`POST /vector_stores/{id}/file_batches`: ids and settings for all, or each with its own."""

    file_ids: Annotated[Items[Plain], Field(min_length=1, max_length=MAX_BATCH_FILES)] | None = None
    files: Annotated[Items[AddFile], Field(min_length=1, max_length=MAX_BATCH_FILES)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


class HybridSearch(RequestModel):
    """What either search weighs; only their proportion counts."""

    embedding_weight: Annotated[float, Field(ge=0)]
    text_weight: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _check_sum(self) -> HybridSearch:
        if self.embedding_weight + self.text_weight <= 0:
            raise ValueError("one of the weights must be above 0.")
        return self


class RankingOptions(RequestModel):
    """How the results are ranked."""

    ranker: Literal["auto", "none", "default-2024-11-15", "default_2024_08_21"] = "auto"
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    hybrid_search: HybridSearch | None = None


class SearchStore(RequestModel):
    """`POST /vector_stores/{id}/search`."""

    query: str | Annotated[Items[str], Field(min_length=1, max_length=MAX_QUERIES)]
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    filters: dict[str, Any] | None = None
    ranking_options: RankingOptions | None = None
    rewrite_query: bool = False


class CountsBody(BaseModel):
    """How many files are in which state."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class ExpiryBody(BaseModel):
    """When a store expires."""

    anchor: Literal["last_active_at"] = "last_active_at"
    days: int


class StoreBody(BaseModel):
    """A vector store."""

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    # A string even when none was given: strict clients check it.
    name: str
    description: str | None
    usage_bytes: int
    file_counts: CountsBody
    status: Literal["in_progress", "completed", "expired"]
    expires_after: ExpiryBody | None
    expires_at: int | None
    last_active_at: int
    metadata: dict[str, str]


class StoreList(BaseModel):
    """A page of vector stores."""

    object: Literal["list"] = "list"
    data: list[StoreBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoreDeleted(BaseModel):
    """Says that a vector store is gone; its files stay."""

    id: str
    object: Literal["vector_store.deleted"] = "vector_store.deleted"
    deleted: Literal[True] = True


class LastError(BaseModel):
    """Why a file failed."""

    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class StaticSizes(BaseModel):
    """In tokens."""

    max_chunk_size_tokens: int
    chunk_overlap_tokens: int


class ChunkingBody(BaseModel):
    """How a file was cut."""

    type: Literal["static"] = "static"
    static: StaticSizes


class StoreFileBody(BaseModel):
    """A file in a vector store; its id is that of the file."""

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    vector_store_id: str
    status: FileStatus
    last_error: LastError | None
    usage_bytes: int
    attributes: dict[str, AttributeValue]
    chunking_strategy: ChunkingBody


class StoreFileList(BaseModel):
    """A page of the files of a vector store or a batch."""

    object: Literal["list"] = "list"
    data: list[StoreFileBody]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoreFileDeleted(BaseModel):
    """Says that a file is out of a store; the file itself stays."""

    id: str
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"
    deleted: Literal[True] = True


class BatchBody(BaseModel):
    """Files that were added to a vector store together."""

    id: str
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: FileStatus
    file_counts: CountsBody


class TextPart(BaseModel):
    """A stretch of text."""

    type: Literal["text"] = "text"
    text: str


class ContentPage(BaseModel):
    """The text that was read from a file."""

    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[TextPart]
    has_more: Literal[False] = False
    next_page: None = None


class ResultBody(BaseModel):
    """A passage that was found."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, AttributeValue]
    content: list[TextPart]


class ResultPage(BaseModel):
    """What a search found, best first."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[ResultBody]
    has_more: Literal[False] = False
    next_page: None = None
