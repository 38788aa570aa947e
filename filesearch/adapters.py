"""Adapters: the settings' names -> what stands behind each seam.

Together with `engine.py`, which gives them to the parts that need them, this is the one place
that knows more than one adapter. Libraries are imported when one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from filesearch.blobs import FolderBlobStore
from filesearch.config import (
    BUNDLED_EMBEDDER,
    LEARNED_RERANKER,
    NO_RERANKER,
    Settings,
    split_reranker,
)
from filesearch.errors import InvalidSetting
from filesearch.plan import Planner
from filesearch.protocols import BlobStore, ChatModel, Embedder, Reranker
from filesearch.types import Turn

_SENTENCE_TRANSFORMERS = "sentence-transformers:"


def make_embedder(name: str) -> Embedder:
    """Return the embedder called `name`; see config.Settings.embedder.

    Raises:
        InvalidSetting: No such embedder, or its extra is not installed.
    """
    if name == BUNDLED_EMBEDDER:
        from filesearch.embed.onnx import OnnxEmbedder

        return OnnxEmbedder()
    if name.startswith(_SENTENCE_TRANSFORMERS):
        from filesearch.embed.sentence_transformers import SentenceTransformerEmbedder

        return SentenceTransformerEmbedder(name.removeprefix(_SENTENCE_TRANSFORMERS))
    if Path(name).is_dir():
        from filesearch.embed.onnx import OnnxEmbedder

        return OnnxEmbedder(Path(name))
    raise InvalidSetting(
        f"embedder '{name}' is unknown; use {BUNDLED_EMBEDDER}, the folder of an exported model, "
        f"or {_SENTENCE_TRANSFORMERS}NAME"
    )


def make_reranker(name: str, *, api_key: str = "") -> Reranker | None:
    """Return the reranker called `name`, or None for "none"; see config.Settings.reranker.

    No model is loaded and no server asked before the first question.

    Raises:
        InvalidSetting: No such reranker, or its folder or address cannot be used.
    """
    kind, model = split_reranker(name)
    if kind == NO_RERANKER:
        return None
    if kind == LEARNED_RERANKER:
        from filesearch.rerank.learned import (
            LearnedReranker,
        )

        learned: Reranker = LearnedReranker()
        return learned
    if kind == "onnx":
        from filesearch.rerank.onnx_cross_encoder import OnnxCrossEncoder

        return OnnxCrossEncoder(model)
    if kind == "sentence-transformers":
        from filesearch.rerank.sentence_transformers import SentenceTransformerCrossEncoder

        return SentenceTransformerCrossEncoder(model)
    from filesearch.rerank.http import HttpReranker

    is_url = kind in ("http", "https")
    # The model stands where a fragment does, which is never sent.
    url, _, served = (name if is_url else model).partition("#")
    return HttpReranker(url, style="" if is_url else kind, model=served, api_key=api_key)


def make_blob_store(directory: Path) -> BlobStore:
    """Return the store of the files' bytes in `directory`, which is made at the first `put`."""
    return FolderBlobStore(directory)


def make_chat_model(
    settings: Settings, *, embedder: Callable[[], Embedder], plan: Planner
) -> ChatModel:
    """Return what answers; see config.Settings.chat_model."""
    from filesearch.chat.extractive import ExtractiveChatModel

    def wanted(question: str, history: Sequence[Turn]) -> str:
        queries = plan(question, history=history).queries
        return queries[0] if queries else question

    return ExtractiveChatModel(embedder, wanted)
