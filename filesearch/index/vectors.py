"""Vectors: the FAISS index of one segment's windows.

Exact inner-product search over float16, memory-mapped. Filters are applied inside the search.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import faiss
import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.index.float16_file import BYTES_PER_VALUE, open_float16, write_float16
from filesearch.types import FloatMatrix, FloatVector, IntArray

BoolArray: TypeAlias = npt.NDArray[np.bool_]

# A segment is searched exactly up to so many windows.
EXACT_WINDOWS = 200_000


class VectorDescription(msgspec.Struct, frozen=True):
    """How the vectors of a segment are indexed, for its manifest and for `stats`.

    Attributes:
        kind: "exact" for float16 vectors compared one by one.
        resident_bytes: What a search reads all over, and so what the page cache should hold.
    """

    kind: str
    resident_bytes: int


def write_vectors(
    directory: Path, blocks: Iterable[FloatMatrix], *, count: int, dimension: int
) -> VectorDescription:
    """Index vectors in `directory`, for `VectorIndex.open`; memory is bounded.

    Args:
        directory: Exists already. The caller makes what was written durable.
        blocks: float32 (n, dimension) each, rows of unit length; read once, in order. Row i of
            all of them together is found under i.
        count: Rows of all blocks together; may be 0.
        dimension: Length of a vector.

    Raises:
        ValueError: The blocks hold another number of rows, or rows of another dimension.
    """
    write_float16(directory, blocks, count=count, dimension=dimension)
    return VectorDescription(kind="exact", resident_bytes=count * dimension * BYTES_PER_VALUE)


class VectorIndex:
    """Unit vectors by row number. Read-only; safe to search from several threads."""

    def __init__(self, exact: faiss.IndexScalarQuantizer) -> None:
        self._exact = exact

    @classmethod
    def open(cls, directory: Path) -> VectorIndex:
        """Map what `write_vectors` left in `directory`.

        Raises:
            RuntimeError: FAISS cannot read a file, or it holds another kind of index.
        """
        return cls(open_float16(directory))

    def __len__(self) -> int:
        return int(self._exact.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._exact.d)

    @property
    def description(self) -> VectorDescription:
        """How these vectors are indexed."""
        return VectorDescription(
            kind="exact", resident_bytes=len(self) * self.dimension * BYTES_PER_VALUE
        )

    def top(
        self, query: FloatVector, *, top_k: int, allowed: BoolArray | None = None
    ) -> tuple[IntArray, FloatVector]:
        """Return the rows nearest to `query`, best first.

        Args:
            query: float32, shape (dimension,), unit length.
            top_k: At least 1; fewer rows come back when fewer are allowed.
            allowed: Shape (n,), True for rows that may come back; None allows all.

        Returns:
            Rows, int64, and their cosine similarities in [-1, 1], float32, of equal length.
        """
        top_k = min(top_k, len(self))
        if top_k == 0 or (allowed is not None and not allowed.any()):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        parameters = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        scores, rows = self._exact.search(query[np.newaxis, :], top_k, params=parameters)
        found = rows[0] >= 0  # FAISS fills up with -1
        return rows[0][found], scores[0][found]

    def vectors(self, rows: IntArray) -> FloatMatrix:
        """Return the vectors of `rows`: float32, shape (len(rows), dimension)."""
        if len(rows) == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        found: FloatMatrix = self._exact.reconstruct_batch(np.ascontiguousarray(rows))
        return found
