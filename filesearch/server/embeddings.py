"""Embeddings: texts of any length -> one unit vector each, in turns that keep nobody waiting.

A text longer than the embedder reads is cut into windows as a document is, and its vector is the
mean of theirs, scaled to length 1 again: nothing of it is left out. One thread embeds, which uses
every core; a request's windows go to it a few at a time, so that a large batch and a single
question are served side by side.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np

from filesearch.chunk import cut_windows
from filesearch.protocols import Embedder
from filesearch.server.errors import invalid
from filesearch.server.wire.embeddings import MAX_INPUTS, MAX_TOKENS, EmbeddingRequest
from filesearch.tokens import count_tokens, decode_tokens
from filesearch.types import FloatMatrix, IntArray

_WINDOWS_A_TURN = 32  # well below a second on two cores
_thread = ThreadPoolExecutor(1, thread_name_prefix="filesearch-embed")

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class _Cut:
    """Texts cut into what the embedder reads.

    Attributes:
        windows: At least one for each text, in order.
        text_of: int64 (n_windows,): which text each belongs to, ascending.
        token_count: cl100k_base tokens of all texts.
    """

    windows: list[str]
    text_of: IntArray
    token_count: int


async def answer_embeddings(embedder: Embedder, request: EmbeddingRequest) -> bytes:
    """Return OpenAI's list of embeddings as JSON.

    Raises:
        ApiError: An input is empty or no token, all of them are too long together, or more
            dimensions are wanted than the embedder has.
    """
    if request.dimensions is not None and request.dimensions > embedder.dimension:
        raise invalid(
            f"Invalid value for 'dimensions' = {request.dimensions}. Must be less than or equal "
            f"to {embedder.dimension}, which is what '{embedder.name}' makes.",
            "dimensions",
            "invalid_value",
        )
    cut = await _in_turn(_cut, embedder, request)
    vectors = np.zeros((cut.text_of[-1] + 1, embedder.dimension), np.float32)
    for start in range(0, len(cut.windows), _WINDOWS_A_TURN):
        turn = slice(start, start + _WINDOWS_A_TURN)
        found = await _in_turn(embedder.embed_texts, cut.windows[turn])
        np.add.at(vectors, cut.text_of[turn], found)
    return await _in_turn(_encode, vectors, request, cut.token_count)


async def _in_turn(work: Callable[..., _Made], *given: Any) -> _Made:  # noqa: ANN401
    return await asyncio.get_running_loop().run_in_executor(_thread, work, *given)


def _cut(embedder: Embedder, request: EmbeddingRequest) -> _Cut:
    texts, token_count = _read_input(request.input)
    if token_count > MAX_TOKENS:
        raise invalid(
            f"Invalid 'input': {token_count} tokens. Expected at most {MAX_TOKENS} for all inputs "
            "of one request together; send fewer at a time.",
            "input",
            "max_tokens_per_request",
        )
    windows: list[str] = []
    text_of: list[int] = []
    for number, text in enumerate(texts):
        pieces = embedder.token_offsets(text)
        parts = [text]
        if len(pieces) > embedder.max_tokens:
            cuts = cut_windows(text, pieces, max_pieces=embedder.max_tokens)
            parts = [text[cut.start : cut.end] for cut in cuts]
        windows += parts
        text_of += [number] * len(parts)
    return _Cut(windows, np.array(text_of, np.int64), token_count)


def _read_input(given: str | Sequence[Any]) -> tuple[list[str], int]:
    """Return the texts of an input and how many tokens they have together."""
    is_single = isinstance(given, str) or isinstance(given[0], int)
    inputs: Sequence[Any] = [given] if is_single else given
    if len(inputs) > MAX_INPUTS:
        raise invalid(
            f"Invalid 'input': array too long. Expected an array with maximum length {MAX_INPUTS}, "
            f"but got an array with length {len(inputs)} instead.",
            "input",
            "array_above_max_length",
        )
    texts: list[str] = []
    token_count = 0
    for number, one in enumerate(inputs):
        at = "input" if is_single else f"input[{number}]"
        if isinstance(one, str):
            if not one:
                raise invalid(f"'$.input' is invalid: '{at}' is an empty string. Leave it out.", at)
            texts.append(one)
            token_count += count_tokens(one)
            continue
        try:
            texts.append(decode_tokens(one))
        except ValueError as error:
            raise invalid(f"Invalid '{at}': {error}.", at, "invalid_value") from error
        token_count += len(one)
    return texts, token_count


def _encode(sums: FloatMatrix, request: EmbeddingRequest, token_count: int) -> bytes:
    """Return the answer; `sums` are float32 (n_texts, dimension) of any length."""
    wanted = sums[:, : request.dimensions]
    lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
    vectors = (wanted / np.maximum(lengths, np.finfo(np.float32).tiny)).astype("<f4")
    is_base64 = request.encoding_format == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(v.tobytes()).decode() if is_base64 else v.tolist(),
        }
        for index, v in enumerate(vectors)
    ]
    usage = {"prompt_tokens": token_count, "total_tokens": token_count}
    return msgspec.json.encode(
        {"object": "list", "data": data, "model": request.model, "usage": usage}
    )
