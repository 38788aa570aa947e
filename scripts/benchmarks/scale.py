"""Growth: time and memory of indexing from 10,000 to 1,000,000 chunks, and search on the way.

One process fills an index with drawn documents (see benchmarks/drawn_store.py: text, chunks of 800
tokens, terms and catalog are real; which window follows which, and the vectors, are drawn). Its
time is that of the library's own code: adding documents, writing and merging segments, committing
to the catalog; reading, cutting up and embedding, which cost the same for each chunk whatever the
index holds, are left out. What they cost is measured beside it: `fsearch ingest` of the first
--files Markdown files into an empty index. With that in place of the first step's indexing, the
report says what a chunk costs when it is ingested whole. After each step it waits while another
process opens the index and searches. Memory is beside that of the process before the first
document: with the pages of mapped files, which the kernel takes back when it needs them, and
without.

`--plot FILE.png` draws it. At its default steps it takes 20 to 60 minutes on 2 cores and 8 GB of
disk; every step is kept with `--save`, and `--minutes` ends it early.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.documents import copy_markdown
from benchmarks.drawn_sets import (
    add_set_arguments,
    fill,
    parse_counts,
    prepare_sources,
    read_set_options,
    store_spec,
)
from benchmarks.errors import BenchError
from benchmarks.measuring import median, percentile, run_program, say
from benchmarks.report import Chart, Claim, Column, Report, Table, Value
from benchmarks.stores import ingest_ours
from benchmarks.subcommand import Session, Subcommand

DRIVERS = Path(__file__).parent / "drivers"
TARGET_GROWTH = 1.2
"""A chunk may cost at the end so many times what it costs at the beginning."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    add_set_arguments(parser)
    parser.add_argument(
        "--chunks",
        default="10k,20k,50k,100k,200k,500k,1M",
        metavar="COUNTS",
        help="chunks after each step [default: %(default)s]",
    )
    parser.add_argument(
        "--queries", type=int, default=90, help="searches after each step [default: %(default)s]"
    )
    parser.add_argument(
        "--files", type=int, default=300, help="real ones, ingested whole [default: %(default)s]"
    )
    parser.add_argument("--signs", action="store_true", help="keep token signs: 12 KB a chunk")
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="fill this index and keep it; it must not exist"
    )


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every step."""
    if session.turns != 1:
        raise BenchError("--turns: growth is measured once; leave the flag out")
    if options.queries < 1:
        raise BenchError(f"--queries must be at least 1, not {options.queries}")
    directory = options.store or session.scratch / "grown"
    if directory.exists():
        raise BenchError(f"--store: '{directory}' exists; delete it or name another one")
    sources = read_set_options(options)
    steps = parse_counts(options.chunks, "--chunks")
    questions = session.scratch / "questions.json"
    real = prepare_sources(sources, questions, options.queries)
    spec = store_spec(
        sources, directory, real, [("chunks", step) for step in steps], has_signs=options.signs
    )
    whole_ms = _ingest_whole(options.documents, options.files, session)
    found: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    with closing(fill(spec)) as filled:
        for number, step in enumerate(filled):
            say(f"step {number + 1} of {len(steps)}: {step['chunks']:,} chunks; searching")
            try:
                step |= _search(directory, questions)
            except BenchError as error:
                errors[f"search at {step['chunks']:,} chunks"] = str(error)
            found.append(step)
            yield make_report(found, errors, whole_ms=whole_ms)


def _ingest_whole(documents: Path, files: int, session: Session) -> float:
    """Return what a chunk of real files costs, from reading them to the commit, in ms."""
    folder = session.scratch / "documents"
    copy_markdown(documents, folder, files)
    say(f"ingesting {files} files whole")
    _done, report = ingest_ours(folder, session.scratch / "whole")
    chunks = sum(outcome["chunks"] for outcome in report["outcomes"])
    return 1e3 * float(report["seconds"]) / max(chunks, 1)


def _search(directory: Path, questions: Path) -> dict[str, Any]:
    """Return how long searches take without rerank, and what the searching process holds."""
    done = run_program([sys.executable, DRIVERS / "search_index.py", directory, questions, "plain"])
    run = json.loads(done.output.splitlines()[-1])
    times = run["ms"]["plain"]
    return {
        "search_p50_ms": median(times),
        "search_p99_ms": percentile(times, 0.99),
        "search_mb": run["searched_mb"]["rss"],
        "opening_s": run["opening_s"],
    }


def make_report(
    steps: Sequence[Mapping[str, Any]], errors: Mapping[str, str], *, whole_ms: float
) -> Report:
    """Return table, claim and charts of the steps so far, at least one.

    Args:
        steps: As the driver prints them, with what was searched.
        errors: What of them failed.
        whole_ms: What a chunk costs that is ingested whole into an empty index.
    """
    rows = [_row(step, steps[i - 1] if i else None) for i, step in enumerate(steps)]
    for row in rows:
        row["whole_ms"] = whole_ms + _number(row, "ms") - _number(rows[0], "ms")
    growth = _growth(rows, "whole_ms")
    what = "cost of a chunk that is ingested whole, in the last step / in the first"
    claims = [Claim(what, growth, TARGET_GROWTH, is_least=False)]
    return Report(
        measured=(
            "Indexing alone (adding, committing, merging), cumulative and for each chunk of a "
            "step; what a chunk costs with reading and embedding, which was measured on real "
            f"files in an empty index ({whole_ms:.1f} ms); memory beyond that of the filling "
            "process before its first document; searches without rerank in a process of their own."
        ),
        tables=[Table("growth", _COLUMNS, rows)],
        claims=claims,
        charts=_charts(rows),
        errors=errors,
        raw=[dict(step) for step in steps],
    )


_COLUMNS = (
    Column("chunks", "chunks", ","),
    Column("windows", "windows", ","),
    Column("files", "files", ","),
    Column("minutes", "indexing, min", ".2f"),
    Column("ms", "a chunk of this step, ms", ".3f"),
    Column("cpu_ms", "processor, ms", ".3f"),
    Column("whole_ms", "a chunk ingested whole, ms", ".2f"),
    Column("peak_mb", "peak with mapped files, MiB", ",.0f"),
    Column("own_peak_mb", "peak of its own, MiB", ",.0f"),
    Column("rss_mb", "at the end, MiB", ",.0f"),
    Column("segments", "segments", ","),
    Column("segment_mb", "segments, MB", ",.0f"),
    Column("catalog_mb", "catalog, MB", ",.0f"),
    Column("search_p50_ms", "search p50, ms", ".1f"),
    Column("search_p99_ms", "p99", ".1f"),
    Column("search_mb", "its memory, MiB", ",.0f"),
    Column("opening_s", "open, s", ".2f"),
)


def _row(step: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Value]:
    earlier = before or {"chunks": 0, "indexing_s": 0.0, "cpu_s": 0.0}
    chunks = step["chunks"] - earlier["chunks"]
    return {
        "chunks": step["chunks"],
        "windows": step["windows"],
        "files": step["files"],
        "minutes": step["indexing_s"] / 60,
        "ms": 1e3 * (step["indexing_s"] - earlier["indexing_s"]) / chunks,
        "cpu_ms": 1e3 * (step["cpu_s"] - earlier["cpu_s"]) / chunks,
        "peak_mb": step["peak_mb"] - step["base_mb"],
        "own_peak_mb": step["own_peak_mb"] - step["base_own_mb"],
        "rss_mb": step["rss_mb"] - step["base_mb"],
        "segments": step["segments"],
        "segment_mb": step["segment_bytes"] / 1e6,
        "catalog_mb": step["catalog_bytes"] / 1e6,
        **{
            key: step.get(key)
            for key in ("search_p50_ms", "search_p99_ms", "search_mb", "opening_s")
        },
    }


def _growth(rows: Sequence[Mapping[str, Value]], key: str) -> float | None:
    """Return the cost of a chunk in the last step over that in the first; None of one step."""
    if len(rows) < 2:
        return None
    first, last = _number(rows[0], key), _number(rows[-1], key)
    return last / first if first else None


def _number(row: Mapping[str, Value], key: str) -> float:
    value = row[key]
    assert isinstance(value, float)
    return value


def _charts(rows: Sequence[Mapping[str, Value]]) -> list[Chart]:
    def line(key: str) -> list[tuple[float, float]]:
        points = [(row["chunks"], row[key]) for row in rows]
        return [(float(x), float(y)) for x, y in points if x is not None and y is not None]

    return [
        Chart("indexing", "chunks", "minutes", {"without embedding": line("minutes")}, False),
        Chart(
            "cost of a chunk",
            "chunks",
            "ms",
            {"ingested whole": line("whole_ms"), "indexing alone": line("ms")},
        ),
        Chart(
            "memory",
            "chunks",
            "MiB",
            {
                "indexing, peak with mapped files": line("peak_mb"),
                "indexing, peak of its own": line("own_peak_mb"),
                "searching": line("search_mb"),
            },
        ),
        Chart(
            "search without rerank",
            "chunks",
            "ms",
            {"p50": line("search_p50_ms"), "p99": line("search_p99_ms")},
        ),
    ]


SUBCOMMAND = Subcommand(
    name="scale",
    summary="time and memory from 10,000 to 1,000,000 chunks",
    description=__doc__ or "",
    peers=(),
    turns=1,
    add_arguments=add_arguments,
    measure=measure,
)
