"""Adapters: the settings' names -> what stands behind each seam.

Together with `engine.py`, which gives them to the parts that need them, this is the one place
that knows more than one adapter. Libraries are imported when one is chosen.
"""

from __future__ import annotations

from pathlib import Path

from filesearch.blobs import FolderBlobStore
from filesearch.config import BUNDLED_EMBEDDER
from filesearch.errors import InvalidSetting
from filesearch.protocols import BlobStore, Embedder

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


def make_blob_store(directory: Path) -> BlobStore:
    """Return the store of the files' bytes in `directory`, which is made at the first `put`."""
    return FolderBlobStore(directory)
