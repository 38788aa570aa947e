"""Bench: keyword queries per second of our postings beside rank_bm25's, on the same rows.

    python scripts/bench_bm25.py [FOLDER] [--rows 100000] [--row-terms 100] [--json]

Without a folder the words are drawn from a Zipf distribution; with one, they are the sentences of
its .txt and .md files, shuffled. Each query is asked of ours (memory-mapped) and of rank_bm25 in
turn, so that a noisy machine disturbs both. The scores are compared as well.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rank_bm25 import BM25Okapi

from filesearch.index.bm25 import KeywordScorer
from filesearch.index.postings import Postings
from filesearch.index.postings_builder import PostingsBuilder
from filesearch.terms import extract_terms

ZIPF_EXPONENT = 1.07  # English words: Piantadosi 2014 and others find 1.0 to 1.1
VOCABULARY = 200_000
PEER_BUDGET_S = 20.0


def draw_rows(n_rows: int, row_terms: int, seed: int) -> list[list[str]]:
    """Return rows of words drawn by Zipf's law."""
    rng = np.random.default_rng(seed)
    weights = np.arange(1, VOCABULARY + 1, dtype=np.float64) ** -ZIPF_EXPONENT
    edges = np.cumsum(weights / weights.sum())
    words = [f"w{i}" for i in range(VOCABULARY)]
    rows = []
    for _ in range(n_rows):
        drawn = np.searchsorted(edges, rng.random(row_terms)).clip(max=VOCABULARY - 1)
        rows.append([words[i] for i in drawn.tolist()])
    return rows


def read_rows(folder: Path, n_rows: int, row_terms: int, seed: int) -> list[list[str]]:
    """Return rows of shuffled sentences; they repeat when the folder holds too few."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix in (".txt", ".md"))
    sentences = [
        found
        for path in paths
        for sentence in re.split(r"(?<=[.!?。！？])\s*|\n\n", path.read_text(errors="replace"))
        if (found := extract_terms(sentence))
    ]
    if not sentences:
        sys.exit(f"{folder} holds no .txt or .md file with words")
    rng = random.Random(seed)
    rows: list[list[str]] = []
    row: list[str] = []
    while len(rows) < n_rows:
        for i in rng.sample(range(len(sentences)), len(sentences)):
            row = row + sentences[i]
            if len(row) >= row_terms:
                rows.append(row)
                row = []
    return rows[:n_rows]


def seconds(call: Callable[..., object], *arguments: object) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--row-terms", type=int, default=100)
    parser.add_argument("--query-terms", type=int, default=10)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    if args.folder:
        rows = read_rows(args.folder, args.rows, args.row_terms, args.seed)
    else:
        rows = draw_rows(args.rows, args.row_terms, args.seed)
    rng = random.Random(args.seed)
    queries = [
        rng.sample(distinct, min(args.query_terms, len(distinct)))
        for distinct in (sorted(set(row)) for row in rng.choices(rows, k=args.queries))
    ]

    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        builder = PostingsBuilder()
        for row in rows:
            builder.add(row)
        builder.build().write(Path(directory))
        our_build_s = time.perf_counter() - start
        size_bytes = sum(path.stat().st_size for path in Path(directory).iterdir())
        scorer = KeywordScorer([Postings.open(Path(directory))], [None])
        average_idf_s = seconds(getattr, scorer, "average_idf")
        start = time.perf_counter()
        peer = BM25Okapi(rows)
        peer_build_s = time.perf_counter() - start
        for query in queries[:3]:
            np.testing.assert_allclose(
                scorer.score(query)[0], peer.get_scores(query), rtol=1e-9, atol=1e-9
            )

        ours, top, theirs = [], [], []
        deadline = time.perf_counter() + PEER_BUDGET_S
        for query in queries:
            ours.append(seconds(scorer.score, query))
            theirs.append(seconds(peer.get_scores, query))
            top.append(seconds(scorer.top, query, 100))
            if time.perf_counter() > deadline:
                break

    figures = {
        "rows": len(rows),
        "terms_per_row": sum(map(len, rows)) / len(rows),
        "queries": len(ours),
        "score_p50_ms": statistics.median(ours) * 1e3,
        "score_p99_ms": float(np.quantile(ours, 0.99)) * 1e3,
        "top_100_p50_ms": statistics.median(top) * 1e3,
        "rank_bm25_p50_ms": statistics.median(theirs) * 1e3,
        "ratio_of_medians": statistics.median(theirs) / statistics.median(ours),
        "build_s": our_build_s,
        "rank_bm25_build_s": peer_build_s,
        "average_idf_ms": average_idf_s * 1e3,
        "size_mb": size_bytes / 1e6,
    }
    if args.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:18} {value:12,.2f}")


if __name__ == "__main__":
    main()
