"""Time to ingest a folder, and how much of its text is embedded: ours, and four peers.

The first --files Markdown files below DOCUMENTS (sorted by path) go into a new store on disk, each
contestant in a process of its own with all cores and the same all-MiniLM-L6-v2 weights:

filesearch   `fsearch ingest`, the whole life of the process: chunks of 800 tokens for citing, and
             windows that fit the model, each embedded once (vectors and token signs), keyword index
chromadb     PersistentClient, collection.add with SentenceTransformerEmbeddingFunction
txtai        Embeddings(content=True): index, save
llama-index  SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex.from_documents, persist
haystack     SentenceTransformersDocumentEmbedder, DocumentWriter, InMemoryDocumentStore saved

Peers get chunks of 800 cl100k_base tokens, 400 of them shared (llama-index's own splitter is set
so, the others have none that counts such tokens), and are timed from their first import until the
store is on disk. The model reads 254 word pieces of a text (510 by txtai's defaults), so the rest
of a chunk is cut off.
Shown are the share of all chunks' pieces that the model reads, and the share of the documents' text
that any chunk brings before it. Afterwards each store is opened in a new process and asked for
titles of files; the row says how many find their file among the first 10 results.

With 2,000 files of some 7 KB a turn takes about 25 minutes on 2 cores; --files 200 takes 3.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.documents import copy_markdown
from benchmarks.errors import BenchError
from benchmarks.measuring import alternate, figures_of, median, median_ratio, say
from benchmarks.report import Claim, Column, Report, Table, Value
from benchmarks.stores import (
    OURS,
    STORE_PEERS,
    Ingested,
    embedded_counts,
    ingest,
    search_all,
    title_queries,
)
from benchmarks.subcommand import Session, Subcommand

TITLES = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    parser.add_argument("documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown")
    parser.add_argument("--files", type=int, default=2_000, help="how many [default: %(default)s]")


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every turn, then with what was embedded and found."""
    if options.files < 1:
        raise BenchError(f"--files must be at least 1, not {options.files}")
    documents = session.scratch / "documents"
    size_bytes = copy_markdown(options.documents, documents, options.files)
    files = sum(1 for _ in documents.rglob("*.md"))
    queries = title_queries(documents, TITLES)
    measured = (
        f"{files} files, {size_bytes / 1e6:.1f} MB, ingested into a new store by each; "
        f"{len(queries)} titles asked of each store."
    )
    names = (OURS, *session.peers)
    contestants = {name: lambda name=name: ingest(session, name, documents) for name in names}
    errors: dict[str, str] = {}
    # One file each, so that bytecode is written and pages are in the cache before time counts.
    one = session.scratch / "one"
    copy_markdown(options.documents, one, 1)
    for name in names:
        say(f"warming up: {name}")
        try:
            ingest(session, name, one)
        except BenchError as error:
            errors[name] = str(error)
    turns: list[dict[str, Ingested]] = []
    checks: dict[str, dict[str, Value]] = {}
    for turn in alternate(contestants, session.turns, errors):
        turns.append(turn)
        yield _report(measured, names, turns, checks, errors)
    for name in names:
        if name in errors:
            continue
        try:
            checks[name] = _check(session, name, documents, queries)
        except BenchError as error:
            errors[name] = str(error)
        yield _report(measured, names, turns, checks, errors)


def _check(
    session: Session, name: str, documents: Path, queries: Mapping[str, str]
) -> dict[str, Value]:
    """Return what the last store of a contestant holds and finds."""
    counts = embedded_counts(session, name, documents)
    found = search_all(session, name, list(queries), documents)
    hits = sum(path in paths for path, paths in zip(queries.values(), found, strict=True))
    return {
        "embedded_share": 100 * counts["embedded"] / max(1, counts["pieces"]),
        "text_share": 100 * counts["text_embedded"] / max(1, counts["text_pieces"]),
        "titles_found": f"{hits} of {len(queries)}",
    }


def _report(
    measured: str,
    names: Sequence[str],
    turns: Sequence[dict[str, Ingested]],
    checks: Mapping[str, Mapping[str, Value]],
    errors: dict[str, str],
) -> Report:
    rows = [{**_row(name, turns), **checks.get(name, {})} for name in names]
    columns = (
        Column("contestant", "contestant"),
        Column("seconds", "seconds", ",.1f"),
        Column("ratio", "it / ours", ".2f"),
        Column("peak_mb", "peak memory, MiB", ",.0f"),
        Column("pieces", "texts embedded", ",.0f"),
        Column("embedded_share", "of their tokens embedded, %", ".1f"),
        Column("text_share", "of the documents' text, %", ".1f"),
        Column("titles_found", "titles that find their file"),
    )
    claims = [
        Claim(f"{name} / ours, seconds", median_ratio(turns, name, OURS, _seconds), 1.0)
        for name in names
        if name != OURS
    ]
    text_share = checks.get(OURS, {}).get("text_share")
    if isinstance(text_share, float):
        claims.append(Claim("of the documents' text that ours embeds, %", text_share, 100.0))
    return Report(
        measured=f"{measured} {len(turns)} turns; medians, and medians of the ratios within turns.",
        tables=[Table("ingest", columns, rows)],
        claims=claims,
        errors=errors,
        raw=[{name: asdict(found) for name, found in turn.items()} for turn in turns],
    )


def _row(name: str, turns: Sequence[dict[str, Ingested]]) -> dict[str, Value]:
    return {
        "contestant": name,
        "seconds": median(figures_of(turns, name, _seconds)),
        "ratio": median_ratio(turns, name, OURS, _seconds),
        "peak_mb": median(figures_of(turns, name, lambda found: found.peak_mb)),
        "pieces": median(figures_of(turns, name, lambda found: found.pieces)),
    }


def _seconds(found: Ingested) -> float:
    return found.seconds


SUBCOMMAND = Subcommand(
    name="ingest",
    summary="a folder of Markdown into a store, beside chromadb, txtai, llama-index, haystack",
    description=__doc__ or "",
    peers=STORE_PEERS,
    turns=1,
    add_arguments=add_arguments,
    measure=measure,
)
