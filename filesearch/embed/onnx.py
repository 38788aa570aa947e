"""Embed with onnxruntime: the bundled all-MiniLM-L6-v2, or a folder made like it.

texts -> word pieces -> batches of like length -> ONNX session -> float32 unit vectors.

Opening reads the card only; tokenizer and session are loaded when first used (about 20 ms and
50 ms). How the model is made, and what quantising it costs: scripts/export_model.py.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from filesearch.embed.pieces import piece_offsets
from filesearch.errors import InvalidSetting
from filesearch.onnx_session import batches, open_session
from filesearch.signs import join_signs, token_signs
from filesearch.types import (
    BitMatrix,
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    WindowEmbeddings,
)

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Encoding, Tokenizer

MODEL_FILE, TOKENIZER_FILE, CARD_FILE = "model.onnx", "tokenizer.json", "card.json"
_CARD_FIELDS = {
    "name": str,
    "sha256": dict,
    "dimension": int,
    "max_tokens": int,
    "languages": list,
}
_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_VECTORS, _TOKENS = "sentence_embedding", "token_embeddings"  # outputs of the model

# Texts tokenised and sorted together: 20 KB each while they wait, so 20 MB.
_SLAB_TEXTS = 1024


class OnnxEmbedder:
    """An Embedder over `model.onnx`, `tokenizer.json` and `card.json` of one folder.

    Safe to use from several threads at once; the session uses every core.

    A text's vector depends slightly on the texts it is embedded with, because activations are
    quantised with one scale for the whole batch: the cosine to the vector of the text alone is
    0.996 on average and 0.992 at least over 300 abstracts; 0.97 was seen for a word among long
    texts.

    Args:
        directory: The folder; the bundled model when None.

    Raises:
        InvalidSetting: A file is missing, or the card is not one.
    """

    def __init__(self, directory: Path | None = None) -> None:
        bundled = resources.files("filesearch") / "data" / "all-MiniLM-L6-v2"
        self._directory = directory or Path(str(bundled))
        self._card = _read_card(self._directory)
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """As the card says, such as "all-MiniLM-L6-v2"."""
        return str(self._card["name"])

    @cached_property
    def fingerprint(self) -> str:
        """Name and the first 16 hex digits of a SHA-256 over what the card says of the files.

        The files themselves are not read; `verify` does.
        """
        parts = [self._card["sha256"][MODEL_FILE], self._card["sha256"][TOKENIZER_FILE]]
        parts += [str(self.dimension), str(self.max_tokens)]
        return f"{self.name}@{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._card["dimension"])

    @property
    def max_tokens(self) -> int:
        """Word pieces the model reads of one text, [CLS] and [SEP] not counted."""
        return int(self._card["max_tokens"])

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes the model was trained for; empty means any."""
        return frozenset(self._card["languages"])

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word piece of `text` stands in it, as `piece_offsets` does.

        Offsets are characters of `text` as given, though the model reads it lower-cased and
        without accents.

        Returns:
            int64, shape (n_pieces, 2); never truncated.
        """
        return piece_offsets(self._offset_tokenizer, text)

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text, in the order given.

        Texts longer than `max_tokens` are cut. An empty text gives a unit vector like any other.

        Returns:
            float32, shape (len(texts), dimension), C-contiguous.
        """
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for rows, encodings in self._batches(texts):
            vectors[rows] = self._run(encodings, [_VECTORS])[0]
        return vectors

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a question: float32, shape (dimension,)."""
        vector: FloatVector = self._run(self._tokenizer.encode_batch_fast([text]), [_VECTORS])[0][0]
        return vector

    def embed_windows(self, texts: Sequence[str]) -> WindowEmbeddings:
        """Return the vectors of `embed_texts` and the token signs of the same texts."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        signs: list[BitMatrix] = [np.empty((0, self.dimension // 8), np.uint8)] * len(texts)
        for rows, encodings in self._batches(texts):
            vectors[rows], tokens = self._run(encodings, [_VECTORS, _TOKENS])
            for row, bits in zip(rows, token_signs(tokens, _lengths(encodings)), strict=True):
                signs[row] = bits
        return WindowEmbeddings(vectors, join_signs(signs, self.dimension))

    def embed_question(self, text: str) -> QuestionEmbedding:
        """Return the vector of `embed_query` and those of the word pieces."""
        [encoding] = self._tokenizer.encode_batch([text])
        vectors, tokens = self._run([encoding], [_VECTORS, _TOKENS])
        pieces = tokens[0, 1:-1]
        return QuestionEmbedding(
            vector=vectors[0],
            tokens=pieces / np.linalg.norm(pieces, axis=1, keepdims=True),
            offsets=np.array(encoding.offsets[1:-1], np.int64).reshape(-1, 2),
        )

    def verify(self) -> None:
        """Compare the files with the digests on the card; takes about 20 ms.

        Raises:
            InvalidSetting: A file was altered.
        """
        for file, expected in self._card["sha256"].items():
            with (self._directory / file).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != expected:
                raise InvalidSetting(
                    f"'{self._directory / file}' has SHA-256 {digest}, its card says {expected}; "
                    f"reinstall filesearch, or export the model again: scripts/export_model.py"
                )

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[IntArray, list[Encoding]]]:
        """Yield row numbers and their encodings, each row once."""
        for start in range(0, len(texts), _SLAB_TEXTS):
            slab = list(texts[start : start + _SLAB_TEXTS])
            encodings = self._tokenizer.encode_batch_fast(slab)
            for rows in batches(_lengths(encodings)):
                yield start + rows, [encodings[row] for row in rows]

    def _run(self, encodings: Sequence[Encoding], outputs: list[str]) -> list[FloatMatrix]:
        """Return the named outputs for some texts, one row a text, padded to the longest."""
        width = max(len(encoding) for encoding in encodings)
        ids = np.zeros((len(encodings), width), np.int64)  # 0 is [PAD]
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        found: list[FloatMatrix] = self._session.run(outputs, feed)
        return found

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """Cuts at `max_tokens`. Its settings never change after this: threads share it."""
        tokenizer = self._load_tokenizer()
        tokenizer.enable_truncation(self.max_tokens + _SPECIAL_TOKENS)
        return tokenizer

    @cached_property
    def _offset_tokenizer(self) -> Tokenizer:
        tokenizer = self._load_tokenizer()
        tokenizer.no_truncation()
        return tokenizer

    def _load_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._directory / TOKENIZER_FILE))
        tokenizer.no_padding()
        return tokenizer

    @property
    def _session(self) -> onnxruntime.InferenceSession:
        with self._loading:
            return self._loaded_session

    @cached_property
    def _loaded_session(self) -> onnxruntime.InferenceSession:
        return open_session(self._directory / MODEL_FILE, is_fused=True)


def _read_card(directory: Path) -> dict[str, Any]:
    """Return the card of a model folder whose files are all there."""
    missing = [f for f in (CARD_FILE, MODEL_FILE, TOKENIZER_FILE) if not (directory / f).is_file()]
    if missing:
        raise InvalidSetting(
            f"embedder folder '{directory}' has no {', '.join(missing)}; "
            f"make one with: scripts/export_model.py --out '{directory}'"
        )
    try:
        card = json.loads((directory / CARD_FILE).read_text("utf-8"))
        wrong = [f for f, kind in _CARD_FIELDS.items() if not isinstance(card.get(f), kind)]
    except (ValueError, AttributeError) as error:
        raise InvalidSetting(
            f"'{directory / CARD_FILE}' is not a JSON object ({error}); "
            f"make it again with: scripts/export_model.py --out '{directory}'"
        ) from error
    wrong += [f"sha256[{f}]" for f in (MODEL_FILE, TOKENIZER_FILE) if f not in card["sha256"]]
    if wrong:
        raise InvalidSetting(
            f"'{directory / CARD_FILE}' lacks {', '.join(wrong)}; "
            f"make it again with: scripts/export_model.py --out '{directory}'"
        )
    return dict(card)


def _lengths(encodings: Sequence[Encoding]) -> IntArray:
    return np.array([len(encoding) for encoding in encodings], np.int64)
