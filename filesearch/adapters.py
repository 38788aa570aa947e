"""Adapters: the settings' names -> what stands behind each seam.

Together with `engine.py`, which gives them to the parts that need them, this is the one place
that knows more than one adapter. Libraries are imported when one is chosen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from filesearch.blobs import FolderBlobStore
from filesearch.config import (
    BUNDLED_EMBEDDER,
    EXTRACTIVE_MODEL,
    LEARNED_RERANKER,
    NO_RERANKER,
    ChatModelName,
    Settings,
    split_chat_model,
    split_reranker,
)
from filesearch.errors import InvalidSetting
from filesearch.plan import Planner
from filesearch.protocols import BlobStore, ChatModel, Embedder, Reranker
from filesearch.types import Turn

_SENTENCE_TRANSFORMERS = "sentence-transformers:"


def make_embedder(name: str, *, threads: int = 0) -> Embedder:
    """Return the embedder called `name`; see config.Settings.embedder.

    Args:
        name: As the setting.
        threads: As the setting `embed_threads`.

    Raises:
        InvalidSetting: No such embedder, or its extra is not installed.
    """
    if name == BUNDLED_EMBEDDER:
        from filesearch.embed.onnx import OnnxEmbedder

        return OnnxEmbedder(threads=threads)
    if name.startswith(_SENTENCE_TRANSFORMERS):
        from filesearch.embed.sentence_transformers import SentenceTransformerEmbedder

        return SentenceTransformerEmbedder(name.removeprefix(_SENTENCE_TRANSFORMERS))
    if Path(name).is_dir():
        from filesearch.embed.onnx import OnnxEmbedder

        return OnnxEmbedder(Path(name), threads=threads)
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


def make_chat_model(
    settings: Settings,
    *,
    extractive: Callable[[], ChatModel],
    name: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> ChatModel:
    """Return a chat model of the settings; see config.Settings.chat_model.

    No server is asked before the first question.

    Args:
        extractive: Makes the one that quotes.
        name: In the syntax of that setting; None takes the setting.
        environ: Variables, for a provider's own key; the process's when None.

    Raises:
        InvalidSetting: No such model, no key for a provider that wants one, an address that
            cannot be used, or the extra is not installed.
    """
    wanted = settings.chat_model if name is None else name
    said = split_chat_model(wanted)
    if said.preset == EXTRACTIVE_MODEL:
        return extractive()
    from filesearch.chat.openai import OpenAIChatModel
    from filesearch.chat.presets import PRESETS

    preset = PRESETS[said.preset]
    quirks = preset.quirks
    if settings.chat_calls_tools is not None and wanted == settings.chat_model:
        quirks = replace(quirks, calls_tools=settings.chat_calls_tools)
    base_url = chat_url(settings, said)
    return OpenAIChatModel(
        said.model,
        base_url=base_url,
        api_key=chat_key(settings, wanted, base_url, os.environ if environ is None else environ),
        timeout_s=settings.chat_timeout_s,
        quirks=quirks,
    )


def chat_url(settings: Settings, said: ChatModelName) -> str:
    """Return where a chat model of the settings is served; empty for the extractive one."""
    from filesearch.chat.presets import PRESETS

    if said.base_url:
        return said.base_url
    set_for = split_chat_model(settings.chat_model).preset
    if settings.chat_base_url and set_for in (said.preset, EXTRACTIVE_MODEL):
        return settings.chat_base_url
    return PRESETS[said.preset].base_url if said.preset in PRESETS else ""


def chat_key(settings: Settings, name: str, base_url: str, environ: Mapping[str, str]) -> str:
    """Return the key for a chat model's server, empty for none.

    The key that is set goes to the server of `chat_model` alone, a provider's own key to the
    provider alone, not to whatever address is set.

    Args:
        settings: May have a key.
        name: In the syntax of `chat_model`, not the extractive one.
        base_url: Where it is served; see `chat_url`.
        environ: Variables.

    Raises:
        InvalidSetting: The provider wants a key and none is set.
    """
    from filesearch.chat.presets import PRESETS

    preset = PRESETS[split_chat_model(name).preset]
    own_server = chat_url(settings, split_chat_model(settings.chat_model))
    if settings.chat_api_key and _origin(base_url) == _origin(own_server):
        return settings.chat_api_key
    if not preset.may_take_key(base_url):
        return ""
    for variable in preset.key_variables:
        if environ.get(variable):
            return environ[variable]
    if preset.key_variables:
        raise InvalidSetting(
            f"chat model '{name}' needs an API key; set FSEARCH_CHAT_API_KEY or "
            f"{preset.key_variables[0]}"
        )
    return ""


def _origin(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL; what is none is refused later, with a message."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc


def make_blob_store(directory: Path) -> BlobStore:
    """Return the store of the files' bytes in `directory`, which is made at the first `put`."""
    return FolderBlobStore(directory)


def make_extractive_model(
    settings: Settings, embedder: Callable[[], Embedder], plan: Planner
) -> ChatModel:
    """Return the chat model that quotes.

    Args:
        settings: Say how probably passages must answer.
        embedder: Makes the embedder, when it is needed.
        plan: Makes a question of a conversation understandable by itself.
    """
    from filesearch.chat.extractive import ExtractiveChatModel

    def wanted(question: str, history: Sequence[Turn]) -> str:
        queries = plan(question, history=history).queries
        return queries[0] if queries else question

    model: ChatModel = ExtractiveChatModel(
        embedder, wanted, answer_threshold=settings.answer_threshold
    )
    return model
