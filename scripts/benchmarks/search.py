"""Search end to end: `FileSearch.search` in one process, query embedding included.

Stores of 100,000 and 1,000,000 windows (`--windows`) are drawn once from the Markdown files below
DOCUMENTS and kept: text, terms, chunks and catalog are real, which window follows which is drawn,
and so are vectors, around real ones (see benchmarks/drawn_store.py and drawn_vectors.py). Or
`--index` names an index of your own. Each turn is a new process for each store, which asks every
question once: without rerank, with it, and with a filter that keeps 0.1% of the files, in turn.

Recall is that of vector search against brute force over the float32 vectors as they were drawn (of
an own index: those that its segments give back). Token signs take 3.5 KB a window, so stores above
`--signs-up-to` have none. Filling takes about 1 minute for 100,000 windows, 10 for a million and
100 for ten million on 2 cores; measuring 2 minutes a store.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.drawn_sets import (
    add_set_arguments,
    drawn_facts,
    find_store,
    parse_counts,
    prepare_sources,
    read_set_options,
)
from benchmarks.errors import BenchError
from benchmarks.measuring import alternate, figures_of, median, percentile, run_program, say
from benchmarks.report import Claim, Column, Report, Table, Value
from benchmarks.subcommand import Session, Subcommand

DRIVERS = Path(__file__).parent / "drivers"
PLAIN, RERANK, FILTERED = "plain", "rerank", "filtered"
MODES = {PLAIN: "no rerank", RERANK: "rerank of 50", FILTERED: "filter of 0.1%, no rerank"}
RECALL_QUESTIONS = 200
MEDIAN_TARGETS_MS = {100_000: 15.0, 1_000_000: 30.0}
TAIL_TARGETS_MS = {100_000: 40.0}
TARGET_RERANK_MS, TARGET_RECALL = 10.0, 0.98


@dataclass(frozen=True, slots=True)
class SearchRun:
    """One turn on one store: see drivers/search_index.py."""

    opening_s: float
    ms: Mapping[str, Sequence[float]]
    found: Mapping[str, int]
    opened_mb: Mapping[str, float]
    searched_mb: Mapping[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    add_set_arguments(parser)
    parser.add_argument(
        "--windows",
        default="100k,1M",
        metavar="COUNTS",
        help="windows of each store, with commas between [default: %(default)s]",
    )
    parser.add_argument(
        "--signs-up-to",
        default="200k",
        metavar="COUNT",
        help="larger stores keep no token signs [default: %(default)s]",
    )
    parser.add_argument(
        "--queries", type=int, default=600, help="questions a turn [default: %(default)s]"
    )
    parser.add_argument("--index", type=Path, metavar="DIR", help="measure this index instead")


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every turn."""
    if options.queries < len(MODES):
        raise BenchError(f"--queries must be at least {len(MODES)}, one for each mode")
    sources = read_set_options(options)
    sizes = parse_counts(options.windows, "--windows")
    [with_signs] = parse_counts(options.signs_up_to, "--signs-up-to")
    questions = session.scratch / "questions.json"
    real = prepare_sources(sources, questions, options.queries)
    errors: dict[str, str] = {}
    stores: dict[str, Path] = {}
    recalls: dict[str, dict[str, Any]] = {}
    if options.index:
        stores["own index"] = options.index
    for windows in [] if options.index else sizes:
        name = f"{windows:,} windows"
        try:
            stores[name] = find_store(sources, windows, real, has_signs=windows <= with_signs)
        except BenchError as error:
            errors[name] = str(error)
    for name, directory in stores.items():
        say(f"recall: {name}")
        try:
            recalls[name] = _recall(directory, questions, session.scratch, drawn=not options.index)
        except BenchError as error:
            errors[f"recall of {name}"] = str(error)
        yield _report([], stores, recalls, errors, drawn=not options.index)
    modes = [PLAIN, RERANK] if options.index else list(MODES)
    contestants = {name: _searcher(stores[name], questions, modes) for name in stores}
    turns: list[dict[str, SearchRun]] = []
    for turn in alternate(contestants, session.turns, errors):
        turns.append(turn)
        yield _report(turns, stores, recalls, errors, drawn=not options.index)


def _recall(directory: Path, questions: Path, scratch: Path, *, drawn: bool) -> dict[str, Any]:
    asked = json.loads(questions.read_text())
    few = scratch / "recall.json"
    few.write_text(json.dumps(asked | {"questions": asked["questions"][:RECALL_QUESTIONS]}))
    spec = [directory / "spec.json"] if drawn else []
    done = run_program([sys.executable, DRIVERS / "recall_index.py", directory, few, *spec])
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found


def _searcher(directory: Path, questions: Path, modes: Sequence[str]) -> Callable[[], SearchRun]:
    command: list[str | Path] = [
        sys.executable,
        DRIVERS / "search_index.py",
        directory,
        questions,
    ]

    def search() -> SearchRun:
        done = run_program([*command, ",".join(modes)])
        return SearchRun(**json.loads(done.output.splitlines()[-1]))

    return search


def _report(
    turns: Sequence[dict[str, SearchRun]],
    stores: Mapping[str, Path],
    recalls: Mapping[str, Mapping[str, Any]],
    errors: Mapping[str, str],
    *,
    drawn: bool,
) -> Report:
    latency: list[dict[str, Value]] = []
    memory: list[dict[str, Value]] = []
    claims: list[Claim] = []
    for name, directory in stores.items():
        found = recalls.get(name, {})
        medians: dict[str, float | None] = {}
        for mode, shown in MODES.items():
            times = [ms for turn in turns if name in turn for ms in turn[name].ms.get(mode, ())]
            medians[mode] = median(times)
            of_mode = found.get("filtered" if mode == FILTERED else "all", {})
            latency.append(
                {
                    "store": name,
                    "mode": shown,
                    "p50_ms": median(times),
                    "p99_ms": percentile(times, 0.99),
                    "asked": len(times),
                    "vector_ms": median(of_mode.get("vector_ms", [])),
                    "recall": of_mode.get("recall"),
                }
            )
        memory.append(_memory_row(name, turns, directory if drawn else None))
        claims += _claims(name, latency[-len(MODES) :], medians, drawn=drawn)
    tables = [
        Table(
            "search", _LATENCY_COLUMNS, [row for row in latency if row["asked"] or row["recall"]]
        ),
        Table("memory and disk", _MEMORY_COLUMNS, memory),
    ]
    near = [
        {"store": name, "between": between, **dict(zip(_QUANTILES, values, strict=True))}
        for name, found in recalls.items()
        for between, values in found.get("neighbours", {}).items()
    ]
    if near:
        columns = [Column(quantile, quantile, ".3f") for quantile in _QUANTILES]
        tables.append(
            Table(
                "cosine to the nearest neighbour, real and drawn",
                [Column("store", "store"), Column("between", "between"), *columns],
                near,
            )
        )
    return Report(
        measured=(
            "`FileSearch.search`, top 10, each question once in a process of its own a turn; "
            "recall@10 of vector search against brute force; questions are real titles, headings "
            "and beginnings of sentences."
        ),
        tables=tables,
        claims=claims,
        errors=errors,
        raw={
            "recall": recalls,
            "turns": [{name: dict(run.ms) for name, run in turn.items()} for turn in turns],
        },
    )


_QUANTILES = ("5%", "25%", "50%", "75%", "95%")  # drawn_vectors.QUANTILES
_LATENCY_COLUMNS = (
    Column("store", "store"),
    Column("mode", "search"),
    Column("p50_ms", "p50, ms", ".1f"),
    Column("p99_ms", "p99, ms", ".1f"),
    Column("asked", "searches", ","),
    Column("vector_ms", "vector part p50, ms", ".2f"),
    Column("recall", "recall@10", ".4f"),
)
_MEMORY_COLUMNS = (
    Column("store", "store"),
    Column("chunks", "chunks", ","),
    Column("segments", "segments", ","),
    Column("opening_s", "open and first search, s", ".2f"),
    Column("opened_mb", "resident then, MiB", ",.0f"),
    Column("searched_mb", "resident at the end, MiB", ",.0f"),
    Column("anonymous_mb", "of it own", ",.0f"),
    Column("mapped_mb", "of it mapped files", ",.0f"),
    Column("segment_mb", "segments, MB", ",.0f"),
    Column("catalog_mb", "catalog, MB", ",.0f"),
    Column("fill_s", "filling: indexing, s", ",.0f"),
    Column("fill_mb", "filling: peak, MiB", ",.0f"),
)


def _memory_row(
    name: str, turns: Sequence[dict[str, SearchRun]], directory: Path | None
) -> dict[str, Value]:
    row: dict[str, Value] = {
        "store": name,
        "opening_s": median(figures_of(turns, name, lambda run: run.opening_s)),
        "opened_mb": median(figures_of(turns, name, lambda run: run.opened_mb["rss"])),
    }
    for key, field in (("searched", "rss"), ("anonymous", "anonymous"), ("mapped", "mapped")):
        row[f"{key}_mb"] = median([t[name].searched_mb[field] for t in turns if name in t])
    if directory:
        filled = drawn_facts(directory)["filled"]
        row |= {
            "chunks": filled["chunks"],
            "segments": filled["segments"],
            "segment_mb": filled["segment_bytes"] / 1e6,
            "catalog_mb": filled["catalog_bytes"] / 1e6,
            "fill_s": filled["indexing_s"],
            "fill_mb": filled["peak_mb"],
        }
    return row


def _claims(
    name: str,
    rows: Sequence[Mapping[str, Value]],
    medians: Mapping[str, float | None],
    *,
    drawn: bool,
) -> list[Claim]:
    """Return what is asked of a store, by its size."""
    if not drawn:
        return []
    plain, _, filtered = rows
    windows = int(name.partition(" ")[0].replace(",", ""))
    claims: list[Claim] = []
    for bounds, key in ((MEDIAN_TARGETS_MS, "p50_ms"), (TAIL_TARGETS_MS, "p99_ms")):
        if windows in bounds:
            what = f"{name}, no rerank: {key[:3]}, ms"
            claims.append(Claim(what, _number(plain[key]), bounds[windows], is_least=False))
    before, after = medians[PLAIN], medians[RERANK]
    added = None if before is None or after is None else after - before
    claims.append(Claim(f"{name}: rerank adds, ms", added, TARGET_RERANK_MS, is_least=False))
    claims.append(Claim(f"{name}: recall@10", _number(plain["recall"]), TARGET_RECALL))
    claims.append(Claim(f"{name}: recall@10 within 0.1%", _number(filtered["recall"]), 1.0))
    return claims


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


SUBCOMMAND = Subcommand(
    name="search",
    summary="latency, recall and memory of search at 100,000 windows and beyond",
    description=__doc__ or "",
    peers=(),
    turns=3,
    add_arguments=add_arguments,
    measure=measure,
)
