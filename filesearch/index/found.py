"""Found: what one part of a vector search finds, and the best of what several did. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from filesearch.types import FloatVector, IntArray

Found: TypeAlias = tuple[IntArray, FloatVector]
"""Rows and their similarities, of equal length."""


def best_of(found: Sequence[Found], top_k: int) -> Found:
    """Return the `top_k` best of what steps found, best first; ties go to the lower row."""
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    rows = np.concatenate([rows for rows, _ in found])
    scores = np.concatenate([scores for _, scores in found])
    order = np.lexsort((rows, -scores))[:top_k]
    return rows[order], scores[order]
