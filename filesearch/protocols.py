"""Protocols: every place where one part can be swapped for another, on one page.

Adapters satisfy these by shape, without inheriting. They do not import each other; only
`adapters.py` chooses between them. For SQL there is no protocol: the database URL is the seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from filesearch.pieces import Pieces, WindowText
from filesearch.types import (
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    RerankRequest,
    TokenSigns,
    WindowEmbeddings,
)

if TYPE_CHECKING:
    from filesearch.filters import Predicate
    from filesearch.index_rows import ChunkWindows, Place, Selection
    from filesearch.messages import ChatDelta, ChatEndpoint, ChatReply, ChatRequest
    from filesearch.records import Entry


class Embedder(Protocol):
    """Text in, unit vectors out."""

    @property
    def name(self) -> str:
        """Short name, such as "all-MiniLM-L6-v2"."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever vectors of the same text would: name and a digest of the weights."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Word pieces the model reads of one text, special tokens not counted."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes the model was trained for; empty means any."""

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word piece of `text` stands.

        Returns:
            int64, shape (n_pieces, 2): start and end character, ascending, special tokens left
            out; shape (0, 2) for text without any piece. Never truncated.
        """

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text, in the order given.

        Texts longer than `max_tokens` are cut. An empty text gives a unit vector like any other.

        Returns:
            float32, shape (len(texts), dimension); shape (0, dimension) for no texts.
        """

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a question: float32, shape (dimension,)."""


@runtime_checkable
class TokenEmbedder(Protocol):
    """An Embedder that also tells where single words point, which late interaction needs.

    Both methods give the vectors that the Embedder's own give, from the same forward pass.
    """

    def embed_windows(self, texts: Sequence[str]) -> WindowEmbeddings:
        """Return vectors and token signs, one of each per text, in the order given."""

    def embed_question(self, text: str) -> QuestionEmbedding:
        """Return the vector of a question and those of its word pieces."""


@runtime_checkable
class PieceEmbedder(TokenEmbedder, Protocol):
    """A TokenEmbedder that hands out word pieces and takes them back, which saves cutting twice."""

    def read_pieces(self, text: str) -> Pieces:
        """Return the offsets that `token_offsets` gives, and what the pieces are."""

    def embed_pieces(self, windows: Sequence[WindowText], *, has_signs: bool) -> WindowEmbeddings:
        """Return what `embed_windows` does of the texts of `windows`, without signs if so said."""


class Index(Protocol):
    """A vector store as of one commit: everything that a search asks of what was indexed.

    Chunks and windows are rows; see index_rows.py. Rows of files that were removed since they
    were written may be numbered still, but come back from no search. Safe to use from several
    threads.
    """

    @property
    def chunk_count(self) -> int:
        """Rows of chunks, those of removed files included."""

    @property
    def everything(self) -> Selection:
        """All live rows."""

    @property
    def distinct(self) -> Selection:
        """All live rows but those of further copies of a text."""

    def select(
        self,
        keep: Predicate,
        *,
        keep_rows: Callable[[Entry], Callable[[IntArray], npt.NDArray[np.bool_]]] | None = None,
    ) -> Selection:
        """Return the rows of the live files that pass, without further copies of a text.

        Args:
            keep: Tells by its attributes whether a file passes.
            keep_rows: Called instead for a file whose table rows have attributes; what it returns
                says which of the file's chunks or windows may come back, by the characters at
                which they begin (int64).
        """

    def top_keyword(
        self, terms: Sequence[str], top_k: int, selection: Selection
    ) -> tuple[IntArray, npt.NDArray[np.float64]]:
        """Return at most `top_k` chunk rows, int64, and their BM25 scores, float64, best first.

        All of them hold one of `terms` and score above 0; ties go by row. Statistics (document
        frequencies, mean length) are those of all live chunks, whatever is selected.
        """

    def keyword_scores_at(
        self, terms: Sequence[str], chunk_rows: IntArray
    ) -> npt.NDArray[np.float64]:
        """Return the BM25 scores of some live chunks: float64 (n_chunks,), 0 without a term."""

    def keyword_ceiling(self, terms: Sequence[str]) -> float:
        """Return the score of a chunk that repeats each of `terms` without end.

        A term of a question counts as often as it is asked. Terms in more than half of the chunks
        weigh a little more in scores than here, so that a chunk may come above it.
        """

    def term_idf(self, terms: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return how much each term says: float64 (n_terms,), above 0, more for rarer ones."""

    def term_counts(self, terms: Sequence[str], chunk_rows: IntArray) -> IntArray:
        """Return how often each term stands in each chunk: int64 (n_terms, n_chunks)."""

    def nearest_windows(
        self, query: FloatVector, *, top_k: int, selection: Selection
    ) -> tuple[IntArray, FloatVector]:
        """Return the window rows nearest to `query` and their cosine similarities, best first."""

    def similarities(self, window_rows: IntArray, query: FloatVector) -> FloatVector:
        """Return the cosine similarities of some windows to `query`: float32 (n,), in [-1, 1].

        Args:
            window_rows: int64 (n,), each once, ascending; n may be 0.
            query: float32, shape (dimension,), unit length.
        """

    def chunks_of_windows(self, window_rows: IntArray) -> IntArray:
        """Return the chunk rows that hold any of these windows: unique, ascending."""

    def windows_of_chunks(self, chunk_rows: IntArray) -> ChunkWindows:
        """Return the windows of some chunks, at least one each; none for no chunks."""

    @property
    def has_signs(self) -> bool:
        """Whether every window has its token signs; false for an empty store."""

    def window_signs(self, window_rows: IntArray) -> TokenSigns:
        """Return the token signs of some windows, whose rows ascend; `has_signs` says if any."""

    def window_spans(self, window_rows: IntArray) -> IntArray:
        """Return start and end character of windows in their documents: int64 (n, 2)."""

    def places(self, chunk_rows: Sequence[int]) -> list[Place | None]:
        """Return the file and the characters of each chunk; None where the file was removed."""

    def entries(self, store_file_ids: Sequence[int]) -> dict[int, Entry]:
        """Return files by store file id; those that were removed are left out."""

    @property
    def load_keys(self) -> Mapping[int, str]:
        """Load keys of the documents whose files were asked for so far, by document id."""


class Reranker(Protocol):
    """A question and passages in, a better judgement of each passage out.

    One that neither runs a model nor waits for anything may say so by `is_instant = True`: searches
    let others compute while they wait for one that does not.
    """

    @property
    def name(self) -> str:
        """Short name, such as "ms-marco-MiniLM-L6-v2"; holds no secret."""

    @property
    def max_candidates(self) -> int:
        """How many passages it is worth giving it for one question; at least 1."""

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return how well each passage answers the question.

        Scores can be compared across questions and do not depend on the order of the passages.
        Passages that are too long are cut at the end.

        Returns:
            float32, shape (n,), each in [0, 1], in the order of the passages; shape (0,) for none.
            A cross-encoder gives the sigmoid of its logit.

        Raises:
            InvalidSetting: The model cannot be loaded or used.
            RerankFailed: No score for each passage this time.
        """


class ChatModel(Protocol):
    """A conversation in, the next message out; see messages.py for their shape.

    Both methods ask for the same; they may be called from several threads at once.
    """

    @property
    def name(self) -> str:
        """Short name, such as "qwen2.5:7b"; holds no secret."""

    @property
    def calls_tools(self) -> bool:
        """Whether it can call tools; without, passages are found first and stand in the request."""

    def complete(self, request: ChatRequest) -> ChatReply:
        """Return the whole reply.

        Raises:
            ContextExceeded: The messages are longer than the model can read.
            RateLimited: It takes no more requests for now, after retries.
            ChatFailed: No reply, or none that can be understood, after retries where they help.
        """

    def stream(self, request: ChatRequest) -> Iterator[ChatDelta]:
        """Yield the reply piece by piece, with `finish_reason` and `usage` by the end.

        Closing the iterator early ends the request. Once a piece has come nothing is retried.

        Raises:
            As `complete` does; a connection that breaks half-way is a ChatFailed.
        """


class IncomingBlob(Protocol):
    """Bytes on their way into a BlobStore; what was not kept is deleted when its context ends."""

    size_bytes: int

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete what was not kept."""

    @property
    def digest(self) -> str:
        """Hex SHA-256 of what was written so far."""

    def write(self, block: bytes) -> None:
        """Take some more bytes."""

    def finish(self) -> None:
        """Force the bytes to the disk; nothing is written after this."""

    def keep(self) -> None:
        """Put the bytes in their place, durably; quick after `finish`."""


@runtime_checkable
class ServedChatModel(Protocol):
    """A ChatModel behind a server, to which requests in OpenAI's own shape can be passed on."""

    @property
    def endpoint(self) -> ChatEndpoint:
        """Where that server is, and how it is asked."""


class BlobStore(Protocol):
    """Bytes kept under their SHA-256."""

    def receive(self) -> IncomingBlob:
        """Return a place to write a blob to, piece by piece; it is kept when it says so."""

    def put(self, stream: BinaryIO) -> str:
        """Store all that `stream` still holds; durable on return. Returns the hex digest."""

    def open(self, digest: str) -> BinaryIO:
        """Open for reading. Raises NotFound when no such blob is kept."""

    def delete(self, digest: str) -> None:
        """Forget the blob; nothing happens when it is not kept."""

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob that is kept, in any order."""

    def sweep(self) -> None:
        """Delete what a killed process left half written; what is being written stays."""
