#!/usr/bin/env python3
"""Compare ways to cut Chinese for keyword search: our bigrams, words by rjieba, and both.

    pip install rjieba
    python scripts/measure_segmentation.py DATA_DIR [--questions 300]

For each Chinese set in DATA_DIR (drcd_dev, cmrc2018_trial, rgb_zh_fact, as `fsearch eval` reads
them) every document is one text for rank_bm25.BM25Okapi, and nDCG@10 is printed for each way.
Measured: words alone are worse than bigrams (0.959 of 0.973, 0.990 of 0.993, 0.601 of 0.607); words
and bigrams together are better (0.975, 0.996, 0.630), for twice the postings and an index that only
opens where rjieba is installed. So bigrams stay alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rank_bm25 import BM25Okapi

from filesearch.evaluation.measures import measure
from filesearch.evaluation.reading import read_set, sample_queries
from filesearch.terms import extract_terms, query_terms
from filesearch.wording import has_han

SETS = ("drcd_dev", "cmrc2018_trial", "rgb_zh_fact")
DEPTH = 100
Cut = Callable[[str], list[str]]


def cut_words(text: str) -> list[str]:
    """Return rjieba's words of a text; what is not Chinese is cut as by filesearch."""
    import rjieba

    terms: list[str] = []
    for word in rjieba.cut(text, True):
        terms += [f"w:{word}"] if has_han(word) else extract_terms(word)
    return terms


def measure_set(directory: Path, questions: int, ways: dict[str, tuple[Cut, Cut]]) -> None:
    """Print nDCG@10 of each way, a pair of what cuts documents and what cuts questions."""
    data = sample_queries(read_set(directory), questions)
    assert not isinstance(data.corpus, Path)
    names = [document.name for document in data.corpus]
    texts = [f"{document.document.title} {document.document.text}" for document in data.corpus]
    for way, (cut_document, cut_question) in ways.items():
        index = BM25Okapi([cut_document(text) for text in texts])
        rankings = {}
        for query in data.queries:
            scores = index.get_scores(cut_question(query.text))
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            rankings[query.id] = [names[i] for i in best if scores[i] > 0]
        figure = measure(data.judgments, rankings)["nDCG@10"].mean()
        print(f"{data.name:<16} {way:<16} {figure:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--questions", type=int, default=300, help="of each set (%(default)s)")
    args = parser.parse_args()
    ways: dict[str, tuple[Cut, Cut]] = {
        "bigrams": (extract_terms, query_terms),
        "words": (cut_words, cut_words),
        "bigrams + words": (
            lambda text: extract_terms(text) + cut_words(text),
            lambda text: query_terms(text) + cut_words(text),
        ),
    }
    try:
        cut_words("退货")
    except ImportError:
        sys.exit("error: rjieba is not installed; run: pip install rjieba")
    for name in SETS:
        measure_set(args.data / name, args.questions, ways)


if __name__ == "__main__":
    main()
