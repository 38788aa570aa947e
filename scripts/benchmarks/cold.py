"""Wall time of a command from nothing to its end: ours, the interpreter, and the peers' search.

Every contestant is a new process, run once beforehand so that bytecode is written and pages are in
the cache. `fsearch search` runs on --index, or on an index made of the first --files Markdown files
below DOCUMENTS. Peers open the store that they made of the same files, embed one query and search,
with the driver of `bench.py ingest`; `python -c` lines show what an interpreter and bare imports
cost. At its default sizes it takes about 5 minutes on 2 cores, mostly to make the stores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.documents import copy_markdown
from benchmarks.errors import BenchError
from benchmarks.measuring import (
    Finished,
    alternate,
    child_environment,
    figures_of,
    median,
    run_program,
    say,
)
from benchmarks.report import Claim, Column, Report, Table, Value
from benchmarks.stores import (
    OURS,
    STORE_PEERS,
    ingest,
    peer_variables,
    search_program,
    store_of,
)
from benchmarks.subcommand import Session, Subcommand

QUERY = "how do I register a callback"
SEARCH, HELP = "fsearch search", "fsearch --help"
TARGETS_S = {SEARCH: 0.8, HELP: 0.35}
REFERENCES = {
    "python -c pass": "pass",
    'python -c "import numpy"': "import numpy",
    'python -c "import numpy, faiss, onnxruntime"': "import numpy, faiss, onnxruntime",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    parser.add_argument("documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown")
    parser.add_argument("--files", type=int, default=100, help="how many [default: %(default)s]")
    parser.add_argument("--index", type=Path, metavar="DIR", help="search this index of ours")


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every turn."""
    if options.index is not None and not options.index.is_dir():
        raise BenchError(f"--index: '{options.index}' is no index; make one with fsearch ingest")
    documents = session.scratch / "documents"
    copy_markdown(options.documents, documents, options.files)
    index: Path = options.index or store_of(session, OURS)
    if options.index is None:
        ingest(session, OURS, documents)
    errors: dict[str, str] = {}
    contestants = _ours(index)
    for name in session.peers:
        try:
            ingest(session, name, documents)
        except BenchError as error:
            errors[name] = str(error)
            continue
        contestants[f"{name}: open, embed, search"] = _peer(session, name)
    for name, run in contestants.items():
        say(f"warming up: {name}")
        run()
    turns: list[dict[str, Finished]] = []
    for turn in alternate(contestants, session.turns, errors):
        turns.append(turn)
        yield _report(str(options.index or f"{options.files} files"), contestants, turns, errors)


def _ours(index: Path) -> dict[str, Callable[[], Finished]]:
    ours = [sys.executable, "-m", "filesearch"]
    commands: dict[str, list[str | Path]] = {
        SEARCH: [*ours, "search", QUERY, "--index", index],
        HELP: [*ours, "--help"],
        **{name: [sys.executable, "-c", code] for name, code in REFERENCES.items()},
    }
    variables = child_environment()

    def timed(command: Sequence[str | Path]) -> Callable[[], Finished]:
        return lambda: run_program(command, environment=variables)

    return {name: timed(command) for name, command in commands.items()}


def _peer(session: Session, name: str) -> Callable[[], Finished]:
    asked = session.scratch / "cold-query.json"
    asked.write_text(json.dumps([QUERY]))
    command = [*search_program(session, name), asked, "10"]
    variables = peer_variables(session)
    return lambda: run_program(command, environment=variables)


def _report(
    searched: str,
    contestants: dict[str, Callable[[], Finished]],
    turns: Sequence[dict[str, Finished]],
    errors: dict[str, str],
) -> Report:
    rows: list[dict[str, Value]] = []
    for name in contestants:
        walls = figures_of(turns, name, lambda done: done.wall_s)
        rows.append(
            {
                "command": name,
                "median_s": median(walls),
                "least_s": min(walls, default=None),
                "peak_mb": median(figures_of(turns, name, lambda done: done.peak_mb)),
            }
        )
    columns = (
        Column("command", "command"),
        Column("median_s", "seconds, median", ".3f"),
        Column("least_s", "least", ".3f"),
        Column("peak_mb", "peak memory, MiB", ".0f"),
    )
    medians = {str(row["command"]): row["median_s"] for row in rows}
    claims = [
        Claim(f"{name}, s", figure if isinstance(figure, float) else None, bound, is_least=False)
        for name, bound in TARGETS_S.items()
        for figure in [medians[name]]
    ]
    return Report(
        measured=f"New processes, page cache warm, {len(turns)} turns; searched: {searched}.",
        tables=[Table("cold", columns, rows)],
        claims=claims,
        errors=errors,
        raw=[{name: done.wall_s for name, done in turn.items()} for turn in turns],
    )


SUBCOMMAND = Subcommand(
    name="cold",
    summary="a command from nothing to its end",
    description=__doc__ or "",
    peers=STORE_PEERS,
    turns=9,
    add_arguments=add_arguments,
    measure=measure,
)
