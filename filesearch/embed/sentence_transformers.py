"""Embed with sentence-transformers: any model of that library, by name or folder.

Needs the extra `sentence-transformers` (torch). The library and the model are loaded when first
used, because both take seconds.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from filesearch.embed.pieces import piece_offsets
from filesearch.embed.recent import RecentQuestions
from filesearch.errors import InvalidSetting
from filesearch.forked import tell_in_child
from filesearch.types import FloatMatrix, FloatVector, IntArray, QuestionEmbedding

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

_BATCH_TEXTS = 32
_SPECIAL_TOKENS = 2
# For models that name no limit of their own: that of BERT.
_DEFAULT_MAX_LENGTH = 512


class SentenceTransformerEmbedder:
    """An Embedder over a model of sentence-transformers. Safe to use from several threads.

    Args:
        model: Name on the Hugging Face hub, or the folder of a saved model.

    Raises:
        InvalidSetting: On first use, when the extra is not installed, the model cannot be loaded,
            or it has no fast tokenizer.
    """

    # Which languages a model knows is not recorded in a way that can be trusted: any.
    languages: frozenset[str] = frozenset()

    def __init__(self, model: str) -> None:
        self._model_name = model
        self.begin_anew()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Wait for no thread of the parent in a forked child; see forked.py."""
        self._loading = threading.Lock()
        self._recent = RecentQuestions()
        if "_loaded_model" in self.__dict__:
            import torch

            torch.set_num_threads(1)  # as its own DataLoader does in processes that it forks

    @property
    def name(self) -> str:
        """The last part of the model's name or folder."""
        return Path(self._model_name).name

    @cached_property
    def fingerprint(self) -> str:
        """Name and the first 16 hex digits of a SHA-256 over the weights and the modules.

        The modules' text holds the length limit and how tokens are pooled.
        """
        digest = hashlib.sha256(f"{self.max_tokens} {self._model!r}".encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            digest.update(key.encode())
            # As bytes, because numpy knows no bfloat16.
            digest.update(tensor.detach().cpu().contiguous().flatten().view(_uint8()).numpy())
        return f"{self.name}@{digest.hexdigest()[:16]}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.embed_query("dimension").shape[0])

    @property
    def max_tokens(self) -> int:
        """Word pieces the model reads of one text, special tokens not counted."""
        return int(self._model.max_seq_length or _DEFAULT_MAX_LENGTH) - _SPECIAL_TOKENS

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word piece of `text` stands: int64 (n, 2), never truncated."""
        return piece_offsets(self._offset_tokenizer, text)

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text: float32 (len(texts), dimension), in the order given."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        vectors = self._model.encode(
            list(texts),
            batch_size=_BATCH_TEXTS,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a question: float32, shape (dimension,); it is read-only.

        The last questions' are remembered.
        """
        return self._recent.get(text, lambda: self._embed_question(text)).vector

    def _embed_question(self, text: str) -> QuestionEmbedding:
        vector: FloatVector = self.embed_texts([text])[0]
        nothing = np.empty((0, len(vector)), np.float32)
        return QuestionEmbedding(vector, nothing, np.empty((0, 2), np.int64))

    @property
    def _model(self) -> SentenceTransformer:
        with self._loading:
            return self._loaded_model

    @cached_property
    def _loaded_model(self) -> SentenceTransformer:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise InvalidSetting(
                f"embedder 'sentence-transformers:{self._model_name}' needs an extra; run: "
                "pip install 'filesearch[sentence-transformers]'"
            ) from error
        try:
            return SentenceTransformer(self._model_name)
        # Hub, file and format errors come in many classes; all mean that the name is no use.
        except Exception as error:
            raise InvalidSetting(
                f"sentence-transformers cannot load '{self._model_name}': {error}"
            ) from error

    @cached_property
    def _offset_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        fast = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if fast is None:
            raise InvalidSetting(
                f"model '{self._model_name}' has no fast tokenizer, which says where words stand; "
                "choose another model"
            )
        # A copy: the model's own has its truncation changed on every call.
        tokenizer = Tokenizer.from_str(fast.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def _uint8() -> object:
    import torch

    return torch.uint8
