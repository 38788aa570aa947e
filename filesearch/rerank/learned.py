"""Learned: the default reranker, one weight for each feature of a candidate.

float32 (n, n_features) -> float32 (n,) in [0, 1]:

    z     = sum over features f of (w_f + code * c_f) * x_f
    score = 1 / (1 + exp(-(slope * z + offset + code * code_offset)))

where `code` is how far the candidates are source code, 0 for prose. Code needs weights of its own:
the words of a question say less there, the embedder's opinion more. The weights lie in
data/rerank/weights.json, made by scripts/train_reranker.py; slope and offsets are fitted on the
same judged sets, so that a score is the share of such passages that answer, on any store: on sets
that had no part in it, it was off by 0.03 in the mean (expected calibration error; 0.006 to 0.065).
It reads no text and runs no model. Weights that shift with other signals of the whole list (its
best cosine, its best keyword match) were tried: trained on all sets but one, they did no better on
that one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from filesearch.errors import InvalidSetting
from filesearch.rerank.features import FEATURE_NAMES
from filesearch.types import FloatMatrix, FloatVector, RerankRequest

_TABLES = ("weights", "code_weights")
_LINE = ("slope", "offset", "code_offset")
_CODE = FEATURE_NAMES.index("code")


class LearnedReranker:
    """A Reranker over features. Safe to use from several threads.

    Args:
        path: Weights to use instead of the packaged ones.

    Raises:
        InvalidSetting: On first use, when the weights are of other features than these.
    """

    name = "learned"
    max_candidates = 50
    is_instant = True

    def __init__(self, path: Path | None = None) -> None:
        packaged = resources.files("filesearch") / "data" / "rerank" / "weights.json"
        self._path = path or Path(str(packaged))

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return how likely each candidate answers: float32 (n,), in [0, 1]."""
        model = self._model
        z = with_code(request.features) @ model.weights
        logits = model.slope * z + model.offset + model.code_offset * request.features[:, _CODE]
        scores: FloatVector = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores

    @cached_property
    def _model(self) -> _Model:
        found = json.loads(self._path.read_text("utf-8"))
        if any(list(found.get(table, ())) != [*FEATURE_NAMES] for table in _TABLES):
            raise InvalidSetting(
                f"'{self._path}' weighs other features than this version of filesearch has; "
                "make it again: scripts/train_reranker.py"
            )
        weights = [found[table][name] for table in _TABLES for name in FEATURE_NAMES]
        slope, offset, code_offset = (float(found[name]) for name in _LINE)
        return _Model(np.array(weights, dtype=np.float64), slope, offset, code_offset)


def with_code(features: FloatMatrix) -> npt.NDArray[np.float64]:
    """Return what the weights are for: the features, and again times how far they are of code.

    Args:
        features: float32 (n, n_features).

    Returns:
        float64 (n, 2 * n_features).
    """
    wide = features.astype(np.float64)
    return np.hstack([wide, wide[:, [_CODE]] * wide])


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """What the file says: float64 (2 * n_features,), and the line to logits."""

    weights: npt.NDArray[np.float64]
    slope: float
    offset: float
    code_offset: float
