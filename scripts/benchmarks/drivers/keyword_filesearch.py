"""Ours in the keyword benchmark: postings of one segment, memory-mapped; see keyword_common.py."""

from pathlib import Path

from keyword_common import Answer, Ask, read_rows, run

from filesearch.index.bm25 import KeywordScorer
from filesearch.index.postings import Postings
from filesearch.index.postings_builder import PostingsBuilder


def build(rows: Path, folder: Path) -> None:
    """Write the postings of the rows."""
    builder = PostingsBuilder()
    for row in read_rows(rows):
        builder.add(row)
    builder.build().write(folder)


def load(folder: Path) -> Ask:
    """Map the postings."""
    scorer = KeywordScorer([Postings.open(folder)], [None])

    def ask(terms: list[str], top_k: int) -> Answer:
        hits = scorer.top(terms, top_k)
        return hits.rows, hits.scores

    return ask


run(build, load)
