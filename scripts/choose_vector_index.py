"""Choose the vector index of large segments: recall, latency, build time and size side by side.

Real windows are read from the segments of an index directory. Some are kept out as queries;
around the rest as many as asked for are drawn: between a window and one of its near neighbours,
plus noise with the covariance of all windows. Printed first is how near the nearest lie, in the
real set and in the drawn one, and the intrinsic dimension there (Levina and Bickel 2004), so that
one sees that the drawn set is no easier. Recall is against exact search over float32.

Usage: python scripts/choose_vector_index.py INDEX --cache DIR [--count N] [--questions FILE]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import faiss
import numpy as np

from filesearch.index.vectors import VectorIndex

BLOCK_ROWS = 50_000
TRAINING_ROWS_PER_LIST = 64
NEIGHBOURS = 20
NOISE = 0.5
HELD_OUT = 300
TRIES = 3  # per query, the quickest counts: what else runs on the machine stays out


@dataclass(frozen=True)
class Candidate:
    """One FAISS index and the settings to try: lists probed, rows ranked again."""

    name: str
    kind: str
    lists: int
    settings: tuple[tuple[int, float], ...]


CANDIDATES = [
    Candidate("rabitq-fastscan", "RaBitQfs", 1024, ((64, 5), (128, 5), (128, 10), (256, 10))),
    Candidate("sq8", "SQ8", 1024, ((32, 1.5), (64, 1.5), (128, 1.5), (256, 1.5))),
    Candidate("pq192-fastscan", "PQ192x4fs", 1024, ((64, 3), (128, 3), (128, 6), (256, 6))),
    Candidate("sq4", "SQ4", 1024, ((64, 2), (128, 2), (256, 2))),
    Candidate("rabitq", "RaBitQ", 1024, ((64, 5), (128, 10), (256, 10))),
    Candidate("hnsw16-sq8", "HNSW", 0, ((300, 1.5), (600, 1.5))),
]


def real_vectors(directory: Path) -> np.ndarray:
    """Every different vector of the index, shuffled: float32 (n, dimension)."""
    found = []
    for path in sorted((directory / "segments").iterdir()):
        index = VectorIndex.open(path)
        found.append(index.vectors(np.arange(len(index))))
    vectors = np.unique(np.concatenate(found), axis=0)
    return vectors[np.random.default_rng(0).permutation(len(vectors))]


def drawn_blocks(base: np.ndarray, count: int, seed: int = 1) -> Iterator[np.ndarray]:
    """Vectors around those of `base`, in blocks of float32 (n, dimension)."""
    rng = np.random.default_rng(seed)
    seeds = min(len(base), 20_000)
    flat = faiss.IndexFlatIP(base.shape[1])
    flat.add(base)
    near = flat.search(base[:seeds], NEIGHBOURS + 1)[1]
    spread = np.cov(base - base.mean(axis=0), rowvar=False) + 1e-6 * np.eye(base.shape[1])
    root = np.linalg.cholesky(spread).astype(np.float32).T
    for first in range(0, count, BLOCK_ROWS):
        n = min(BLOCK_ROWS, count - first)
        one = rng.integers(0, seeds, n)
        other = near[one, rng.integers(1, NEIGHBOURS + 1, n)]
        share = rng.random((n, 1), dtype=np.float32)
        rows = base[one] * (1 - share) + base[other] * share
        rows += NOISE * rng.standard_normal(rows.shape, dtype=np.float32) @ root
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def exact_top(path: Path, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best similarities and rows of the float16 matrix in `path`, by float32 arithmetic."""
    stored = np.load(path, mmap_mode="r")
    heap = faiss.ResultHeap(len(queries), k, keep_max=True)
    for first in range(0, len(stored), BLOCK_ROWS):
        block = stored[first : first + BLOCK_ROWS].astype(np.float32)
        scores, rows = faiss.knn(queries, block, k, metric=faiss.METRIC_INNER_PRODUCT)
        heap.add_result(scores, rows + first)
    heap.finalize()
    return heap.D, heap.I


def print_nearness(name: str, scores: np.ndarray) -> None:
    distances = np.sqrt(np.maximum(2 - 2 * scores[:, :NEIGHBOURS], 1e-9))
    intrinsic = -1 / np.log(distances[:, :-1] / distances[:, -1:]).mean(axis=1)
    parts = [
        f"{label} {np.quantile(scores[:, rank], [0.05, 0.5, 0.95]).round(3).tolist()}"
        for label, rank in (("1st", 0), ("10th", 9), ("200th", 199))
    ]
    print(f"{name:34} {'  '.join(parts)}  intrinsic dimension {np.median(intrinsic):.1f}")


@cache
def coarse_of(lists: int, path: Path) -> faiss.IndexFlatIP:
    """Centroids of the lists, the same for every candidate."""
    stored = np.load(path, mmap_mode="r")
    start = time.perf_counter()
    means = faiss.Kmeans(stored.shape[1], lists, niter=10, spherical=True, seed=1)
    means.train(training_sample(stored, lists))
    print(f"{lists} centroids took {time.perf_counter() - start:.0f} s")
    return means.index


def training_sample(stored: np.ndarray, lists: int) -> np.ndarray:
    wanted = min(len(stored), max(lists, 1024) * TRAINING_ROWS_PER_LIST)
    rows = np.random.default_rng(2).choice(len(stored), wanted, replace=False)
    return stored[np.sort(rows)].astype(np.float32)


def untrained(candidate: Candidate, dimension: int, path: Path) -> faiss.Index:
    product = faiss.METRIC_INNER_PRODUCT
    lists = candidate.lists
    if candidate.kind == "HNSW":
        return faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_8bit, 16, product)
    coarse = coarse_of(lists, path)
    if candidate.kind in ("SQ8", "SQ4"):
        kind = {"SQ8": faiss.ScalarQuantizer.QT_8bit, "SQ4": faiss.ScalarQuantizer.QT_4bit}
        index = faiss.IndexIVFScalarQuantizer(
            coarse, dimension, lists, kind[candidate.kind], product, False
        )
    elif candidate.kind == "RaBitQ":
        index = faiss.IndexIVFRaBitQ(coarse, dimension, lists, product)
        index.qb = 8
    elif candidate.kind == "RaBitQfs":
        index = faiss.IndexIVFRaBitQFastScan(coarse, dimension, lists, product)
    else:
        index = faiss.IndexIVFPQFastScan(coarse, dimension, lists, 192, 4, product)
    index.quantizer_trains_alone = 0
    return index


def measure(candidate: Candidate, path: Path, queries: dict, truth: dict) -> None:
    """Build one candidate over the matrix in `path` and print a line for each setting."""
    stored = np.load(path, mmap_mode="r")
    index = untrained(candidate, stored.shape[1], path)
    start = time.perf_counter()
    index.train(training_sample(stored, candidate.lists))
    trained = time.perf_counter()
    for first in range(0, len(stored), BLOCK_ROWS):
        index.add(stored[first : first + BLOCK_ROWS].astype(np.float32))
    added = time.perf_counter()
    size = len(faiss.serialize_index(index)) / len(stored) / stored.shape[1]
    exact = faiss.IndexScalarQuantizer(
        stored.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for first in range(0, len(stored), BLOCK_ROWS):
        exact.add(stored[first : first + BLOCK_ROWS].astype(np.float32))
    refined = faiss.IndexRefine(index, exact)
    print(
        f"{candidate.name:18} train {trained - start:5.0f} s, add {added - trained:5.0f} s, "
        f"{size:.2f} bytes a dimension"
    )
    for effort, factor in candidate.settings:
        if candidate.kind == "HNSW":
            inner = faiss.SearchParametersHNSW(efSearch=max(effort, 300))
        else:
            inner = faiss.SearchParametersIVF(nprobe=effort)
        parameters = faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=inner)
        figures = []
        for name, rows in queries.items():
            seconds, found = [], []
            for query in rows:
                tries = []
                for _ in range(TRIES):
                    begun = time.perf_counter()
                    result = refined.search(query[np.newaxis], 200, params=parameters)[1][0]
                    tries.append(time.perf_counter() - begun)
                found.append(result)
                seconds.append(min(tries))
            recalls = [
                np.mean(
                    [
                        len(np.intersect1d(mine[:k], best[:k])) / k
                        for mine, best in zip(found, truth[name], strict=True)
                    ]
                )
                for k in (10, 200)
            ]
            median, high = np.quantile(seconds, [0.5, 0.95])
            figures.append(
                f"{name}: recall@10 {recalls[0]:.4f} @200 {recalls[1]:.4f} "
                f"p50 {median * 1e3:5.1f} ms p95 {high * 1e3:5.1f}"
            )
        print(f"{'':18} probes {effort:4} rerank {factor:4}x  {'   '.join(figures)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("index", type=Path, help="an index directory with real segments")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--questions", type=Path, help="a text file, one question a line")
    parser.add_argument("--only", default="", help="a part of a candidate's name")
    parser.add_argument("--cache", type=Path, required=True, help="keeps the drawn set")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    path = arguments.cache / f"drawn-{arguments.count}.npy"
    real = real_vectors(arguments.index)
    queries = {"windows": real[:HELD_OUT]}
    if arguments.questions is not None:
        from filesearch.embed.onnx import OnnxEmbedder

        questions = arguments.questions.read_text(encoding="utf-8").splitlines()
        queries["questions"] = OnnxEmbedder().embed_texts(questions)
    base = real[HELD_OUT:]
    if not path.exists():
        shape = (arguments.count, base.shape[1])
        drawn = np.lib.format.open_memmap(path, "w+", dtype=np.float16, shape=shape)
        first = 0
        for block in drawn_blocks(base, arguments.count):
            drawn[first : first + len(block)] = block
            first += len(block)
        drawn.flush()
    print(f"{len(real)} real windows, {arguments.count} drawn, faiss {faiss.__version__}")
    scores = faiss.knn(queries["windows"], base, 200, metric=faiss.METRIC_INNER_PRODUCT)[0]
    print_nearness("real windows among real ones", scores)
    fresh = next(drawn_blocks(base, HELD_OUT, seed=3))
    print_nearness("drawn among drawn", exact_top(path, fresh, 200)[0])
    truth = {}
    for name, rows in queries.items():
        scores, truth[name] = exact_top(path, rows, 200)
        print_nearness(f"{name} among drawn", scores)
    for candidate in CANDIDATES:
        if arguments.only in candidate.name:
            measure(candidate, path, queries, truth)


if __name__ == "__main__":
    main()
