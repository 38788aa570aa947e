"""Model choices: which models the settings can name, which they do, and what each still needs.

settings + variables + installed packages -> ModelChoices. No model is loaded and no server asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, TypeAlias

from filesearch.adapters import chat_key, chat_url
from filesearch.config import (
    BUNDLED_EMBEDDER,
    CHAT_PRESETS,
    EXTRACTIVE_MODEL,
    LEARNED_RERANKER,
    NO_RERANKER,
    Settings,
    split_chat_model,
    split_reranker,
)
from filesearch.errors import InvalidSetting

Setting: TypeAlias = Literal["chat_model", "embedder", "reranker"]

_SENTENCE_TRANSFORMERS = "sentence-transformers"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, or a kind of models, that a setting can name.

    Attributes:
        setting: The setting.
        name: What to write there; words in capitals stand for what is to be filled in. Of the one
            that is chosen, what is written.
        what: What it is, or where it is served.
        needs: What must be done before it can be used; empty where nothing must.
        is_chosen: Whether the settings name it.
    """

    setting: Setting
    name: str
    what: str
    needs: str = ""
    is_chosen: bool = False


def model_choices(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> tuple[ModelChoice, ...]:
    """Return every choice, those of one setting side by side.

    Args:
        settings: Say which are chosen.
        environ: Variables, for providers' own keys; the process's when None.
    """
    variables = os.environ if environ is None else environ
    return (*_chat_models(settings, variables), *_embedders(settings), *_rerankers(settings))


def _chat_models(settings: Settings, environ: Mapping[str, str]) -> Iterator[ModelChoice]:
    chosen = split_chat_model(settings.chat_model)
    yield ModelChoice(
        "chat_model",
        EXTRACTIVE_MODEL,
        "comes with filesearch: quotes the documents",
        is_chosen=chosen.preset == EXTRACTIVE_MODEL,
    )
    for preset in CHAT_PRESETS:
        is_chosen = preset == chosen.preset
        name = settings.chat_model if is_chosen else f"{preset}:NAME"
        url = chat_url(settings, split_chat_model(name))
        yield ModelChoice(
            "chat_model",
            name,
            url,
            needs="; ".join(
                filter(None, [_missing("openai", "openai"), _key(settings, name, url, environ)])
            ),
            is_chosen=is_chosen,
        )


def _key(settings: Settings, name: str, url: str, environ: Mapping[str, str]) -> str:
    """Return which variables a chat model's key may be set in; empty where it needs no more."""
    try:
        chat_key(settings, name, url, environ)
    except InvalidSetting as error:
        return str(error).rpartition("; ")[2]  # the way out
    return ""


def _embedders(settings: Settings) -> Iterator[ModelChoice]:
    name = settings.embedder
    is_transformer = name.startswith(f"{_SENTENCE_TRANSFORMERS}:")
    is_bundled = name == BUNDLED_EMBEDDER
    is_folder = not (is_bundled or is_transformer)
    for written, what, needs, is_chosen in (
        (BUNDLED_EMBEDDER, "comes with filesearch: English, 384 dimensions", "", is_bundled),
        ("FOLDER", "an exported ONNX model with its tokenizer", "", is_folder),
        (
            f"{_SENTENCE_TRANSFORMERS}:NAME",
            "of the Hugging Face hub, or a folder",
            _missing("sentence_transformers", _SENTENCE_TRANSFORMERS),
            is_transformer,
        ),
    ):
        yield ModelChoice("embedder", name if is_chosen else written, what, needs, is_chosen)


def _rerankers(settings: Settings) -> Iterator[ModelChoice]:
    chosen, _ = split_reranker(settings.reranker)
    if chosen in ("http", "https"):  # a bare address; see config.Settings.reranker
        chosen = "cohere" if "#" in settings.reranker else "tei"
    for kind, written, what, needs in (
        (LEARNED_RERANKER, LEARNED_RERANKER, "comes with filesearch", ""),
        (NO_RERANKER, NO_RERANKER, "passages stay as they were found", ""),
        ("onnx", "onnx:FOLDER_OR_NAME", "an exported cross-encoder, or one of the hub", ""),
        (
            _SENTENCE_TRANSFORMERS,
            f"{_SENTENCE_TRANSFORMERS}:NAME",
            "a cross-encoder of the Hugging Face hub, or a folder",
            _missing("sentence_transformers", _SENTENCE_TRANSFORMERS),
        ),
        ("tei", "tei:URL", "a server of text-embeddings-inference", ""),
        ("jina", "jina:URL#MODEL", "a server that speaks Jina's API", ""),
        ("cohere", "cohere:URL#MODEL", "a server that speaks Cohere's API", ""),
    ):
        is_chosen = kind == chosen
        name = settings.reranker if is_chosen else written
        yield ModelChoice("reranker", name, what, needs, is_chosen)


def _missing(package: str, extra: str) -> str:
    """Return how to install what is not there; empty where it is."""
    return "" if find_spec(package) else f"pip install 'filesearch[{extra}]'"
