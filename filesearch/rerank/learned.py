"""Learned: the default reranker, one weight for each feature of a candidate.

float32 (n, n_features) -> float32 (n,) in [0, 1]:

    z     = sum over features f of w_f * x_f
    score = 1 / (1 + exp(-(slope * z + offset)))

The weights lie in data/rerank/weights.json, made by scripts/train_reranker.py; slope and offset
are fitted on the same judged sets so that a score is the share of such passages that answer. It
reads no text and runs no model. Weights that shift with signals of the whole list (its best
cosine, its best keyword match) were tried: trained on all sets but one, they did no better on that
one.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from filesearch.errors import InvalidSetting
from filesearch.rerank.features import FEATURE_NAMES
from filesearch.types import FloatVector, RerankRequest


class LearnedReranker:
    """A Reranker over features. Safe to use from several threads.

    Args:
        path: Weights to use instead of the packaged ones.

    Raises:
        InvalidSetting: On first use, when the weights are of other features than these.
    """

    name = "learned"
    max_candidates = 50

    def __init__(self, path: Path | None = None) -> None:
        packaged = resources.files("filesearch") / "data" / "rerank" / "weights.json"
        self._path = path or Path(str(packaged))

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return how likely each candidate answers: float32 (n,), in [0, 1]."""
        weights, slope, offset = self._weights
        z = slope * (request.features @ weights) + offset
        scores: FloatVector = (1 / (1 + np.exp(-z))).astype(np.float32)
        return scores

    @cached_property
    def _weights(self) -> tuple[npt.NDArray[np.float64], float, float]:
        found = json.loads(self._path.read_text("utf-8"))
        if list(found["weights"]) != [*FEATURE_NAMES]:
            raise InvalidSetting(
                f"'{self._path}' weighs other features than this version of filesearch has; "
                "make it again: scripts/train_reranker.py"
            )
        weights = np.array([found["weights"][name] for name in FEATURE_NAMES], dtype=np.float64)
        return weights, float(found["slope"]), float(found["offset"])
