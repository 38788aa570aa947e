"""Merge: what several searches found -> one list in which each of them has its share.

Scores of one search say little beside those of another store or query, so the lists take turns:
the best of each, then the second of each. A passage that several found stands once; one that
overlaps a better one of its file is left out. So is one that says what those of other files say,
as within one store: its file is named by the passage that says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from filesearch.repeats import ToldTexts
from filesearch.types import SearchResult


def merge_results(lists: Sequence[Sequence[SearchResult]], top_k: int) -> list[SearchResult]:
    """Return at most `top_k` passages of all lists, no two sharing a character.

    Lists take turns in the order of the scores of their first passages. For what repeats others
    see `repeats.py`.
    """
    order = sorted((found for found in lists if found), key=lambda found: -found[0].score)
    merged: list[SearchResult] = []
    told, sources = ToldTexts(), dict[str, int]()
    for rank in range(max((len(found) for found in order), default=0)):
        for found in order:
            if rank >= len(found) or _is_there(found[rank], merged):
                continue
            result = found[rank]
            source = sources.setdefault(result.file_id, len(sources))
            repeated = told.tell(result.text, source=source)
            if repeated is None:
                merged.append(result)
            else:
                merged[repeated] = _naming(merged[repeated], result)
    return merged[:top_k]


def _is_there(result: SearchResult, merged: Sequence[SearchResult]) -> bool:
    return any(
        kept.file_id == result.file_id and kept.start < result.end and result.start < kept.end
        for kept in merged
    )


def _naming(kept: SearchResult, repeat: SearchResult) -> SearchResult:
    """Return `kept` with the files of a passage that repeats it, each name once."""
    copies = [name for name in repeat.also_in if name != kept.filename]
    names = dict.fromkeys([*kept.also_in, repeat.filename, *copies])
    return replace(kept, also_in=tuple(names))
