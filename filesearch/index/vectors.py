"""Vectors: the FAISS index of one segment's windows.

Up to 200,000 windows a search compares the query with every float16 vector, memory-mapped. Beyond,
a quantised index beside them finds what is worth comparing; see quantised.py. Filters are applied
inside the search, and those that keep few windows are exact at any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import faiss
import numpy as np
import numpy.typing as npt

from filesearch.faiss_threads import use_one_core
from filesearch.index.float16_file import (
    BYTES_PER_VALUE,
    compare_rows,
    open_float16,
    values_of,
    write_float16,
)
from filesearch.index.found import Found, best_of
from filesearch.index.quantised import (
    PARAMETERS_NAME,
    QuantisedIndex,
    can_quantise,
    write_quantised,
)
from filesearch.index.vector_description import VectorDescription
from filesearch.types import FloatMatrix, FloatVector, IntArray

__all__ = ["BoolArray", "VectorDescription", "VectorIndex", "write_vectors"]

BoolArray: TypeAlias = npt.NDArray[np.bool_]

EXACT_WINDOWS = 200_000  # beyond, one exact search takes longer than all else in a query
# A filter that keeps no more than these is searched exactly. Measured with one core and 384
# dimensions: looking whether a row is allowed takes 3 ns, comparing it where it lies 90 ns (more,
# where rows lie far apart), and fetching it alone to compare it 450 ns.
EXACT_ALLOWED = 50_000
_FETCHED_SHARE = 150
_FETCHED_ROWS = 4_096
# What one thread compares exactly before another one is worth waking: about 2 ms.
STRETCH_ROWS = 24_576


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
    if count > EXACT_WINDOWS and can_quantise(dimension):
        write_quantised(directory, open_float16(directory))
    return VectorIndex.open(directory).description


class VectorIndex:
    """Unit vectors by row number. Read-only; safe to search from several threads.

    Args:
        exact: The float16 vectors, as FAISS compares them.
        quantised: Over the same rows; None where exact search is quick enough.
    """

    def __init__(
        self,
        exact: faiss.IndexScalarQuantizer,
        quantised: QuantisedIndex | None = None,
    ) -> None:
        self._exact = exact
        self._values = values_of(exact)  # the same, as numpy fetches single ones
        self._quantised = quantised

    @classmethod
    def open(cls, directory: Path) -> VectorIndex:
        """Map what `write_vectors` left in `directory`.

        Raises:
            RuntimeError: FAISS cannot read a file, or it holds another kind of index.
        """
        exact = open_float16(directory)
        if (directory / PARAMETERS_NAME).exists():
            return cls(exact, QuantisedIndex(directory, exact))
        return cls(exact)

    def __len__(self) -> int:
        return int(self._exact.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._exact.d)

    @property
    def description(self) -> VectorDescription:
        """How these vectors are indexed."""
        if self._quantised is None:
            size = len(self) * self.dimension * BYTES_PER_VALUE
            return VectorDescription(kind="exact", resident_bytes=size)
        return VectorDescription(
            kind="ivf_pq",
            resident_bytes=self._quantised.resident_bytes,
            quantisation=self._quantised.quantisation,
        )

    def top(self, query: FloatVector, *, top_k: int, allowed: BoolArray | None = None) -> Found:
        """Return the rows nearest to `query`, best first.

        Exactly those if the index is not quantised, or the filter keeps at most EXACT_ALLOWED
        rows or rows that lie far from the query.

        Args:
            query: float32, shape (dimension,), unit length.
            top_k: At least 1; fewer rows come back when fewer are allowed.
            allowed: Shape (n,), True for rows that may come back; None allows all.

        Returns:
            Rows, int64, and their cosine similarities in [-1, 1], float32, of equal length.
        """
        found = [step() for step in self.steps(query, top_k=top_k, allowed=allowed)]
        return best_of(found, top_k)

    def steps(
        self, query: FloatVector, *, top_k: int, allowed: BoolArray | None = None
    ) -> list[Callable[[], Found]]:
        """Return the parts of `top`, which may run at the same time; see `best_of`."""
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        top_k = min(top_k, count)
        if top_k == 0:
            return []
        if count == len(self):
            allowed = None
        if allowed is None and self._quantised is None:
            starts = range(0, count, -(-count // max(1, round(count / STRETCH_ROWS))))
            pasts = [*starts[1:], count]
            return [
                partial(self._scan_stretch, query, top_k, first, past)
                for first, past in zip(starts, pasts, strict=True)
            ]
        if allowed is not None and count * _FETCHED_SHARE <= len(self):
            return [partial(self._top_of, np.flatnonzero(allowed), query, top_k)]
        index = self._quantised
        if index is not None and (allowed is None or count > EXACT_ALLOWED):
            probes = index.probes(query, top_k=top_k, allowed=allowed)
            if probes > 0:
                return index.steps(query, top_k=top_k, probes=probes, allowed=allowed)
        return [partial(self._scan_allowed, query, top_k, allowed)]

    def _scan_stretch(self, query: FloatVector, top_k: int, first: int, past: int) -> Found:
        is_all = past - first == len(self)
        return self._scan(query, top_k, None if is_all else faiss.IDSelectorRange(first, past))

    def _scan_allowed(self, query: FloatVector, top_k: int, allowed: BoolArray | None) -> Found:
        if allowed is None:
            return self._scan(query, top_k, None)
        bits = np.packbits(allowed, bitorder="little")
        return self._scan(query, top_k, faiss.IDSelectorBitmap(bits))

    def _scan(self, query: FloatVector, top_k: int, selector: faiss.IDSelector | None) -> Found:
        use_one_core()
        parameters = None if selector is None else faiss.SearchParameters(sel=selector)
        scores, rows = self._exact.search(query[np.newaxis, :], top_k, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _top_of(self, rows: IntArray, query: FloatVector, top_k: int) -> Found:
        """Compare `query` with `rows` alone, at least `top_k` of them."""
        return best_of([(rows, self._compare(rows, query))], top_k)

    def _compare(self, rows: IntArray, query: FloatVector) -> FloatVector:
        """Return how similar each of `rows`, at least one, is; they are fetched in blocks."""
        use_one_core()
        starts = range(0, len(rows), _FETCHED_ROWS)
        blocks = [rows[first : first + _FETCHED_ROWS] for first in starts]
        return np.concatenate([compare_rows(self._exact, block, query) for block in blocks])

    def similarities(self, rows: IntArray, query: FloatVector) -> FloatVector:
        """Return the cosine similarities of `rows` to `query`: float32 (n,), in [-1, 1].

        Args:
            rows: int64 (n,), each once, ascending; n may be 0.
            query: float32, shape (dimension,), unit length.
        """
        if len(rows) == 0:
            return np.empty(0, np.float32)
        if len(rows) * _FETCHED_SHARE <= len(self):
            return self._compare(rows, query)
        allowed = np.zeros(len(self), dtype=bool)
        allowed[rows] = True
        found, scores = self._scan_allowed(query, len(rows), allowed)
        similarities = np.zeros(len(rows), np.float32)
        similarities[rows.searchsorted(found)] = scores
        return similarities

    def vectors(self, rows: IntArray) -> FloatMatrix:
        """Return the vectors of `rows`: float32, shape (len(rows), dimension)."""
        found: FloatMatrix = self._values[rows].astype(np.float32)
        return found
