"""Vector description: how the vectors of a segment are indexed, for its manifest and `stats`."""

from __future__ import annotations

from typing import Literal

import msgspec


class Quantisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What building a quantised index chose and measured.

    Attributes:
        lists: Lists that the vectors are distributed over, by nearest centroid.
        probes: Lists that an unfiltered search reads.
        rerank_factor: For each row asked for, so many are compared again in float16.
        training_rows: Size of the sample that centroids and codes were trained on.
        measured_queries: Number of queries drawn from the segment's own rows.
        recall_at_10, recall_at_200: Share of the nearest 10 and 200 rows of exact search that
            those queries found, or others as near, in [0, 1]; of two kinds of queries that of the
            harder.
    """

    lists: int
    probes: int
    rerank_factor: int
    training_rows: int
    measured_queries: int
    recall_at_10: float
    recall_at_200: float


class VectorDescription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the vectors of a segment are indexed.

    Attributes:
        kind: "exact" if a search compares all float16 vectors; "ivf_pq" if it compares 4-bit
            codes of the nearest lists and then the float16 vectors of the best.
        resident_bytes: What searches read all over and so want in memory.
        quantisation: None for "exact".
    """

    kind: Literal["exact", "ivf_pq"]
    resident_bytes: int
    quantisation: Quantisation | None = None
