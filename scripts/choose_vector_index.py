#!/usr/bin/env python3
"""Choose the vector index of large segments: candidates side by side, each at the recall it needs.

DOCUMENTS -> real windows and questions -> --count windows drawn around the real ones (how:
benchmarks/drawn_vectors.py) -> each candidate trained and filled -> the least effort with which it
finds enough of the questions' nearest -> a table.

    scripts/choose_vector_index.py DOCUMENTS [--count N] [--only NAME] [--json]

What a candidate finds is compared again with the float16 vectors, in memory for all of them. Recall
is against exact search over these. A time is that of one question on one core: the least of three
tries, and the median of all questions. Candidates are trained and filled with all cores. A million
windows take 15 minutes on 2 cores and 3 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import faiss
import numpy as np
from benchmarks.drawn_sets import (
    add_source_arguments,
    parse_counts,
    prepare_sources,
    read_source_options,
)
from benchmarks.drawn_vectors import VectorDrawer
from benchmarks.errors import BenchError
from benchmarks.machine import describe_machine
from benchmarks.measuring import say
from benchmarks.real_windows import load_real
from benchmarks.report import Column, Report, Table, Value

from filesearch.embed.onnx import OnnxEmbedder
from filesearch.types import FloatMatrix, IntArray

PRODUCT = faiss.METRIC_INNER_PRODUCT
EIGHT_BITS, FOUR_BITS = faiss.ScalarQuantizer.QT_8bit, faiss.ScalarQuantizer.QT_4bit
BLOCK_ROWS = 1 << 15
TRAINING_ROWS_PER_LIST = 64
QUESTIONS, WARM_UP = 200, 10
DEPTH = 200  # as many windows as a search asks for
MIN_RECALL_AT_10, MIN_RECALL_AT_200 = 0.98, 0.97
EFFORT_STEP = 1.25
TRIES = 3

COLUMNS = (
    Column("name", "candidate"),
    Column("bytes", "bytes a dimension", ".2f"),
    Column("build_s", "train and fill, s", ",.0f"),
    Column("factor", "compared again, times 200", ".1f"),
    Column("effort", "lists or nodes", ",.0f"),
    Column("recall_at_10", "recall@10", ".4f"),
    Column("recall_at_200", "recall@200", ".4f"),
    Column("p50_ms", "p50, ms", ",.1f"),
    Column("p95_ms", "p95, ms", ",.1f"),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A FAISS index that may be chosen.

    Attributes:
        make: Centroids of the lists -> the index, without vectors. Graphs leave them alone.
        factors: How many times as many are compared again as are asked for, each of which is tried.
    """

    name: str
    make: Callable[[faiss.IndexFlatIP], faiss.Index]
    factors: tuple[float, ...]


def make_lists(
    centroids: faiss.IndexFlatIP,
    *,
    kind: Callable[..., faiss.IndexIVF],
    arguments: tuple[object, ...],
) -> faiss.IndexIVF:
    """Return an index of lists; `arguments` follow the number of lists."""
    index = kind(centroids, centroids.d, centroids.ntotal, *arguments)
    index.quantizer_trains_alone = 0
    return index


def make_graph(centroids: faiss.IndexFlatIP, *, code: int) -> faiss.IndexHNSWSQ:
    """Return a graph of scalar-quantised vectors."""
    index = faiss.IndexHNSWSQ(centroids.d, code, 16, PRODUCT)
    index.hnsw.efConstruction = 80
    return index


def make_product_codes(centroids: faiss.IndexFlatIP) -> faiss.IndexIVFPQFastScan:
    """Return what filesearch/index/quantised.py makes."""
    arguments = (centroids.d // 2, 4, PRODUCT)
    return make_lists(centroids, kind=faiss.IndexIVFPQFastScan, arguments=arguments)


def of_lists(kind: Callable[..., faiss.IndexIVF], *arguments: object) -> Callable[..., faiss.Index]:
    return partial(make_lists, kind=kind, arguments=arguments)


SCALAR, RABITQ = faiss.IndexIVFScalarQuantizer, faiss.IndexIVFRaBitQFastScan
CANDIDATES = (
    Candidate("IVF, PQ 4 bit for two dimensions, fast-scan", make_product_codes, (3, 6, 12)),
    Candidate("IVF, RaBitQ 1 bit, fast-scan", of_lists(RABITQ, PRODUCT, 32, True, 1), (5, 10, 20)),
    Candidate("IVF, RaBitQ 2 bit, fast-scan", of_lists(RABITQ, PRODUCT, 32, True, 2), (2, 4, 8)),
    Candidate("IVF, scalar 8 bit", of_lists(SCALAR, EIGHT_BITS, PRODUCT, False), (1, 1.5)),
    Candidate("IVF, scalar 4 bit", of_lists(SCALAR, FOUR_BITS, PRODUCT, False), (1.5, 3)),
    Candidate("HNSW 16, scalar 4 bit", partial(make_graph, code=FOUR_BITS), (1.5, 3)),
    Candidate("HNSW 16, scalar 8 bit", partial(make_graph, code=EIGHT_BITS), (1, 1.5)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What every candidate is asked.

    Attributes:
        exact: The float16 vectors.
        centroids: Of the lists.
        questions: float32 (n, dimension), unit rows; nearest: int64 (n, DEPTH), by exact search.
    """

    exact: faiss.IndexScalarQuantizer
    centroids: faiss.IndexFlatIP
    questions: FloatMatrix
    nearest: IntArray


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_source_arguments(parser)
    parser.add_argument("--count", default="1M", help="windows [default: %(default)s]")
    parser.add_argument("--only", default="", metavar="NAME", help="a part of a candidate's name")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    options = parser.parse_args()
    try:
        report = compare(options)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        rows = list(report.tables[0].rows)
        print(json.dumps({"machine": asdict(describe_machine()), "rows": rows}))
    else:
        print(report.render())
    return 0


def compare(options: argparse.Namespace) -> Report:
    """Return what all candidates, or some, do with one set.

    Raises:
        BenchError: An option cannot be used, or no candidate has that name.
    """
    chosen = [candidate for candidate in CANDIDATES if options.only in candidate.name]
    if not chosen:
        names = "; ".join(candidate.name for candidate in CANDIDATES)
        raise BenchError(
            f"--only: no candidate has '{options.only}' in its name; they are: {names}"
        )
    count, *more = parse_counts(options.count, "--count")
    if more:
        raise BenchError(f"--count: '{options.count}' is more than one; give one such as 1M")
    task = prepare_task(options, count)
    rows: list[dict[str, Value]] = []
    for candidate in chosen:
        rows.append(measure(candidate, task))
        say("  ".join(column.show(rows[-1].get(column.key)) for column in COLUMNS))
    return Report(
        measured=(
            f"{count:,} drawn windows, {len(task.questions)} questions (headings), the least "
            f"effort with recall@10 of {MIN_RECALL_AT_10} and recall@200 of {MIN_RECALL_AT_200}, "
            f"or the most there is; faiss {faiss.__version__}."
        ),
        tables=[Table("vector index", COLUMNS, rows)],
    )


def prepare_task(options: argparse.Namespace, count: int) -> Task:
    """Return the drawn windows, and what is asked of them."""
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "questions.json"
        real = prepare_sources(read_source_options(options), asked, QUESTIONS)
        texts = json.loads(asked.read_text())["questions"]
    drawer = VectorDrawer(load_real(real), seed=options.seed)
    say(f"drawing {count:,} windows")
    exact = faiss.IndexScalarQuantizer(drawer.dimension, faiss.ScalarQuantizer.QT_fp16, PRODUCT)
    for first in range(0, count, BLOCK_ROWS):
        keys = np.arange(first, min(first + BLOCK_ROWS, count), dtype=np.uint64)
        exact.add(drawer.draw(keys))
    questions = OnnxEmbedder().embed_texts(texts)
    say("searching them exactly")
    nearest = exact.search(questions, DEPTH)[1]
    lists = 2 ** round(np.log2(np.sqrt(count)))
    means = faiss.Kmeans(drawer.dimension, lists, niter=10, spherical=True, seed=1)
    means.train(training_sample(exact, lists))
    return Task(exact, means.index, questions, nearest)


def training_sample(exact: faiss.IndexScalarQuantizer, lists: int) -> FloatMatrix:
    """Return some of the vectors, drawn without order."""
    wanted = min(exact.ntotal, lists * TRAINING_ROWS_PER_LIST)
    rows = np.random.default_rng(2).choice(exact.ntotal, wanted, replace=False)
    sample: FloatMatrix = exact.reconstruct_batch(np.sort(rows))
    return sample


def measure(candidate: Candidate, task: Task) -> dict[str, Value]:
    """Build one candidate and return its row: of the factors, the one that is quickest."""
    say(f"building: {candidate.name}")
    started = time.perf_counter()
    index = candidate.make(task.centroids)
    index.train(training_sample(task.exact, task.centroids.ntotal))
    for first in range(0, task.exact.ntotal, BLOCK_ROWS):
        size = min(BLOCK_ROWS, task.exact.ntotal - first)
        index.add(task.exact.reconstruct_n(first, size))
    built = time.perf_counter() - started
    values = task.exact.ntotal * task.exact.d
    found = [measure_factor(index, factor, task) for factor in candidate.factors]
    enough = [row for row in found if is_enough(row["recall_at_10"], row["recall_at_200"])]
    best = min(enough or found, key=lambda row: row["p50_ms"])
    size_of = len(faiss.serialize_index(index)) / values
    return {"name": candidate.name, "bytes": size_of, "build_s": built, **best}


def measure_factor(index: faiss.Index, factor: float, task: Task) -> dict[str, float]:
    """Return recall and times with the least effort that finds enough, or the most there is."""
    refined = faiss.IndexRefine(index, task.exact)
    for effort in efforts(index, factor):
        parameters = search_parameters(index, effort, factor)
        found = refined.search(task.questions, DEPTH, params=parameters)[1]
        at_10, at_200 = (recall(found, task.nearest, depth) for depth in (10, DEPTH))
        if is_enough(at_10, at_200):
            break
    seconds = one_core_times(refined, task.questions, parameters)
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1000
    return {
        "factor": factor,
        "effort": effort,
        "recall_at_10": at_10,
        "recall_at_200": at_200,
        "p50_ms": float(p50),
        "p95_ms": float(p95),
    }


def efforts(index: faiss.Index, factor: float) -> Iterator[int]:
    """Yield how many lists, or nodes of a graph, may be looked at, ascending."""
    is_graph = isinstance(index, faiss.IndexHNSWSQ)
    effort, most = (round(DEPTH * factor), 6_400) if is_graph else (index.nlist // 64, index.nlist)
    effort = max(1, effort)
    while effort < most:
        yield effort
        effort = int(np.ceil(effort * EFFORT_STEP))
    yield most


def search_parameters(
    index: faiss.Index, effort: int, factor: float
) -> faiss.IndexRefineSearchParameters:
    """Return how FAISS is told of effort and factor."""
    inner = (
        faiss.SearchParametersHNSW(efSearch=effort)
        if isinstance(index, faiss.IndexHNSWSQ)
        else faiss.SearchParametersIVF(nprobe=effort)
    )
    return faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=inner)


def is_enough(at_10: float, at_200: float) -> bool:
    """Whether these recalls are what is asked for."""
    return at_10 >= MIN_RECALL_AT_10 and at_200 >= MIN_RECALL_AT_200


def recall(found: IntArray, nearest: IntArray, depth: int) -> float:
    """Return which share of the `depth` nearest is among the first `depth` found."""
    pairs = zip(found[:, :depth], nearest[:, :depth], strict=True)
    return float(np.mean([len(np.intersect1d(mine, best)) / depth for mine, best in pairs]))


def one_core_times(
    index: faiss.Index, questions: FloatMatrix, parameters: faiss.SearchParameters
) -> Sequence[float]:
    """Return how long each question takes alone, seconds."""
    cores = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for question in questions[:WARM_UP]:
            index.search(question[np.newaxis], DEPTH, params=parameters)
        return [
            min(timed(index, question[np.newaxis], parameters) for _ in range(TRIES))
            for question in questions
        ]
    finally:
        faiss.omp_set_num_threads(cores)


def timed(index: faiss.Index, question: FloatMatrix, parameters: faiss.SearchParameters) -> float:
    """Return the seconds of one search."""
    started = time.perf_counter()
    index.search(question, DEPTH, params=parameters)
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())
