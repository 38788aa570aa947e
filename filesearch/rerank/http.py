"""Rerank over HTTP: text-embeddings-inference, Jina, Cohere, and servers that speak as they do.

question and texts -> POST (endpoint.py) -> scores. Whole passages travel to that server.

    tei     query, texts                    -> [{index, score}]
    jina    model, query, documents, top_n  -> {results: [{index, relevance_score}]}
    cohere  as jina; vLLM, Infinity and LocalAI too
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from filesearch.errors import InvalidSetting, RerankFailed
from filesearch.rerank.endpoint import Endpoint
from filesearch.types import FloatVector, RerankRequest

# Probabilities that were rounded on their way may pass 1 by this much.
_ROUNDING = 1e-6


class _Score(msgspec.Struct):
    index: int
    score: float


class _RelevanceScore(msgspec.Struct, rename={"score": "relevance_score"}):
    index: int
    score: float


class _Results(msgspec.Struct):
    results: list[_RelevanceScore]


def _read_list(answer: bytes) -> Sequence[_Score]:
    return msgspec.json.decode(answer, type=list[_Score])


def _read_results(answer: bytes) -> Sequence[_RelevanceScore]:
    return msgspec.json.decode(answer, type=_Results).results


@dataclass(frozen=True, slots=True)
class _Style:
    """How a kind of server is asked, and how it answers.

    Attributes:
        texts_key: Under which the passages are sent.
        options: What else is sent with every request.
        takes_top_n: Whether it wants to be told how many scores to return.
        max_texts: Passages of one request.
        read: Its answer -> scores with the index of their passage.
    """

    texts_key: str
    options: Mapping[str, object]
    takes_top_n: bool
    max_texts: int
    read: Callable[[bytes], Sequence[_Score | _RelevanceScore]]


_STYLES = {
    # Refuses more than 32 texts unless started with a larger --max-client-batch-size, and texts
    # over the model's length unless told to cut them.
    "tei": _Style(
        texts_key="texts",
        options={"truncate": True, "raw_scores": False, "return_text": False},
        takes_top_n=False,
        max_texts=32,
        read=_read_list,
    ),
    # May send all the documents back unless told not to.
    "jina": _Style("documents", {"return_documents": False}, True, 1000, _read_results),
    # Asks for no more than 1,000 documents.
    "cohere": _Style("documents", {}, True, 1000, _read_results),
}
STYLES = tuple(_STYLES)


class HttpReranker:
    """A Reranker over a rerank endpoint. Safe to use from several threads.

    Blank passages, which servers refuse, score 0 without being sent. What is tried again, and
    where a key may go, is said at `Endpoint`.

    Args:
        url: The endpoint; one without a path means /rerank there.
        style: One of `STYLES`; empty takes "cohere" when there is a model, else "tei".
        model: Which of the server's models; not with "tei", which serves one.
        api_key: Sent as a bearer token; empty sends none.
        timeout_s: Longest time for one question, with all tries and pauses.
        max_candidates: How many passages it is worth giving it for one question.

    Raises:
        InvalidSetting: An unknown style, a model for "tei", no http(s) URL, one that carries a
            password, or a key that would travel unencrypted.
    """

    def __init__(
        self,
        url: str,
        *,
        style: str = "",
        model: str = "",
        api_key: str = "",
        timeout_s: float = 30.0,
        max_candidates: int = 50,
    ) -> None:
        chosen = style or ("cohere" if model else "tei")
        if chosen not in _STYLES:
            raise InvalidSetting(f"rerank style '{style}' is unknown; use {', '.join(STYLES)}")
        if chosen == "tei" and model:
            raise InvalidSetting(
                f"a server of style tei serves one model; leave out '{model}', or use cohere"
            )
        self._endpoint = Endpoint(url, api_key=api_key)
        self._style, self._model, self._timeout_s = _STYLES[chosen], model, timeout_s
        self.max_candidates = max_candidates

    @property
    def name(self) -> str:
        """The model's name, or the server's where none was given."""
        return self._model or self._endpoint.host

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return the server's scores: float32 (n,), in [0, 1]; all 0 for a blank question.

        Raises:
            InvalidSetting: The server refuses the key, or has no such endpoint.
            RerankFailed: No answer in time, or one that is not a score in [0, 1] for each passage.
        """
        scores = np.zeros(len(request.texts), np.float32)
        if not request.question.strip():
            return scores
        rows = [row for row, text in enumerate(request.texts) if text.strip()]
        deadline = time.monotonic() + self._timeout_s
        for start in range(0, len(rows), self._style.max_texts):
            batch = rows[start : start + self._style.max_texts]
            body = self._body(request.question, [request.texts[row] for row in batch])
            answer = self._endpoint.post(body, deadline=deadline)
            scores[batch] = self._scores(answer, len(batch))
        return scores

    def _body(self, question: str, texts: Sequence[str]) -> bytes:
        fields: dict[str, Any] = {"query": question, self._style.texts_key: texts}
        if self._model:
            fields["model"] = self._model
        if self._style.takes_top_n:
            fields["top_n"] = len(texts)
        return json.dumps({**fields, **self._style.options}).encode()

    def _scores(self, answer: bytes, count: int) -> FloatVector:
        """Return the scores of `count` passages in their order: float32 (count,)."""
        try:
            found = self._style.read(answer)
        # Bytes that are not UTF-8, or nested without end, are not the library's own error.
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self._malformed(f"is not of the style asked for: {error}") from error
        if sorted(entry.index for entry in found) != list(range(count)):
            raise self._malformed(
                f"has {len(found)} scores for {count} passages; each index from 0 to {count - 1} "
                "is due once"
            )
        scores = np.empty(count, np.float32)
        for entry in found:
            if not -_ROUNDING <= entry.score <= 1 + _ROUNDING:
                raise self._malformed(
                    f"holds the score {entry.score:g}, a bare logit perhaps; scores in 0..1 are due"
                )
            scores[entry.index] = min(1.0, max(0.0, entry.score))
        return scores

    def _malformed(self, what: str) -> RerankFailed:
        return RerankFailed(
            f"the answer of reranker {self._endpoint.url} {what}; name another style "
            f"({', '.join(STYLES)}), or use another server"
        )
