"""Keyword queries: our postings beside rank_bm25, bm25s (numba) and tantivy, on the same terms.

Rows are chunks of real sentences of the Markdown files below DOCUMENTS, shuffled, each sharing half
of its tokens with the next; queries are titles, headings and beginnings of sentences, or the texts
of a queries.jsonl. Everybody gets them as our terms, cut once; nobody tokenises. Each contestant
indexes the rows once, in a process of its own, and in each turn another process opens the index and
asks the next block of queries, one after the other on one thread, and then the same block again:
first most words are new to the process, as after its start; then none is, as in a server.

rank_bm25 is slow: it is asked the first `--slow-queries` of each block, and ratios to it are over
those. Scores are compared with its own; bm25s and tantivy weigh terms by another idf, so for them
the share of the top 10 in common is told (equal scores are ordered by chance). At its default sizes
(100,000 rows of 800 tokens, 1,000 queries) it takes about 40 minutes on 2 cores and 12 GB of memory
for rank_bm25; `--row-tokens 120` (some 100 terms a row) about 10.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchError
from benchmarks.measuring import (
    alternate,
    child_environment,
    figures_of,
    median,
    median_ratio,
    percentile,
    run_program,
    say,
)
from benchmarks.report import Claim, Column, Report, Table, Value
from benchmarks.subcommand import Session, Subcommand

DRIVERS = Path(__file__).parent / "drivers"
OURS, SLOW = "filesearch", "rank_bm25"
TARGET_SLOW, TARGET_LEVEL = 100.0, 1.0
TOP_K, MANY, AGAIN = "10", "200", "again"


@dataclass(frozen=True, slots=True)
class Built:
    """What indexing the rows cost."""

    build_s: float
    peak_mb: float
    size_mb: float


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn: a block of queries.

    Attributes:
        ms: Top k -> milliseconds of each query; "again" -> those of asking for the top 10 again.
        rows, scores: Of the top 10 of each query.
    """

    load_s: float
    first_ms: float
    peak_mb: float
    ms: Mapping[str, Sequence[float]]
    rows: Sequence[Sequence[int]]
    scores: Sequence[Sequence[float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    parser.add_argument("documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown")
    for flag, value, meaning in (
        ("--rows", 100_000, "chunks"),
        ("--row-tokens", 800, "tokens of a chunk, half of them shared with the next"),
        ("--queries", 1_000, "queries, in as many blocks as there are turns"),
        ("--slow-queries", 20, "how many of each block rank_bm25 is asked"),
        ("--seed", 0, "another one shuffles otherwise"),
    ):
        parser.add_argument(flag, type=int, default=value, help=f"{meaning} [default: %(default)s]")
    parser.add_argument(
        "--questions", type=Path, metavar="FILE", help="a queries.jsonl to take queries from"
    )


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every turn."""
    if min(options.rows, options.row_tokens, options.slow_queries) < 1:
        raise BenchError("--rows, --row-tokens and --slow-queries must be at least 1")
    if options.queries < session.turns:
        raise BenchError(f"--queries must be at least {session.turns}, one for each turn")
    made = _make_rows(options, session.scratch)
    errors: dict[str, str] = {}
    contestants: dict[str, Callable[[], Asked]] = {}
    built: dict[str, Built] = {}
    for name in (OURS, *session.peers):
        try:
            built[name] = _build(name, session)
        except BenchError as error:
            errors[name] = str(error)
            continue
        contestants[name] = _asker(name, session, made["queries"], options.slow_queries)
    turns: list[dict[str, Asked]] = []
    for turn in alternate(contestants, session.turns, errors):
        turns.append(turn)
        yield _report(turns, built, made, errors)


def _make_rows(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Write rows and queries into the scratch folder; returns how many there are."""
    spec = {
        "corpus": str(options.documents),
        "questions": str(options.questions) if options.questions else None,
        "queries": options.queries,
        "seed": options.seed,
        "rows": options.rows,
        "row_tokens": options.row_tokens,
        "rows_file": str(scratch / "rows.txt"),
        "queries_file": str(scratch / "queries.txt"),
    }
    (scratch / "rows.json").write_text(json.dumps(spec))
    say(f"making {options.rows:,} rows")
    done = run_program([sys.executable, DRIVERS / "keyword_rows.py", scratch / "rows.json"])
    found: dict[str, Any] = json.loads(done.output)
    return found


def _command(name: str, session: Session) -> list[str | Path]:
    python = sys.executable if name == OURS else session.environments.python(name)
    return [python, DRIVERS / f"keyword_{name}.py"]


def _surroundings(name: str) -> dict[str, str]:
    environment = child_environment()
    if name != OURS:  # a peer's packages are its own
        environment.pop("PYTHONPATH", None)
    return environment


def _build(name: str, session: Session) -> Built:
    say(f"indexing: {name}")
    folder = session.scratch / f"index-{name}"
    folder.mkdir()
    done = run_program(
        [*_command(name, session), "build", session.scratch / "rows.txt", folder],
        environment=_surroundings(name),
    )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Built(json.loads(done.output.splitlines()[-1])["build_s"], done.peak_mb, size / 1e6)


def _asker(name: str, session: Session, queries: int, slow: int) -> Callable[[], Asked]:
    """Return what asks the next block each time."""
    edges = [queries * turn // session.turns for turn in range(session.turns + 1)]
    blocks = iter(pairwise(edges))

    def ask() -> Asked:
        first, past = next(blocks)
        past = min(past, first + slow) if name == SLOW else past
        top_ks = f"{TOP_K},{MANY}" if name == OURS else TOP_K
        done = run_program(
            [
                *_command(name, session),
                "ask",
                session.scratch / f"index-{name}",
                session.scratch / "queries.txt",
                str(first),
                str(past),
                top_ks,
            ],
            environment=_surroundings(name),
        )
        return Asked(peak_mb=done.peak_mb, **json.loads(done.output.splitlines()[-1]))

    return ask


def _report(
    turns: Sequence[dict[str, Asked]],
    built: Mapping[str, Built],
    made: Mapping[str, Any],
    errors: Mapping[str, str],
) -> Report:
    rows = [_row(turns, name, TOP_K, built[name]) for name in built]
    rows.insert(1, _row(turns, OURS, MANY, None))
    claims = []
    for name in built:
        if name == SLOW:
            figure = _ratio(turns, name, 0.5)
            claims.append(Claim(f"{name} / ours, p50", figure, TARGET_SLOW))
        elif name != OURS:
            for asked, meaning in ((TOP_K, ""), (AGAIN, ", asked again")):
                for share in (0.5, 0.99):
                    title = f"{name} / ours, p{share * 100:.0f}{meaning}"
                    figure = _ratio(turns, name, share, asked)
                    claims.append(Claim(title, figure, TARGET_LEVEL))
    difference = _score_difference(turns)
    if difference is not None:
        claims.append(
            Claim("largest difference of a score to rank_bm25's", difference, 1e-9, is_least=False)
        )
    columns = (
        Column("contestant", "contestant"),
        Column("top_k", "top"),
        Column("p50_ms", "p50, ms", ".3f"),
        Column("p99_ms", "p99, ms", ".3f"),
        Column("again_p50_ms", "again, p50, ms", ".3f"),
        Column("again_p99_ms", "again, p99, ms", ".3f"),
        Column("per_s", "queries/s", ",.0f"),
        Column("ratio", "its p50 / ours", ".2f"),
        Column("ratio_p99", "its p99 / ours", ".2f"),
        Column("agreement", "top 10 as rank_bm25", ".3f"),
        Column("build_s", "build, s", ".1f"),
        Column("load_ms", "open, ms", ",.1f"),
        Column("first_ms", "first query, ms", ",.1f"),
        Column("size_mb", "disk, MB", ",.0f"),
        Column("build_mb", "peak build, MiB", ",.0f"),
        Column("ask_mb", "peak asking, MiB", ",.0f"),
    )
    return Report(
        measured=(
            f"{made['rows']:,} rows of {made['terms_per_row']:.0f} terms, {made['queries']} queries"
            f" of {made['terms_per_query']:.1f} distinct terms in blocks by turns, one thread; "
            "p50 and p99 over all that were asked, ratios as the median of the turns."
        ),
        tables=[Table("keyword search", columns, rows)],
        claims=claims,
        errors=errors,
        raw=[
            {name: {"ms": asked.ms, "load_s": asked.load_s} for name, asked in turn.items()}
            for turn in turns
        ],
    )


def _row(
    turns: Sequence[dict[str, Asked]], name: str, top_k: str, built: Built | None
) -> dict[str, Value]:
    times = [ms for turn in turns if name in turn for ms in turn[name].ms[top_k]]
    row: dict[str, Value] = {
        "contestant": name,
        "top_k": top_k,
        "p50_ms": median(times),
        "p99_ms": percentile(times, 0.99),
        "per_s": 1e3 * len(times) / sum(times) if times else None,
    }
    if built is None:
        return row
    seconds = median(figures_of(turns, name, lambda asked: asked.load_s))
    again = [ms for turn in turns if name in turn for ms in turn[name].ms[AGAIN]]
    row |= {
        "again_p50_ms": median(again),
        "again_p99_ms": percentile(again, 0.99),
        "ratio": _ratio(turns, name, 0.5),
        "ratio_p99": _ratio(turns, name, 0.99),
        "agreement": _agreement(turns, name),
        "build_s": built.build_s,
        "load_ms": None if seconds is None else 1e3 * seconds,
        "first_ms": median(figures_of(turns, name, lambda asked: asked.first_ms)),
        "size_mb": built.size_mb,
        "build_mb": built.peak_mb,
        "ask_mb": max(figures_of(turns, name, lambda asked: asked.peak_mb), default=None),
    }
    return row


def _ratio(
    turns: Sequence[dict[str, Asked]], name: str, share: float, asked: str = TOP_K
) -> float | None:
    """Return how many times as long it takes as ours, over the queries that both were asked."""
    paired: list[dict[str, Sequence[float]]] = []
    for turn in turns:
        if OURS in turn and name in turn:
            theirs = turn[name].ms[asked]
            paired.append({name: theirs, OURS: turn[OURS].ms[asked][: len(theirs)]})
    return median_ratio(paired, name, OURS, lambda ms: percentile(ms, share) or 0.0)


def _agreement(turns: Sequence[dict[str, Asked]], name: str) -> float | None:
    """Return the mean share of rank_bm25's best rows among those of `name`."""
    shares = [
        len(set(mine) & set(truth)) / len(truth)
        for turn in turns
        if name in turn and SLOW in turn
        for mine, truth in zip(turn[name].rows, turn[SLOW].rows, strict=False)
        if truth
    ]
    return sum(shares) / len(shares) if shares else None


def _score_difference(turns: Sequence[dict[str, Asked]]) -> float | None:
    """Return the largest difference between our best scores and rank_bm25's, rank by rank.

    None where none was compared. Where fewer rows hold a query's terms, rank_bm25 fills up with
    rows of score 0; a row that either lacks counts as such.
    """
    differences = [
        abs(ours - theirs)
        for turn in turns
        if OURS in turn and SLOW in turn
        for mine, truth in zip(turn[OURS].scores, turn[SLOW].scores, strict=False)
        for ours, theirs in zip_longest(mine, truth, fillvalue=0.0)
    ]
    return max(differences, default=None)


SUBCOMMAND = Subcommand(
    name="bm25",
    summary="keyword queries beside rank_bm25, bm25s and tantivy",
    description=__doc__ or "",
    peers=("rank_bm25", "bm25s", "tantivy"),
    turns=5,
    add_arguments=add_arguments,
    measure=measure,
)
