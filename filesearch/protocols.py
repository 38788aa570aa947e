"""Protocols: every place where one part can be swapped for another, on one page.

Adapters satisfy these by shape, without inheriting. They do not import each other; only
`adapters.py` chooses between them. For SQL there is no protocol: the database URL is the seam.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self, runtime_checkable

from filesearch.types import (
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    RerankRequest,
    WindowEmbeddings,
)

if TYPE_CHECKING:
    from filesearch.messages import ChatDelta, ChatEndpoint, ChatReply, ChatRequest


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


class Reranker(Protocol):
    """A question and passages in, a better judgement of each passage out."""

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

    def sweep(self) -> None:
        """Delete what a killed process left half written; what is being written stays."""
