"""Testing: stand-ins for the parts that are slow to load, for tests of programs that use us."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from filesearch.errors import ChatFailed
from filesearch.messages import (
    ChatDelta,
    ChatReply,
    ChatRequest,
    Message,
    ToolCallDelta,
    Usage,
)
from filesearch.signs import join_signs, token_signs
from filesearch.types import (
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    RerankRequest,
    WindowEmbeddings,
)

_PIECE = re.compile(r"\w+|[^\w\s]")


class HashingEmbedder:
    """An Embedder without a model: the sum of one fixed random vector per word.

    Texts that share words are near each other; meaning is not known. Deterministic. A
    TokenEmbedder as well.

    Args:
        dimension: Length of a vector, a multiple of 8.
        max_tokens: Words and signs that it reads of one text.
    """

    languages: frozenset[str] = frozenset()

    def __init__(self, dimension: int = 64, max_tokens: int = 254) -> None:
        self.name = "hashing"
        self.fingerprint = f"hashing-{dimension}"
        self.dimension = dimension
        self.max_tokens = max_tokens
        self._known: dict[str, FloatVector] = {}

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word or sign stands: int64 (n, 2)."""
        spans = [match.span() for match in _PIECE.finditer(text)]
        return np.array(spans, dtype=np.int64).reshape(-1, 2)

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text: float32 (n, dimension)."""
        vectors = [self.embed_query(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(-1, self.dimension)

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a text: float32 (dimension,)."""
        total = np.ones(self.dimension, dtype=np.float32) * 1e-3
        for piece in self._pieces(text):
            total = total + self._vector(piece)
        unit: FloatVector = (total / np.linalg.norm(total)).astype(np.float32)
        return unit

    def embed_windows(self, texts: Sequence[str]) -> WindowEmbeddings:
        """Return the vectors of `embed_texts` and the token signs of the same texts."""
        signs = []
        for text in texts:
            tokens = self._tokens(text)
            padded = np.pad(tokens, ((1, 1), (0, 0)))[np.newaxis]  # as between [CLS] and [SEP]
            signs += list(token_signs(padded, np.array([len(tokens) + 2])))
        return WindowEmbeddings(self.embed_texts(texts), join_signs(signs, self.dimension))

    def embed_question(self, text: str) -> QuestionEmbedding:
        """Return the vector of `embed_query` and one for each word."""
        tokens = self._tokens(text)
        return QuestionEmbedding(
            vector=self.embed_query(text),
            tokens=tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-9),
            offsets=self.token_offsets(text)[: self.max_tokens],
        )

    def _tokens(self, text: str) -> FloatMatrix:
        vectors = [self._vector(piece) for piece in self._pieces(text)]
        return np.array(vectors, dtype=np.float32).reshape(-1, self.dimension)

    def _pieces(self, text: str) -> list[str]:
        # Found before they are lowered, as their offsets are: "İ" is two characters then.
        return [piece.lower() for piece in _PIECE.findall(text)[: self.max_tokens]]

    def _vector(self, piece: str) -> FloatVector:
        if piece not in self._known:
            seed = int.from_bytes(hashlib.sha256(piece.encode()).digest()[:8], "little")
            drawn = np.random.default_rng(seed).standard_normal(self.dimension)
            self._known[piece] = drawn.astype(np.float32)
        return self._known[piece]


class OverlapReranker:
    """A Reranker without a model: the share of the question's words that a passage holds."""

    def __init__(self, max_candidates: int = 50) -> None:
        self.name = "overlap"
        self.max_candidates = max_candidates

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return the share of words found: float32 (n,), 0 for a question without words."""
        asked = set(_PIECE.findall(request.question.lower()))
        found = [asked & set(_PIECE.findall(text.lower())) for text in request.texts]
        return np.array([len(words) / max(1, len(asked)) for words in found], dtype=np.float32)


ScriptedReply: TypeAlias = str | ChatReply | Exception
ScriptedTurn: TypeAlias = ScriptedReply | Callable[[ChatRequest], ScriptedReply]


class ScriptedChatModel:
    """A ChatModel that says what it was told to, one turn for each request, in order.

    A turn is a text, a whole reply, an exception to raise, or a function of the request that
    returns one of them. A text is replied with a usage of one token a word. Safe to use from
    several threads.

    Args:
        replies: The turns.
        calls_tools: What `calls_tools` says.
        piece_size: Characters of a streamed piece, of text and of tool arguments alike.
        breaks_after: Raise a ChatFailed in place of the piece with this number, from 0, of every
            stream that is that long; None never does.
        repeats: After the last turn, take it again and again, instead of raising a ChatFailed.

    Attributes:
        requests: What was asked, in order; failed requests count.
        closed_early: How many streams were closed before their end.
    """

    name = "scripted"

    def __init__(
        self,
        replies: Sequence[ScriptedTurn],
        calls_tools: bool = True,
        *,
        piece_size: int = 5,
        breaks_after: int | None = None,
        repeats: bool = False,
    ) -> None:
        self.calls_tools = calls_tools
        self.requests: list[ChatRequest] = []
        self.closed_early = 0
        self._turns = tuple(replies)
        self._piece_size, self._breaks_after, self._repeats = piece_size, breaks_after, repeats
        self._lock = threading.Lock()

    def complete(self, request: ChatRequest) -> ChatReply:
        """Return the next reply, or raise it when it is an exception."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
        if self._repeats and self._turns:
            number = min(number, len(self._turns) - 1)
        if number >= len(self._turns):
            raise ChatFailed(
                f"the scripted chat model has {len(self._turns)} replies and was asked for one "
                "more; give it more of them"
            )
        turn = self._turns[number]
        reply = turn(request) if callable(turn) else turn
        if isinstance(reply, Exception):
            raise reply
        return _spoken(request, reply) if isinstance(reply, str) else reply

    def stream(self, request: ChatRequest) -> Iterator[ChatDelta]:
        """Yield the next reply in pieces of `piece_size`, then one with the rest."""
        reply = self.complete(request)
        is_done = False
        try:
            for number, delta in enumerate(_split_reply(reply, self._piece_size)):
                if number == self._breaks_after:
                    is_done = True
                    raise ChatFailed("the scripted chat model broke off; ask again")
                is_done = delta.finish_reason is not None
                yield delta
        finally:
            self.closed_early += not is_done


def _spoken(request: ChatRequest, text: str) -> ChatReply:
    prompt = sum(len(message.content.split()) for message in request.messages)
    return ChatReply(Message("assistant", text), "stop", Usage(prompt, len(text.split())))


def _split_reply(reply: ChatReply, size: int) -> Iterator[ChatDelta]:
    for piece in _pieces(reply.message.content, size):
        yield ChatDelta(text=piece)
    for index, call in enumerate(reply.message.tool_calls):
        yield ChatDelta(tool_calls=(ToolCallDelta(index, id=call.id, name=call.name),))
        for piece in _pieces(call.arguments, size):
            yield ChatDelta(tool_calls=(ToolCallDelta(index, arguments=piece),))
    yield ChatDelta(finish_reason=reply.finish_reason, usage=reply.usage)


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
