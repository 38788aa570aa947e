"""Passages of a `file_search_call`: what a search found <-> what its item keeps of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from filesearch.types import SearchResult


def passages_of(search: Mapping[str, Any]) -> list[SearchResult]:
    """Return what a search found, as far as its item tells; what cannot be cited is left out."""
    if "sources" in search:
        return msgspec.convert(search["sources"], list[SearchResult])
    passages: list[SearchResult] = []
    past = 0
    for given in search.get("given_results") or ():
        text, file_id = given.get("text") or "", given.get("file_id")
        if not text.strip() or not file_id:
            continue
        # Clients do not know where in its file a passage stands: no two share a character.
        start = past + 1
        past = start + len(text)
        score = given.get("score") or 0.0
        passages.append(
            SearchResult(
                file_id=file_id,
                filename=given.get("filename") or file_id,
                text=text,
                start=start,
                end=past,
                score=score,
                keyword_share=0.0,
                vector_share=score,
                attributes=given.get("attributes") or {},
            )
        )
    return passages


def stored_results(results: Sequence[SearchResult]) -> list[dict[str, Any]]:
    """Return passages as JSON, as a `file_search_call` keeps them."""
    found: list[dict[str, Any]] = msgspec.to_builtins(results)
    return found
