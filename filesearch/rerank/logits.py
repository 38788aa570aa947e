"""Logits: what a cross-encoder says of n pairs -> float32 (n,) in [0, 1]. Pure.

What both adapters over cross-encoders share.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filesearch.errors import InvalidSetting, RerankFailed
from filesearch.types import FloatVector


def probabilities(logits: npt.NDArray[np.floating], *, count: int, model: str) -> FloatVector:
    """Return the probability that each passage answers the question.

    Args:
        logits: Shape (count,) or (count, 1): the sigmoid of the logit is returned. Shape
            (count, 2): the softmax's second entry, for classes "no" and "yes" in this order.
        count: How many pairs went in.
        model: Its name, for messages.

    Returns:
        float32, shape (count,).

    Raises:
        InvalidSetting: Any other shape: the model is not a reranker.
        RerankFailed: A logit is not a number.
    """
    if logits.shape not in ((count,), (count, 1), (count, 2)):
        raise InvalidSetting(
            f"model '{model}' answers {count} pairs with an array of shape {logits.shape}; a "
            f"reranker gives ({count}, 1) or ({count}, 2); choose a cross-encoder"
        )
    columns = logits.astype(np.float64).reshape(count, -1)
    # The softmax over two logits is the sigmoid of their difference.
    logit = columns[:, -1] - columns[:, 0] if columns.shape[1] == 2 else columns[:, 0]
    if np.isnan(logit).any():
        raise RerankFailed(
            f"model '{model}' gives no number for {int(np.isnan(logit).sum())} of {count} pairs; "
            "choose another model, or a less quantised file of this one"
        )
    # The tanh form of the sigmoid cannot overflow.
    return (0.5 * (1 + np.tanh(logit / 2))).astype(np.float32)
