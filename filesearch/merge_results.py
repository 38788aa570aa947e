"""Merge: what several searches found -> one list in which each of them has its share.

Scores of one search say little beside those of another store or query, so the lists take turns:
the best of each, then the second of each. A passage that several found stands once; one that
overlaps a better one of its file is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from filesearch.types import SearchResult


def merge_results(lists: Sequence[Sequence[SearchResult]], top_k: int) -> list[SearchResult]:
    """Return at most `top_k` passages of all lists, no two sharing a character.

    Lists take turns in the order of the scores of their first passages.
    """
    order = sorted((found for found in lists if found), key=lambda found: -found[0].score)
    merged: list[SearchResult] = []
    for rank in range(max((len(found) for found in order), default=0)):
        for found in order:
            if rank < len(found) and not _is_there(found[rank], merged):
                merged.append(found[rank])
    return merged[:top_k]


def _is_there(result: SearchResult, merged: Sequence[SearchResult]) -> bool:
    return any(
        kept.file_id == result.file_id and kept.start < result.end and result.start < kept.end
        for kept in merged
    )
