"""Chunking strategies on the wire: how the files of a vector store are cut."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from filesearch.server.wire.common import RequestModel


class AutoChunking(RequestModel):
    """The default: chunks of 800 tokens, 400 of them shared."""

    type: Literal["auto"]


class StaticChunkingSizes(RequestModel):
    """Tokens in a chunk, and tokens that neighbours share: at most half of them."""

    max_chunk_size_tokens: int = Field(ge=100, le=4096)
    chunk_overlap_tokens: int = Field(ge=0)


class StaticChunking(RequestModel):
    """Chunks of a given size."""

    type: Literal["static"]
    static: StaticChunkingSizes


ChunkingStrategy: TypeAlias = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]
