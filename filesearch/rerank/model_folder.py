"""Model folder: where the files of an exported cross-encoder lie.

folder, or name on the Hugging Face hub -> ModelFolder. The layout is that of the exporters
(optimum, sentence-transformers): tokenizer.json, config.json, tokenizer_config.json, and the
graph as model.onnx here or in onnx/.
"""

from __future__ import annotations

import fnmatch
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from filesearch.errors import InvalidSetting

# Best first: full precision before int8, because it is what the model's figures were taken with.
_GRAPHS = (
    "model.onnx",
    "onnx/model.onnx",
    "model_quantized.onnx",
    "onnx/model_quantized.onnx",
    "model_qint8*.onnx",
    "onnx/model_qint8*.onnx",
    "model_quint8*.onnx",
    "onnx/model_quint8*.onnx",
)
_TOKENIZER, _CONFIG, _TOKENIZER_CONFIG = "tokenizer.json", "config.json", "tokenizer_config.json"
# What rerankers are trained on; those that could read more get slow long before.
_MAX_LENGTH = 512


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """An exported cross-encoder.

    Attributes:
        graph: The ONNX file.
        tokenizer: The tokenizer.json.
        max_length: Tokens of a pair that the model reads, special tokens included.
        pad_id: The token that fills up shorter pairs of a batch.
    """

    graph: Path
    tokenizer: Path
    max_length: int
    pad_id: int


def open_folder(folder: Path) -> ModelFolder:
    """Return what lies in `folder`; the graph itself is not read.

    Raises:
        InvalidSetting: A file is missing, or a configuration is not one.
    """
    files = [*folder.glob("*"), *folder.glob("onnx/*")]
    names = [file.relative_to(folder).as_posix() for file in files if file.is_file()]
    graph = _choose_graph(names)
    missing = [name for name in (_TOKENIZER, _CONFIG) if name not in names]
    if graph is None or missing:
        raise InvalidSetting(
            f"reranker folder '{folder}' has no {', '.join(missing or ['model.onnx'])}; make one "
            f"with: optimum-cli export onnx --model NAME '{folder}'"
        )
    config = _read_json(folder / _CONFIG)
    limits = [_MAX_LENGTH, config.get("max_position_embeddings")]
    if _TOKENIZER_CONFIG in names:
        # Without a limit of its own, a tokenizer says 1e30.
        limits.append(_read_json(folder / _TOKENIZER_CONFIG).get("model_max_length"))
    pad_id = config.get("pad_token_id")
    return ModelFolder(
        graph=folder / graph,
        tokenizer=folder / _TOKENIZER,
        max_length=min(limit for limit in limits if isinstance(limit, int) and limit > 0),
        pad_id=pad_id if isinstance(pad_id, int) else 0,
    )


def _choose_graph(names: Sequence[str]) -> str | None:
    foreign = "avx" if platform.machine().lower() in ("arm64", "aarch64") else "arm64"
    for pattern in _GRAPHS:
        found = fnmatch.filter(names, pattern)
        if found:
            return min(found, key=lambda name: (foreign in name, name))
    return None


def _read_json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidSetting(f"'{path}' is not JSON: {error}; export the model again") from error
    if not isinstance(found, dict):
        raise InvalidSetting(f"'{path}' is not a JSON object; export the model again")
    return found


def fetch_folder(name: str) -> Path:
    """Return the folder of a model on the Hugging Face hub, downloaded at its first use.

    What is in the hub's cache already is used without asking the hub again, so that a model
    stays what it is and a machine without network can use it.

    Args:
        name: Such as "cross-encoder/ms-marco-MiniLM-L6-v2".

    Raises:
        InvalidSetting: No such model, no exported graph in it, or no way to the hub.
    """
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(name, local_files_only=True))
        open_folder(cached)
    except (LocalEntryNotFoundError, InvalidSetting, ValueError):
        pass  # not there, only what another library needed of it, or no name at all
    else:
        return cached
    try:
        listed = [file.rfilename for file in HfApi().model_info(name).siblings or []]
    # Network and hub errors come in classes of several libraries, which change with the versions
    # of the hub's client; all mean that the name is no use.
    except Exception as error:
        raise _no_download(name, error) from error
    graph = _choose_graph(listed)
    if graph is None or _TOKENIZER not in listed:
        raise InvalidSetting(
            f"model '{name}' on the hub has no ONNX graph with a tokenizer.json; export it with: "
            f"optimum-cli export onnx --model {name} FOLDER, and give onnx:FOLDER"
        )
    try:
        for file in _needed(listed, graph):
            path = hf_hub_download(name, file)
    except Exception as error:  # as above
        raise _no_download(name, error) from error
    return Path(path).parents[graph.count("/")]


def _needed(names: Iterable[str], graph: str) -> list[str]:
    """Return the files to download, the graph last: where it is, nothing is missing.

    A graph over 2 GB keeps its weights in files whose names go on after its own.
    """
    known = (_TOKENIZER, _CONFIG, _TOKENIZER_CONFIG)
    return [n for n in names if n in known or (n.startswith(graph) and n != graph)] + [graph]


def _no_download(name: str, error: Exception) -> InvalidSetting:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return InvalidSetting(
        f"reranker '{name}' is no folder here, and cannot be downloaded from the Hugging Face hub: "
        f"{reason}; download it where there is a network and give its folder: onnx:FOLDER"
    )
