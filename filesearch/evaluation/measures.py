"""Measures: rankings and judgments -> one figure per query, as `ir_measures` computes them.

Needs the extra `eval`: `ir_measures` brings scipy, which is too much for every installation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np

from filesearch.errors import InvalidSetting
from filesearch.evaluation.bootstrap import FloatArray

MEASURES = {
    "nDCG@10": "nDCG@10",
    "Recall@100": "R@100",
    "MRR@10": "RR@10",
    "Success@5": "Success@5",
}
"""Our names -> those of ir_measures. nDCG gains the grade; elsewhere above 0 is relevant."""
RANKED_DOCUMENTS = 100
"""How deep a ranking must go for them."""


def load_ir_measures() -> ModuleType:
    """Return the library.

    Raises:
        InvalidSetting: The extra is not installed.
    """
    try:
        import ir_measures
    except ImportError as error:
        raise InvalidSetting(
            "evaluation needs an extra; run: pip install 'filesearch[eval]'"
        ) from error
    return ir_measures


def measure(
    judgments: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
) -> dict[str, FloatArray]:
    """Return each measure of each query, in the order of `rankings`.

    Args:
        judgments: Query id -> document -> grade, for every query of `rankings`.
        rankings: Query id -> documents, best first, each once; may be empty.

    Returns:
        Name of the measure -> float64 (n_queries,), each in [0, 1].

    Raises:
        InvalidSetting: The extra is not installed.
    """
    library = load_ir_measures()
    # Scores by rank: the library orders equal scores its own way.
    run = {
        query_id: {name: -float(rank) for rank, name in enumerate(ranking)}
        for query_id, ranking in rankings.items()
        if ranking
    }
    qrels = {query_id: dict(judgments[query_id]) for query_id in rankings}
    ours = {library.parse_measure(theirs): name for name, theirs in MEASURES.items()}
    places = {query_id: place for place, query_id in enumerate(rankings)}
    figures = {name: np.zeros(len(rankings)) for name in MEASURES}
    for metric in library.iter_calc(list(ours), qrels, run):
        figures[ours[metric.measure]][places[metric.query_id]] = metric.value
    return figures
