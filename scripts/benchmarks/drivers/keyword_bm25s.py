"""bm25s with its numba backend in the keyword benchmark, mapped; see keyword_common.py."""

from pathlib import Path

import bm25s
from keyword_common import Answer, Ask, read_rows, run


def build(rows: Path, folder: Path) -> None:
    """Score and save the rows."""
    index = bm25s.BM25(k1=1.5, b=0.75, backend="numba")
    index.index(list(read_rows(rows)), show_progress=False)
    index.save(folder)


def load(folder: Path) -> Ask:
    """Map the scores."""
    index = bm25s.BM25.load(folder, mmap=True, load_corpus=False)
    index.backend = "numba"
    index.activate_numba_scorer()

    def ask(terms: list[str], top_k: int) -> Answer:
        found = index.retrieve([terms], k=top_k, show_progress=False, n_threads=0)
        return found.documents[0], found.scores[0]

    return ask


run(build, load)
