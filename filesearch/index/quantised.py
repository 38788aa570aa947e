"""Quantised: the second index of a large segment, which finds what is worth comparing exactly.

The vectors are distributed over lists by their nearest centroid (IVF) and kept there as 4-bit
product-quantiser codes of two dimensions each, scanned with SIMD (André, Kermarrec, Le Scouarnec
2015; FAISS calls it fast-scan). What the nearest lists give is compared again with the float16
vectors, which stay on disk, mapped. Codes and row numbers are 0.28 bytes a dimension in memory.

It is the quickest of those that scripts/choose_vector_index.py compares. Over a million drawn
windows of 384 dimensions, 200 questions, with the least effort that finds 0.98 of the nearest ten
and 0.97 of the nearest 200, on one core with AVX-512 and beside other work:

    codes                      p50 ms   lists   compared again   bytes a dimension   fill s
    PQ 192 x 4 bit fast-scan      3.1     304            2,400                0.28       32
    RaBitQ 1 bit fast-scan        4.7     304            4,000                0.17       20
    RaBitQ 2 bit fast-scan        5.3     304              800                0.33       35
    8-bit scalar quantiser        5.9     304              200                1.02       13
    4-bit scalar quantiser       10.7     304              600                0.52       20

Graphs (HNSW of 16 neighbours over the same scalar codes) did not find as much: 0.86 and 0.91 of the
nearest ten with 6,400 nodes looked at, in 14 and 39 ms, at 0.88 and 1.38 bytes, filled in 98 and
132 s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path

import faiss
import msgspec
import numpy as np
import numpy.typing as npt

from filesearch.cores import usable_cores
from filesearch.faiss_threads import use_all_cores, use_one_core
from filesearch.index.float16_file import compare_rows
from filesearch.index.found import Found, best_of
from filesearch.index.vector_description import Quantisation
from filesearch.types import FloatMatrix, FloatVector, IntArray

FILE_NAME = "quantised.faiss"
PARAMETERS_NAME = "quantised.json"
TRAINING_ROWS_PER_LIST = 64
TRAINING_ROUNDS = 10
MEASURED_QUERIES = 200  # half of each kind
TARGET_RECALL_AT_10 = 0.99  # 0.98 is promised; 0.01 for what a sample of 100 queries may miss
TARGET_RECALL_AT_200 = 0.97
# Drawn queries are no questions. Among a million drawn windows, questions made of headings found
# 0.975 to 0.985 of their best ten in twice the lists that suffice for drawn queries, 0.995 in
# three times as many, 0.999 in four.
QUESTION_MARGIN = 3
RERANK_FACTOR = 6  # recall@200 of questions among 200,000, half of the lists: 0.994; 3: 0.983
_MEASURED_DEPTH = 200
# FAISS and BLAS add the same products up in another order.
_EQUAL_WITHIN = 1e-5
_BLOCK_ROWS = 16_384
_FIRST_SHARE = 64  # an unfiltered search is first tried with one in so many lists
# Then with so many times as many, until it finds enough. By twos, a segment of 800,000 windows that
# needed 130 lists was given 256, and with the margin for questions all that there are.
_PROBES_STEP = 1.2
# What one thread reads before another one is worth waking, about 2 ms, and how many at most.
_PART_ROWS, _MOST_PARTS = 131_072, 4
# A part compares its share of the rows exactly, and so much of all of them more: lists are dealt
# out evenly, what is near a question is not.
_PART_MORE = 0.15
_COUNTED_ROWS = 65_536  # a filter's rows are counted by list over at least so many rows


def can_quantise(dimension: int) -> bool:
    """Whether the code, which takes dimensions in pairs, exists for this dimension."""
    return dimension % 2 == 0


def write_quantised(directory: Path, exact: faiss.IndexScalarQuantizer) -> Quantisation:
    """Train and fill the quantised index of `exact` and choose how it is searched.

    The number of probed lists is raised until queries drawn from the rows themselves find enough
    of what exact search finds. Memory is bounded by the codes and the training sample.

    Args:
        directory: Gets `quantised.faiss` and `quantised.json`; the caller makes them durable.
        exact: The float16 vectors, row by row, at least 1,000 of an even dimension.
    """
    count, dimension = int(exact.ntotal), int(exact.d)
    lists = 2 ** round(math.log2(math.sqrt(count)))
    rng = np.random.default_rng(0)
    training_rows = min(count, lists * TRAINING_ROWS_PER_LIST)
    sample = np.sort(rng.choice(count, training_rows, replace=False))
    index = faiss.IndexIVFPQFastScan(
        faiss.IndexFlatIP(dimension), dimension, lists, dimension // 2, 4,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    index.cp.niter = TRAINING_ROUNDS
    index.cp.max_points_per_centroid = TRAINING_ROWS_PER_LIST
    use_all_cores()
    index.train(exact.reconstruct_batch(sample))
    queries, sources = _draw_queries(exact, rng)
    wanted = _MEASURED_DEPTH + 1  # a query's own row comes back too and is left out
    best = faiss.ResultHeap(len(queries), wanted, keep_max=True)
    for first, block in _blocks(exact):
        index.add(block)
        scores, rows = faiss.knn(queries, block, wanted, metric=faiss.METRIC_INNER_PRODUCT)
        best.add_result(scores, np.where(rows < 0, -1, rows + first))
    best.finalize()
    quantisation = _choose(index, exact, queries, sources, best=(best.I, best.D))
    faiss.write_index(index, str(directory / FILE_NAME))
    (directory / PARAMETERS_NAME).write_bytes(msgspec.json.encode(quantisation))
    return quantisation


def _blocks(exact: faiss.IndexScalarQuantizer) -> Iterator[tuple[int, FloatMatrix]]:
    count = int(exact.ntotal)
    for first in range(0, count, _BLOCK_ROWS):
        yield first, exact.reconstruct_n(first, min(_BLOCK_ROWS, count - first))


def _draw_queries(
    exact: faiss.IndexScalarQuantizer, rng: np.random.Generator
) -> tuple[FloatMatrix, IntArray]:
    """Return queries and for each the row it is made of, int64 (n_queries,).

    The first half are rows as they are. The second half are moved by two differences of unrelated
    rows: nearly as far from every row as a question is, which stands beside the texts.
    """
    half = MEASURED_QUERIES // 2
    drawn = rng.choice(int(exact.ntotal), (MEASURED_QUERIES, 5))
    rows = exact.reconstruct_batch(drawn.reshape(-1)).reshape(*drawn.shape, -1)
    queries = rows[:, 0]
    queries[half:] += (rows[:, 1] - rows[:, 2] + rows[:, 3] - rows[:, 4])[half:]
    return queries / np.linalg.norm(queries, axis=1, keepdims=True), drawn[:, 0]


def _choose(
    index: faiss.IndexIVFPQFastScan,
    exact: faiss.IndexScalarQuantizer,
    queries: FloatMatrix,
    sources: IntArray,
    best: tuple[IntArray, FloatMatrix],
) -> Quantisation:
    """Return the least effort that finds enough of `best`, with the margin for questions.

    Args:
        index, exact: What is searched, and what compares again.
        queries, sources: See `_draw_queries`.
        best: The rows nearest to each query, int64 (n_queries, n), and their similarities.
    """
    lists, half = int(index.nlist), MEASURED_QUERIES // 2
    truth = _without(sources, *best)
    refined = faiss.IndexRefine(index, exact)

    def measure(probes: int) -> Quantisation:
        parameters = _parameters(probes, RERANK_FACTOR)
        scores, rows = refined.search(queries, best[0].shape[1], params=parameters)
        found = _without(sources, rows, scores)
        at_10, at_200 = (
            min(_recall(found[:half], truth[:half], k), _recall(found[half:], truth[half:], k))
            for k in (10, _MEASURED_DEPTH)
        )
        return Quantisation(
            lists=lists,
            probes=probes,
            rerank_factor=RERANK_FACTOR,
            training_rows=min(int(exact.ntotal), lists * TRAINING_ROWS_PER_LIST),
            measured_queries=MEASURED_QUERIES,
            recall_at_10=round(at_10, 4),
            recall_at_200=round(at_200, 4),
        )

    probes = max(1, lists // _FIRST_SHARE)
    while probes < lists:
        got = measure(probes)
        if got.recall_at_10 >= TARGET_RECALL_AT_10 and got.recall_at_200 >= TARGET_RECALL_AT_200:
            probes *= QUESTION_MARGIN
            break
        probes = math.ceil(probes * _PROBES_STEP)
    return measure(min(lists, probes))


def _without(sources: IntArray, rows: IntArray, scores: FloatMatrix) -> list[FloatVector]:
    """Return the similarities of each query, best first, but that of the row it is made of."""
    return [scores[n][rows[n] != own] for n, own in enumerate(sources)]


def _recall(found: list[FloatVector], truth: list[FloatVector], k: int) -> float:
    """Return the share of the first `k` found that are as similar as the true `k` nearest.

    Which rows they are does not count: a text that stands in many files has as many equal rows.
    """
    shares = [
        np.count_nonzero(f[:k] >= t[k - 1] - _EQUAL_WITHIN) / k
        for f, t in zip(found, truth, strict=True)
    ]
    return float(np.mean(shares))


def _parameters(probes: int, factor: int) -> faiss.IndexRefineSearchParameters:
    inner = faiss.SearchParametersIVF(nprobe=probes)
    return faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=inner)


class QuantisedIndex:
    """The quantised index of a segment; read-only, safe to search from several threads.

    Args:
        directory: Where `write_quantised` wrote.
        exact: The float16 vectors, for the second comparison.

    Raises:
        RuntimeError: A file is not readable, or does not go with `exact`.
    """

    def __init__(self, directory: Path, exact: faiss.IndexScalarQuantizer) -> None:
        try:
            raw = (directory / PARAMETERS_NAME).read_bytes()
            self.quantisation = msgspec.json.decode(raw, type=Quantisation)
        except (OSError, msgspec.MsgspecError) as error:
            raise RuntimeError(f"{PARAMETERS_NAME}: {error}") from error
        self._index = faiss.read_index(str(directory / FILE_NAME))
        if not isinstance(self._index, faiss.IndexIVFPQFastScan):
            raise RuntimeError(f"holds {type(self._index).__name__}, not IndexIVFPQFastScan")  # noqa: TRY004
        if (self._index.ntotal, self._index.d) != (exact.ntotal, exact.d):
            raise RuntimeError(
                f"{FILE_NAME} holds {self._index.ntotal} vectors of {self._index.d} dimensions,"
                f" not {exact.ntotal} of {exact.d}"
            )
        self._exact = exact
        self._most_parts = min(usable_cores(), _MOST_PARTS)

    @property
    def resident_bytes(self) -> int:
        """Size of codes, row numbers and centroids, all of which are in memory."""
        codes = int(self._index.ntotal) * (int(self._index.code_size) + 8)
        return codes + int(self._index.nlist) * int(self._index.d) * 4

    def probes(
        self, query: FloatVector, *, top_k: int, allowed: npt.NDArray[np.bool_] | None
    ) -> int:
        """Return how many of the nearest lists a search has to read, 0 if this index cannot help.

        With a filter, enough to hold as large a part of the allowed rows as an unfiltered search
        sees of all rows, and the larger, the fewer are allowed: their nearest lie further out. A
        filter whose rows lie to one side thus reads on until it reaches them; if they lie far from
        the query, many are about equally far, and the codes do not tell them apart: 0.
        """
        chosen = self.quantisation
        if allowed is None:
            part = self._part_for(top_k, int(self._index.ntotal))
            return max(chosen.probes, math.ceil(part * chosen.lists))
        step = max(1, len(allowed) // _COUNTED_ROWS)
        looked_at = allowed[::step]
        in_list = np.bincount(self._list_of_row[::step][looked_at], minlength=chosen.lists)
        count = int(np.count_nonzero(allowed))
        part = chosen.probes / chosen.lists / math.sqrt(count / len(allowed))
        part = max(min(1.0, part), self._part_for(top_k, count))
        nearest = self._index.quantizer.search(query[np.newaxis, :], chosen.lists)[1][0]
        seen = np.cumsum(in_list[nearest])
        if seen[chosen.lists // 4] <= seen[-1] / 8:  # a quarter, if they lay anywhere
            return 0
        needed = int(np.searchsorted(seen, part * seen[-1])) + 1
        return min(chosen.lists, max(chosen.probes, needed))

    def _part_for(self, top_k: int, count: int) -> float:
        """The part of `count` rows that must be seen for `top_k` of them to be compared exactly."""
        return min(1.0, top_k * self.quantisation.rerank_factor / count)

    def steps(
        self,
        query: FloatVector,
        *,
        top_k: int,
        probes: int,
        allowed: npt.NDArray[np.bool_] | None,
    ) -> list[Callable[[], Found]]:
        """Return the parts of a search, which may run at the same time.

        Each reads some of the lists, of near and far ones as many, and gives rows and similarities,
        best first, fewer than `top_k` where it finds no more.

        Args:
            query: float32, shape (dimension,), unit length.
            top_k: From 1 to the number of rows.
            probes: What `probes` returned for the same search.
            allowed: bool (n,), at least one True; None allows all.
        """
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        read = int(self._index.ntotal) * probes / self.quantisation.lists
        parts = max(1, min(self._most_parts, round(read / _PART_ROWS)))
        # As deep as when recall was measured, even for the best ten.
        depth = max(top_k, _MEASURED_DEPTH) * self.quantisation.rerank_factor
        if parts > 1:
            depth = math.ceil(depth * (1 / parts + _PART_MORE))
        depth = min(depth, int(self._index.ntotal))
        use_one_core()
        query = np.ascontiguousarray(query)
        scores, lists = self._index.quantizer.search(query[np.newaxis, :], probes)
        return [
            partial(
                self._search_lists,
                query,
                top_k,
                depth,
                np.ascontiguousarray(lists[0, part::parts]),
                np.ascontiguousarray(scores[0, part::parts]),
                bits,
            )
            for part in range(parts)
        ]

    def _search_lists(
        self,
        query: FloatVector,
        top_k: int,
        depth: int,
        lists: IntArray,
        list_scores: FloatVector,
        bits: npt.NDArray[np.uint8] | None,
    ) -> Found:
        use_one_core()
        rows, codes = np.empty(depth, np.int64), np.empty(depth, np.float32)
        selector = None if bits is None else faiss.IDSelectorBitmap(bits)
        # As FAISS is written, not as its Python has it, which takes the number of lists from the
        # index, where other threads search too.
        self._index.search_preassigned_c(
            1, faiss.swig_ptr(query), depth, faiss.swig_ptr(lists), faiss.swig_ptr(list_scores),
            faiss.swig_ptr(codes), faiss.swig_ptr(rows), False,
            faiss.SearchParametersIVF(nprobe=len(lists), sel=selector),
        )  # fmt: skip
        rows = rows[rows >= 0]
        if len(rows) == 0:
            return rows, np.empty(0, np.float32)
        return best_of([(rows, compare_rows(self._exact, rows, query))], top_k)

    @cached_property
    def _list_of_row(self) -> npt.NDArray[np.int32]:
        found = np.empty(int(self._index.ntotal), np.int32)
        for number in range(int(self._index.nlist)):
            size = self._index.invlists.list_size(number)
            if size:
                found[faiss.rev_swig_ptr(self._index.invlists.get_ids(number), size)] = number
        return found
