"""Stores: the same documents ingested by ours and by each peer, through their programs.

folder of Markdown -> a store of ours or of a peer -> what it took; queries -> what it finds.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pack_ranks import rank_file

from benchmarks.documents import find_markdown
from benchmarks.environments import peer_environment
from benchmarks.measuring import Finished, run_program
from benchmarks.subcommand import Session

OURS = "filesearch"
STORE_PEERS = ("chromadb", "txtai", "llama-index", "haystack")
DRIVERS = Path(__file__).parent / "drivers"
# What tiktoken calls the file of cl100k_base in its cache: the SHA-1 of the address.
_CL100K_CACHE_NAME = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
_PIECES_READ = 254
"""Word pieces that the model reads of a text: max_seq_length of its sentence_bert_config.json is
256, two of which are [CLS] and [SEP]."""
_PIECES_READ_BY = {"txtai": 510}
"""txtai goes by the tokenizer's model_max_length instead (9.14: models/pooling/base.py)."""
_TITLE = re.compile(r"^(?:title:|#)\s+(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ingested:
    """One ingest.

    Attributes:
        seconds: Ours: the whole life of the process. A peer's: from its first import until the
            store is on disk.
        pieces: Chunks of a peer, windows of ours: what was embedded.
    """

    seconds: float
    peak_mb: float
    pieces: int


def store_of(session: Session, name: str) -> Path:
    """Return where the store of a contestant lies."""
    return session.scratch / f"store-{name}"


def listing_of(session: Session, name: str) -> Path:
    """Return the file that lists what a peer embedded; see drivers/peer_driver.py."""
    return session.scratch / f"chunks-{name}.jsonl"


def ingest(session: Session, name: str, documents: Path) -> Ingested:
    """Ingest a folder into a new store, in a process of its own.

    Raises:
        BenchError: It failed, or some file did.
    """
    store = store_of(session, name)
    shutil.rmtree(store, ignore_errors=True)
    store.unlink(missing_ok=True)
    if name == OURS:
        done, report = ingest_ours(documents, store)
        windows = sum(outcome["windows"] for outcome in report["outcomes"])
        return Ingested(done.wall_s, done.peak_mb, windows)
    given = [documents, store, session.environments.weights(name), listing_of(session, name)]
    done = run_program(
        [*peer_program(session, name), "ingest", *given], environment=peer_variables(session)
    )
    found = json.loads(done.output.splitlines()[-1])
    return Ingested(found["seconds"], done.peak_mb, found["chunks"])


def ingest_ours(documents: Path, index: Path) -> tuple[Finished, dict[str, Any]]:
    """Run `fsearch ingest` of a folder into a new index; returns the process and its report.

    Raises:
        BenchError: It failed, or some file did.
    """
    program: list[str | Path] = [sys.executable, "-m", "filesearch", "ingest", documents]
    done = run_program([*program, "--index", index, "--json"])
    return done, json.loads(done.output)


def search_all(
    session: Session, name: str, queries: Sequence[str], documents: Path, top_k: int = 10
) -> list[list[str]]:
    """Return the files that each query finds, best first, as paths relative to `documents`.

    Raises:
        BenchError: It failed.
    """
    asked = session.scratch / "queries.json"
    asked.write_text(json.dumps(queries))
    if name == OURS:
        command: list[str | Path] = [sys.executable, DRIVERS / "search_filesearch.py"]
        done = run_program([*command, store_of(session, name), asked, str(top_k)])
    else:
        done = run_program(
            [*search_program(session, name), asked, str(top_k)], environment=peer_variables(session)
        )
    found: list[list[str]] = json.loads(done.output.splitlines()[-1])
    prefix = f"{documents}/"
    return [[path.removeprefix(prefix) for path in paths] for paths in found]


def search_program(session: Session, name: str) -> list[str | Path]:
    """Return the words that open a peer's store and search; a file of queries and top_k follow."""
    weights = session.environments.weights(name)
    return [*peer_program(session, name), "search", store_of(session, name), weights]


def peer_program(session: Session, name: str) -> list[str | Path]:
    """Return the words that start a peer's driver."""
    driver = DRIVERS / f"{name.replace('-', '_')}_documents.py"
    return [session.environments.python(name), driver]


def embedded_counts(session: Session, name: str, documents: Path) -> dict[str, int]:
    """Return what drivers/embedded_share.py counts for the last ingest of a contestant."""
    listing = "ours" if name == OURS else listing_of(session, name)
    limit = str(_PIECES_READ_BY.get(name, _PIECES_READ))
    done = run_program([sys.executable, DRIVERS / "embedded_share.py", documents, listing, limit])
    found: dict[str, int] = json.loads(done.output)
    return found


def title_queries(documents: Path, count: int) -> dict[str, str]:
    """Return title -> path of up to `count` files, spread evenly; titles that repeat are left out.

    The title is what the front matter says, or else the first heading.
    """
    paths_of: dict[str, list[str]] = {}
    for path in find_markdown(documents, sys.maxsize):
        found = _TITLE.search(path.read_text("utf-8", errors="replace"))
        if found:
            title = found[1].strip(" \"'")
            paths_of.setdefault(title, []).append(str(path.relative_to(documents)))
    unique = [(title, paths[0]) for title, paths in paths_of.items() if len(paths) == 1]
    return dict(unique[:: max(1, len(unique) // count)][:count])


def peer_variables(session: Session) -> dict[str, str]:
    """Return a peer's environment variables; tiktoken finds cl100k_base in our package."""
    cache = session.scratch / "tiktoken"
    if not cache.exists():
        cache.mkdir()
        (cache / _CL100K_CACHE_NAME).write_bytes(rank_file("cl100k_base"))
    return peer_environment(TIKTOKEN_CACHE_DIR=str(cache))
