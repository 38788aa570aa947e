"""Embeddings: texts -> vectors, whatever the model is called; see server/embeddings.py."""

from __future__ import annotations

from fastapi import Response

from filesearch.server.context import ServerDep
from filesearch.server.embeddings import answer_embeddings
from filesearch.server.routing import make_router
from filesearch.server.wire.embeddings import EmbeddingRequest

router = make_router("Embeddings")


@router.post("/embeddings", summary="Create embeddings")
async def create_embeddings(body: EmbeddingRequest, server: ServerDep) -> Response:
    """Return one unit vector for each input, in order.

    The index's own embedder makes them; a longer input than it reads is embedded in windows whose
    mean is returned. Fewer `dimensions` are the first of each vector, scaled to length 1 again.
    """
    answer = await answer_embeddings(server.fs.embedder, body)
    return Response(answer, media_type="application/json")
