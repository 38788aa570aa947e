"""Ranking options: how one search is ranked, in OpenAI's words, where it differs from the store's.

{"ranker": ..., "score_threshold": ..., "hybrid_search": {...}} -> RankingOptions. Frozen, refuses
unknown keys.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

from filesearch.config import Share
from filesearch.errors import InvalidSetting

Weight: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]


class HybridSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What either search weighs in fusion; only their proportion counts.

    Attributes:
        embedding_weight: Of the vector score, at least 0.
        text_weight: Of the keyword score, at least 0; not both are 0.
    """

    embedding_weight: Weight
    text_weight: Weight


class RankingOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passages of one search are ranked.

    Attributes:
        ranker: What ranks the best candidates anew: the store's reranker for "auto" and OpenAI's
            dated names, nothing for "none".
        score_threshold: In [0, 1]; passages with a lower score are left out. None takes the
            store's.
        hybrid_search: Fixed weights of both searches. None takes the store's, or lets them follow
            the question.
    """

    ranker: Literal["auto", "none", "default-2024-11-15", "default_2024_08_21"] = "auto"
    score_threshold: Share | None = None
    hybrid_search: HybridSearch | None = None

    @property
    def vector_weight(self) -> float | None:
        """Share of the vector score in fusion, in [0, 1]; None where nothing is asked for."""
        weights = self.hybrid_search
        if weights is None:
            return None
        return weights.embedding_weight / (weights.embedding_weight + weights.text_weight)


def parse_ranking_options(
    given: RankingOptions | Mapping[str, object] | None,
) -> RankingOptions:
    """Return what is given, checked; the defaults for None.

    Raises:
        InvalidSetting: An unknown key, a value of the wrong type or out of bounds, or two weights
            of 0. The message names the key.
    """
    try:
        options = msgspec.convert(msgspec.to_builtins(given or {}), RankingOptions, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidSetting(f"ranking_options: {error}") from error
    weights = options.hybrid_search
    if weights and not 0 < weights.embedding_weight + weights.text_weight < math.inf:
        raise InvalidSetting(
            "ranking_options: embedding_weight and text_weight are "
            f"{weights.embedding_weight} and {weights.text_weight}; one must be above 0"
        )
    return options
