"""rank_bm25 in the keyword benchmark; see keyword_common.py.

It keeps no index on disk: its object is pickled. Its best rows are found with a partition, which is
quicker than its own full sort.
"""

import pickle
from pathlib import Path

import numpy as np
from keyword_common import Answer, Ask, read_rows, run
from rank_bm25 import BM25Okapi


def build(rows: Path, folder: Path) -> None:
    """Pickle the corpus's statistics."""
    with (folder / "rank_bm25.pickle").open("wb") as out:
        pickle.dump(BM25Okapi(list(read_rows(rows))), out, pickle.HIGHEST_PROTOCOL)


def load(folder: Path) -> Ask:
    """Read them again."""
    with (folder / "rank_bm25.pickle").open("rb") as stream:
        corpus = pickle.load(stream)  # noqa: S301 - ours, made a minute ago

    def ask(terms: list[str], top_k: int) -> Answer:
        scores = corpus.get_scores(terms)
        best = np.argpartition(-scores, min(top_k, len(scores)) - 1)[:top_k]
        best = best[np.lexsort((best, -scores[best]))]
        return best, scores[best]

    return ask


run(build, load)
