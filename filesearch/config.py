"""Config: every setting, where it may come from, and what it may be.

Flags win over `FSEARCH_*` variables, those over `fsearch.toml` in the working directory, that
over the defaults here. Settings are frozen, refuse unknown keys, and start nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from filesearch.errors import InvalidSetting
from filesearch.types import ChunkSettings

ENV_PREFIX = "FSEARCH_"
SETTINGS_FILE = "fsearch.toml"
BUNDLED_EMBEDDER = "all-MiniLM-L6-v2"
EXTRACTIVE_MODEL = "extractive"
LEARNED_RERANKER, NO_RERANKER = "learned", "none"
MAX_TOP_K = 1000
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
# See chat/presets.py for what stands behind each.
CHAT_PRESETS = tuple(
    "openai ollama vllm llamacpp lmstudio zhipu glm qwen dashscope deepseek baichuan minimax "
    "spark".split()
)
RERANKER_KINDS = ("onnx", "sentence-transformers", "http", "https", "tei", "jina", "cohere")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one index is opened.

    Attributes:
        index: Directory of the index; made at the first ingest.
        db: SQLAlchemy URL of the catalog; empty means SQLite inside `index`.
        embedder: `all-MiniLM-L6-v2` (bundled), a folder with an exported model, or
            `sentence-transformers:NAME_OR_PATH` (needs the extra of that name).
        embed_threads: Texts that the bundled embedder, or one in a folder, works on at the same
            time, one thread each; 0 means what was measured to be best on this machine (see
            embed/threads.py).
        reranker: What judges the passages that were found, before the best are shown:
            `learned` (bundled); `none`; `onnx:FOLDER_OR_NAME`, an exported cross-encoder in a
            folder or on the Hugging Face hub; `sentence-transformers:NAME_OR_PATH` (needs the
            extra of that name); or a server, to which the passages are sent:
            `tei:URL` (text-embeddings-inference), `jina:URL#MODEL`, `cohere:URL#MODEL`. A bare
            `http(s)://...` URL is of style tei, and with `#MODEL` of style cohere.
        reranker_api_key: Sent to that server alone. Better in a variable than in a file.
        chat_model: What answers: `extractive` quotes the documents; `PRESET:NAME` is a model
            behind an OpenAI-compatible server, to which questions and passages are sent, such as
            `openai:NAME`, `ollama:NAME`, `qwen:NAME` (needs the extra `openai`).
        chat_base_url: Where that server is, up to and without /chat/completions; empty means the
            preset's own address. `PRESET:NAME@URL` says the same in one setting, and wins.
        chat_api_key: Sent to that server alone; empty takes the preset's own variable, such as
            OPENAI_API_KEY, where the server is the preset's. Better in a variable than in a file.
        chat_models: For `fsearch serve`: names that programs ask for, or shell patterns such as
            `gpt-4*`, and what answers to each, in the syntax of `chat_model`; all others are
            answered by `chat_model`. A name wins over patterns, the first of them over the next.
            A table in the settings file, `NAME=MODEL,NAME=MODEL` in a variable. Models of the
            same preset as `chat_model`, and of any where that is `extractive`, are served at
            `chat_base_url` unless they say where.
        chat_timeout_s: Longest silence of a chat model's server, for each try.
        chat_context_tokens: How many tokens the chat model reads; None leaves it to the server.
        chat_calls_tools: Whether it can call tools; None goes by the preset and what the server
            says.
        chunk_size, chunk_overlap: In cl100k_base tokens; size 100..4096, overlap at most half of
            it. None means what the index was made with, and OpenAI's 800 and 400 for a new one.
        late_interaction: Keep where single words point (about 3 KB a window), which makes ranking
            better. None means what the index was made with, and true for a new one.
        top_k: How many passages a search returns, 1..1000, where the call does not say.
        score_threshold: Passages with a lower score are left out, 0..1; see the score of
            types.SearchResult.
        answer_threshold: Quotes are given where the passages answer at least this probably, 0..1;
            else the extractive model says that the documents hold no answer. 0 lets only the words
            decide. None means the calibrated one, see README.
        vector_weight: Share of the vector score in hybrid search, 0..1; the rest is the keyword
            score's. None lets it follow the question.
        lock_timeout_s: How long to wait for another process that is writing to the index.
        parse_timeout_s: Longest time one file may take to be read.
        parse_memory_mb: Memory one file may take to be read, in MiB.
        page_timeout_s: Longest time one page of it may take.
        ocr: Read text out of pictures: `auto` images and pages without text, `all` also pictures
            within documents that have text, `off` none.
        api_key: A key that `fsearch serve` accepts besides those of `fsearch keys`. Better in a
            variable than in a file.
    """

    index: str = "indexes/default"
    db: str = ""
    embedder: str = BUNDLED_EMBEDDER
    embed_threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    reranker: str = LEARNED_RERANKER
    reranker_api_key: str = ""
    chat_model: str = EXTRACTIVE_MODEL
    chat_base_url: str = ""
    chat_api_key: str = ""
    chat_models: dict[str, str] = msgspec.field(default_factory=dict)
    chat_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    chat_context_tokens: Annotated[int, msgspec.Meta(ge=512)] | None = None
    chat_calls_tools: bool | None = None
    chunk_size: int | None = None
    chunk_overlap: int | None = None
    late_interaction: bool | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1, le=MAX_TOP_K)] = 8
    score_threshold: Share = 0.0
    answer_threshold: Share | None = None
    vector_weight: Share | None = None
    lock_timeout_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    parse_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    parse_memory_mb: Annotated[int, msgspec.Meta(ge=64)] = 1024
    page_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    ocr: Literal["auto", "off", "all"] = "auto"
    api_key: str = ""

    def __post_init__(self) -> None:
        """Refuse what the types cannot say.

        Raises:
            InvalidSetting: No directory for the index, chunk sizes out of bounds, or a reranker or
                chat model that does not exist here.
        """
        if not self.index.strip():
            # A path of no name is the working directory, which is nobody's wish for an index.
            raise InvalidSetting(
                f"index is '{self.index}'; name a directory, such as indexes/default, or leave it "
                "out ('.' is the working directory)"
            )
        self.chunk_settings(ChunkSettings())
        split_reranker(self.reranker)
        for model in (self.chat_model, *self.chat_models.values()):
            split_chat_model(model)

    def __repr__(self) -> str:
        shown = (
            f"{name}={'...' if name.endswith('_key') and value else repr(value)}"
            for name, value in msgspec.structs.asdict(self).items()
        )
        return f"Settings({', '.join(shown)})"

    def chunk_settings(self, recorded: ChunkSettings) -> ChunkSettings:
        """Return the chunk settings asked for, with those `recorded` where nothing was asked.

        A smaller size alone takes half of itself as overlap when the recorded overlap is too long.
        """
        size = recorded.size if self.chunk_size is None else self.chunk_size
        if self.chunk_overlap is not None:
            return ChunkSettings(size, self.chunk_overlap)
        return ChunkSettings(size, min(recorded.overlap, max(0, size) // 2))


def check_top_k(top_k: int) -> int:
    """Return `top_k`, how many passages to return.

    Raises:
        InvalidSetting: It is not 1 to `MAX_TOP_K`.
    """
    if not 1 <= top_k <= MAX_TOP_K:
        raise InvalidSetting(f"top_k is {top_k}; choose 1 to {MAX_TOP_K}")
    return top_k


def split_reranker(name: str) -> tuple[str, str]:
    """Return the kind of a reranker and what stands after its colon, empty for those without.

    Raises:
        InvalidSetting: No such kind, or nothing after its colon.
    """
    kind, _, model = name.partition(":")
    if name not in (LEARNED_RERANKER, NO_RERANKER) and not (kind in RERANKER_KINDS and model):
        raise InvalidSetting(
            f"reranker '{name}' is unknown; use {LEARNED_RERANKER}, {NO_RERANKER}, "
            "onnx:FOLDER_OR_NAME, sentence-transformers:NAME, tei:URL, jina:URL#MODEL, "
            "cohere:URL#MODEL, or an http(s) URL"
        )
    return kind, model


@dataclass(frozen=True, slots=True)
class ChatModelName:
    """What the name of a chat model says.

    Attributes:
        preset: One of `CHAT_PRESETS`, or `extractive`.
        model: The server's name for it; empty for the extractive one.
        base_url: Where it is served; empty leaves that to the settings and the preset.
    """

    preset: str
    model: str
    base_url: str = ""


def split_chat_model(name: str) -> ChatModelName:
    """Return what `extractive`, `PRESET:NAME` or `PRESET:NAME@URL` says.

    Raises:
        InvalidSetting: No such preset, or no name after its colon.
    """
    preset, _, rest = name.partition(":")
    # Names of models hold colons, slashes and at signs; only a URL's own scheme ends them.
    at = max(rest.rfind("@http://"), rest.rfind("@https://"))
    model, base_url = (rest, "") if at < 0 else (rest[:at], rest[at + 1 :])
    if name != EXTRACTIVE_MODEL and not (preset in CHAT_PRESETS and model):
        known = ", ".join(f"{preset}:NAME" for preset in CHAT_PRESETS)
        raise InvalidSetting(f"chat model '{name}' is unknown; use {EXTRACTIVE_MODEL}, {known}")
    return ChatModelName(preset, model, base_url)


def _split_chat_models(text: str) -> dict[str, str]:
    """Return the mapping that `NAME=MODEL,NAME=MODEL` says; white space around is left out.

    Raises:
        InvalidSetting: A part has no name or no model.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, model = (side.strip() for side in part.partition("="))
        if not (name and model):
            raise InvalidSetting(f"chat_models has '{part}'; write NAME=MODEL,NAME=MODEL")
        pairs[name] = model
    return pairs


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Return the settings that hold, from all four places.

    Args:
        flags: Settings by name; None values count as not given.
        environ: Variables; the process's own when None.
        directory: Where `fsearch.toml` is looked for; the working directory when None.

    Raises:
        InvalidSetting: An unknown key, a value of the wrong type or out of bounds, or a settings
            file that is not TOML. The message names the place.
    """
    path = (directory or Path.cwd()) / SETTINGS_FILE
    given_flags = {name: value for name, value in (flags or {}).items() if value is not None}
    from_file = _read_file(path)
    from_env = _read_environ(os.environ if environ is None else environ)
    # Each place is checked alone first, so that a message can say which one is wrong.
    for place, values in ((str(path), from_file), ("the environment", from_env)):
        _convert(values, place)
    return _convert({**from_file, **from_env, **given_flags}, "the flags")


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            import tomllib  # most folders have no settings file, and need not wait for it

            return tomllib.load(stream)
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError, OSError) as error:  # no TOML, no UTF-8; not readable
        raise InvalidSetting(f"{path} cannot be read as TOML: {error}") from error


def _read_environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(ENV_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(ENV_PREFIX) and value != ""
    }


def _convert(values: Mapping[str, object], place: str) -> Settings:
    known = Settings.__struct_fields__
    for name in values:
        if name not in known:
            raise InvalidSetting(
                f"unknown setting '{name}' in {place}; known settings: {', '.join(known)}"
            )
    given = dict(values)
    mapped = given.get("chat_models")
    if isinstance(mapped, str):
        given["chat_models"] = _split_chat_models(mapped)
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSetting(f"{error} in {place}") from error
