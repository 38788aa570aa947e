"""Rerank with sentence-transformers: any CrossEncoder of that library, by name or folder.

Needs the extra `sentence-transformers` (torch). The library and the model are loaded when first
used, because both take seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from filesearch.errors import InvalidSetting
from filesearch.forked import tell_in_child
from filesearch.rerank.logits import probabilities
from filesearch.types import FloatVector, RerankRequest

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCH_PAIRS = 32
# About 400 word pieces. The tokenizer pairs all that it cuts off a question with all that it cuts
# off a passage: 24,000 characters of question took 14 s beside six passages.
_MAX_QUESTION_CHARS = 2000


class SentenceTransformerCrossEncoder:
    """A Reranker over a CrossEncoder. Safe to use from several threads.

    A question is cut at 2,000 characters, and pairs that are longer than the model's own limit
    then lose the end of the longer text. The model's configured activation is left out: some
    models name one that leaves the logits bare.

    Args:
        model: Name on the Hugging Face hub, or the folder of a saved model.
        max_candidates: How many passages it is worth giving it for one question.

    Raises:
        InvalidSetting: On first use, when the extra is not installed or the model cannot be
            loaded.
    """

    def __init__(self, model: str, *, max_candidates: int = 50) -> None:
        self._model_name = model
        self.begin_anew()
        tell_in_child(self)
        self.max_candidates = max_candidates

    def begin_anew(self) -> None:
        """Wait for no thread of the parent in a forked child; see forked.py."""
        self._loading = threading.Lock()
        if "_loaded_model" in self.__dict__:
            import torch

            torch.set_num_threads(1)  # as its own DataLoader does in processes that it forks

    @property
    def name(self) -> str:
        """The last part of the model's name or folder."""
        return Path(self._model_name).name

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return the probability that each passage answers: float32 (n,), in [0, 1].

        Raises:
            InvalidSetting: The model cannot be loaded, or is no reranker.
            RerankFailed: The model gives NaN.
        """
        if not request.texts:
            return np.empty(0, np.float32)
        model = self._model
        question = request.question[:_MAX_QUESTION_CHARS]
        logits = model.predict(
            [(question, text) for text in request.texts],
            batch_size=_BATCH_PAIRS,
            activation_fn=_identity(),
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return probabilities(np.asarray(logits), count=len(request.texts), model=self._model_name)

    @property
    def _model(self) -> CrossEncoder:
        with self._loading:
            return self._loaded_model

    @cached_property
    def _loaded_model(self) -> CrossEncoder:
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise InvalidSetting(
                f"reranker 'sentence-transformers:{self._model_name}' needs an extra; run: "
                "pip install 'filesearch[sentence-transformers]'"
            ) from error
        try:
            model: CrossEncoder = CrossEncoder(self._model_name)
        # Hub, file and format errors come in many classes; all mean that the name is no use.
        except Exception as error:
            raise InvalidSetting(
                f"sentence-transformers cannot load '{self._model_name}': {error}"
            ) from error
        return model


def _identity() -> Callable[..., object]:
    import torch

    identity: Callable[..., object] = torch.nn.Identity()
    return identity
