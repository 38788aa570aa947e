"""Vectors: the FAISS index of one segment's windows.

Exact inner-product search over float16 (half the memory of float32; on unit vectors the scores
differ by less than 1e-3), memory-mapped. Filters are applied inside the search.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import faiss
import numpy as np
import numpy.typing as npt

from filesearch.types import FloatMatrix, FloatVector, IntArray

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FILE_NAME = "vectors.faiss"


class VectorIndex:
    """Unit vectors by row number. Read-only once built; safe to search from several threads."""

    def __init__(self, index: faiss.IndexScalarQuantizer) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: FloatMatrix) -> VectorIndex:
        """Index `vectors`, float32 (n, dimension); row i is found under i. n may be 0."""
        index = faiss.IndexScalarQuantizer(
            vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @classmethod
    def open(cls, directory: Path) -> VectorIndex:
        """Map what `write` left in `directory`.

        Raises:
            RuntimeError: FAISS cannot read the file, or it holds another kind of index.
        """
        index = faiss.read_index(str(directory / FILE_NAME), faiss.IO_FLAG_MMAP_IFC)
        if not isinstance(index, faiss.IndexScalarQuantizer):
            raise RuntimeError(f"holds {type(index).__name__}, not IndexScalarQuantizer")  # noqa: TRY004
        return cls(index)

    def write(self, directory: Path) -> None:
        """Write the index to `directory`; the caller makes it durable."""
        faiss.write_index(self._index, str(directory / FILE_NAME))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

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
        scores, rows = self._index.search(query[np.newaxis, :], top_k, params=parameters)
        found = rows[0] >= 0  # FAISS fills up with -1
        return rows[0][found], scores[0][found]

    def vectors(self, rows: IntArray) -> FloatMatrix:
        """Return the vectors of `rows`: float32, shape (len(rows), dimension)."""
        if len(rows) == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        found: FloatMatrix = self._index.reconstruct_batch(np.ascontiguousarray(rows))
        return found
