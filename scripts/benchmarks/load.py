"""Searches a second of a server with many clients: `fsearch serve` beside `chroma run`.

Both servers hold the first --files Markdown files below DOCUMENTS, ingested as `bench.py ingest`
does it (ours has the more texts: it embeds all of them). Every query is a run of words from the
documents, asked once of each server process; answers hold 10 results. Servers and clients share
this machine's cores. Each contestant is a server started anew:

ours                  POST /v1/vector_stores/{id}/search with the text: embedding the query, hybrid
                      search, reranking and the texts of the passages are the server's work
ours, 2 workers       the same, `fsearch serve --workers 2`
ours, not reranked    the same with the ranker "none": keyword and vector search, fused, is what
                      comes nearest to the vector search that chromadb does
ours, both            not reranked, and 2 workers
ours, during ingest   the same, while 4 more clients upload files to the store, one at a time each,
                      and wait until each is searchable; on a copy of the index
chromadb, text        collection.query(query_texts=...) of its HttpClient, which embeds on the
                      client's side, here with SentenceTransformerEmbeddingFunction and the same
                      weights (the default function downloads a model of its own): 2 processes,
                      the clients are threads in them
chromadb, vectors     POST .../query with vectors that were computed beforehand, by the same light
                      client as ours: no query is embedded at all

At its default sizes it takes about 20 minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.documents import copy_markdown, find_markdown
from benchmarks.errors import BenchError
from benchmarks.measuring import (
    alternate,
    child_environment,
    figures_of,
    median,
    median_ratio,
    percentile,
    run_program,
)
from benchmarks.report import Claim, Column, Report, Table, Value
from benchmarks.serving import get_json, served
from benchmarks.stores import DRIVERS, OURS, ingest, peer_variables, store_of
from benchmarks.subcommand import Session, Subcommand

ONE, TWO, DURING = "ours", "ours, 2 workers", "ours, during ingest"
PLAIN, PLAIN_TWO = "ours, not reranked", "ours, both"
TEXT, VECTORS = "chromadb, text", "chromadb, vectors"
CHROMADB = "chromadb"
RESULTS, DIMENSION = 10, 384
UPLOADERS, UPLOADED_FILES, CLIENT_PROCESSES = 4, 400, 2
TARGET = 3.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """One contestant's turn.

    Attributes:
        files: Taken in meanwhile.
    """

    queries_per_s: float
    p50_ms: float
    p99_ms: float
    queries: int
    files: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    parser.add_argument("documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown")
    parser.add_argument("--files", type=int, default=300, help="how many [default: %(default)s]")
    parser.add_argument("--clients", type=int, default=16, help="at once [default: %(default)s]")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="of each turn [default: %(default)s]"
    )
    parser.add_argument(
        "--queries", type=int, default=5_000, help="at most, a turn [default: %(default)s]"
    )


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every turn."""
    if min(options.files, options.clients, options.queries) < 1 or options.seconds <= 0:
        raise BenchError("--files, --clients, --queries and --seconds must be above 0")
    bench = _Load(options, session)
    errors: dict[str, str] = {}
    turns: list[dict[str, Loaded]] = []
    contestants = bench.contestants()
    for turn in alternate(contestants, session.turns, errors):
        turns.append(turn)
        yield _report(bench.described, list(contestants), turns, errors)


class _Load:
    """The stores, what is asked of them, and who asks."""

    def __init__(self, options: argparse.Namespace, session: Session) -> None:
        self._session = session
        self._clients: int = options.clients
        self._seconds: float = options.seconds
        documents = session.scratch / "documents"
        copy_markdown(options.documents, documents, options.files)
        found = find_markdown(options.documents, options.files + UPLOADED_FILES)
        self._more = [str(path.resolve()) for path in found[options.files :]]
        self._queries = draw_queries(documents, options.queries)
        ingest(session, OURS, documents)
        self._has_peer = CHROMADB in session.peers
        if self._has_peer:
            ingest(session, CHROMADB, documents)
            self._vectors = self._embed_queries()
        self.described = (
            f"{min(options.files, len(found))} files in each store, {options.clients} clients, "
            f"turns of {options.seconds:g} s or {len(self._queries)} queries."
        )

    def contestants(self) -> dict[str, Callable[[], Loaded]]:
        """Return who takes turns."""
        found = {
            ONE: lambda: self._load_ours(1),
            TWO: lambda: self._load_ours(2),
            PLAIN: lambda: self._load_ours(1, is_reranked=False),
            PLAIN_TWO: lambda: self._load_ours(2, is_reranked=False),
        }
        if self._more:
            found[DURING] = lambda: self._load_ours(1, is_ingesting=True)
        if self._has_peer:
            found |= {TEXT: self._load_text, VECTORS: self._load_vectors}
        return found

    def _load_ours(
        self, workers: int, *, is_reranked: bool = True, is_ingesting: bool = False
    ) -> Loaded:
        index = store_of(self._session, OURS)
        if is_ingesting:
            copied = self._session.scratch / "store-growing"
            shutil.rmtree(copied, ignore_errors=True)
            index = Path(shutil.copytree(index, copied))
        words = [sys.executable, "-m", "filesearch", "serve", "--index", str(index)]
        words += ["--workers", str(workers), "--log-level", "warning"]
        command = lambda port: [*words, "--port", str(port)]  # noqa: E731 - shorter than a def
        with served(command, "/readyz", child_environment()) as url:
            [store] = get_json(f"{url}/v1/vector_stores")["data"]
            asked: dict[str, Any] = {"max_num_results": RESULTS}
            if not is_reranked:
                asked["ranking_options"] = {"ranker": "none"}
            upload = {"files": self._more, "store_id": store["id"], "uploaders": UPLOADERS}
            spec = {
                "base_url": f"{url}/v1",
                "path": f"/vector_stores/{store['id']}/search",
                "bodies": [{"query": q, **asked} for q in self._queries],
                "upload": upload if is_ingesting else None,
            }
            return self._ask([sys.executable, DRIVERS / "load_http.py"], spec, child_environment())

    def _load_text(self) -> Loaded:
        environments = self._session.environments
        with self._chroma() as url:
            spec = {
                "host": urlsplit(url).hostname,
                "port": urlsplit(url).port,
                "weights": str(environments.weights(CHROMADB)),
                "queries": self._queries,
                "processes": min(CLIENT_PROCESSES, self._clients),
            }
            program: list[str | Path] = [
                environments.python(CHROMADB),
                DRIVERS / "load_chromadb.py",
            ]
            return self._ask(program, spec, peer_variables(self._session))

    def _load_vectors(self) -> Loaded:
        with self._chroma() as url:
            base = f"{url}/api/v2/tenants/default_tenant/databases/default_database/collections"
            collection = get_json(f"{base}/documents")["id"]
            asked = {"n_results": RESULTS, "include": ["documents", "metadatas", "distances"]}
            spec = {
                "base_url": base,
                "path": f"/{collection}/query",
                "bodies": [{"query_embeddings": [vector], **asked} for vector in self._vectors],
            }
            return self._ask([sys.executable, DRIVERS / "load_http.py"], spec, child_environment())

    def _chroma(self) -> Any:
        """Return the context of a `chroma run` over the peer's store."""
        program = self._session.environments.python(CHROMADB).with_name("chroma")
        store = store_of(self._session, CHROMADB)
        words: list[str | Path] = [program, "run", "--path", store, "--host", "127.0.0.1"]
        return served(
            lambda port: [*words, "--port", str(port)],
            "/api/v2/heartbeat",
            peer_variables(self._session),
        )

    def _ask(
        self, program: Sequence[str | Path], spec: dict[str, Any], variables: dict[str, str]
    ) -> Loaded:
        file = self._session.scratch / "load.json"
        shared = {"clients": self._clients, "seconds": self._seconds}
        file.write_text(json.dumps({**spec, **shared}))
        done = run_program([*program, file], environment=variables)
        found = json.loads(done.output.splitlines()[-1])
        latencies = found["latencies_s"]
        return Loaded(
            queries_per_s=len(latencies) / found["seconds"],
            p50_ms=1000 * (percentile(latencies, 0.5) or 0.0),
            p99_ms=1000 * (percentile(latencies, 0.99) or 0.0),
            queries=len(latencies),
            files=found["files"],
        )

    def _embed_queries(self) -> list[list[float]]:
        """Return the peer's own vectors of the queries, made beforehand."""
        environments, scratch = self._session.environments, self._session.scratch
        texts, out = scratch / "texts.json", scratch / "queries.f32"
        texts.write_text(json.dumps(self._queries))
        driver = DRIVERS / "embed_sentence_transformers.py"
        words = [environments.python(CHROMADB), driver, environments.weights(CHROMADB), texts, out]
        run_program(words, environment=peer_variables(self._session))
        flat = array("f", out.read_bytes()).tolist()
        return [flat[i : i + DIMENSION] for i in range(0, len(flat), DIMENSION)]


def draw_queries(documents: Path, count: int, seed: int = 0) -> list[str]:
    """Return up to `count` different runs of 4 to 9 words from a folder's Markdown files.

    Raises:
        BenchError: The files hold fewer than 4 words.
    """
    words = [
        word
        for path in find_markdown(documents, sys.maxsize)
        for word in path.read_text("utf-8", errors="replace").split()
        if word.isalnum()
    ]
    if len(words) < 4:
        raise BenchError(f"'{documents}' holds too few words to ask for; give a larger folder")
    rng = random.Random(seed)
    found: dict[str, None] = {}
    for _ in range(2 * count):  # some are drawn twice
        start = rng.randrange(len(words) - 3)
        found[" ".join(words[start : start + rng.randint(4, 9)])] = None
        if len(found) == count:
            break
    return list(found)


def _report(
    described: str, names: Sequence[str], turns: Sequence[dict[str, Loaded]], errors: dict[str, str]
) -> Report:
    rows: list[dict[str, Value]] = [
        {
            "contestant": name,
            "queries_per_s": median(figures_of(turns, name, _rate)),
            "p50_ms": median(figures_of(turns, name, lambda found: found.p50_ms)),
            "p99_ms": median(figures_of(turns, name, _p99)),
            "ratio": median_ratio(turns, ONE, name, _rate),
            "to_text": median_ratio(turns, name, TEXT, _rate),
            "queries": sum(figures_of(turns, name, lambda found: found.queries)),
            "files": sum(figures_of(turns, name, lambda found: found.files)),
        }
        for name in names
    ]
    columns = (
        Column("contestant", "contestant"),
        Column("queries_per_s", "queries/s", ",.1f"),
        Column("p50_ms", "p50, ms", ",.1f"),
        Column("p99_ms", "p99, ms", ",.1f"),
        Column("ratio", "ours / it, queries/s", ".2f"),
        Column("to_text", f"it / {TEXT}", ".2f"),
        Column("queries", "queries", ",.0f"),
        Column("files", "files taken in", ",.0f"),
    )
    claims = [
        Claim(f"ours / {TEXT}, queries/s", median_ratio(turns, ONE, TEXT, _rate), TARGET),
        Claim(f"{TEXT} / ours, p99", median_ratio(turns, TEXT, ONE, _p99), TARGET),
    ]
    return Report(
        measured=f"{described} {len(turns)} turns; medians, and medians of ratios within turns.",
        tables=[Table("load", columns, rows)],
        claims=claims if TEXT in names else (),
        errors=errors,
        raw=[{n: [f.queries_per_s, f.p50_ms, f.p99_ms] for n, f in t.items()} for t in turns],
    )


def _rate(found: Loaded) -> float:
    return found.queries_per_s


def _p99(found: Loaded) -> float:
    return found.p99_ms


SUBCOMMAND = Subcommand(
    name="load",
    summary="searches a second of a server, beside chromadb's",
    description=__doc__ or "",
    peers=(CHROMADB,),
    turns=3,
    add_arguments=add_arguments,
    measure=measure,
)
