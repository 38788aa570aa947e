"""Fuzzing: mutated files of all formats -> the real pipeline -> how each ended.

Each has to end as a Document that keeps its promises, or as InvalidFile or UnsupportedFile with a
reason. Anything else is a finding: another exception, a crash of the parser, the limit of time, a
broken promise, a file that an ingest did not account for, a file written where none belongs.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import mutations

from filesearch import FileSearch
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load.process.isolation import Loader
from filesearch.testing import HashingEmbedder
from filesearch.types import Document

INGEST_EVERY = 10
"""One file in so many also goes through FileSearch.ingest."""
_TOO_FAR = re.compile("crashed its parser|took over")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutated file; a seed and a number always give the same."""

    number: int
    name: str
    data: bytes


@dataclass(slots=True)
class Findings:
    """What a run found.

    Attributes:
        ends: How many files ended as document, invalid, unsupported, or found.
        found: Files that ended as they must not, each with the reason.
        written: Paths that were written where nothing may be.
        seconds: The time of each file, longest first.
        out_of_memory: How many were refused for running into the limit of memory.
        ingested: How many also went through an ingest.
    """

    ends: Counter[str] = field(default_factory=Counter)
    found: list[tuple[Mutant, str]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    seconds: list[tuple[float, str]] = field(default_factory=list)
    out_of_memory: int = 0
    ingested: int = 0


def mutants(count: int, seed: int, files: list[tuple[str, bytes]]) -> Iterator[Mutant]:
    """Yield mutated files, each format in turn."""
    for number in range(count):
        draw = random.Random(f"{seed}-{number}")
        name, data = files[number % len(files)]
        yield Mutant(number, *mutations.mutate(name, data, draw))


def run(
    count: int,
    seed: int,
    folder: Path,
    *,
    timeout_s: float = 60.0,
    on_file: Callable[[Mutant, str], None] = lambda mutant, end: None,
) -> Findings:
    """Feed mutants to a Loader, one in ten also to an ingest; returns what was found.

    Args:
        folder: Empty; home, working directory and temporary files lie there meanwhile, and what
            is written to them is found.
    """
    findings, kept = Findings(), []
    files = mutations.corpus()
    with _confined_to(folder) as watched:
        before = tree(watched)
        with Loader(timeout_s=timeout_s) as loader:
            for mutant in mutants(count, seed, files):
                start = time.perf_counter()
                end, reason = judge(loader, mutant)
                findings.seconds.append((time.perf_counter() - start, mutant.name))
                findings.ends[end] += 1
                findings.out_of_memory += "out of memory" in reason
                if end == "found":
                    findings.found.append((mutant, reason))
                if mutant.number % INGEST_EVERY == seed % INGEST_EVERY:
                    kept.append(mutant)
                on_file(mutant, end)
        after = tree(watched)
        findings.written = sorted(
            path for path in {*before, *after} if before.get(path) != after.get(path)
        )
    findings.found += ingest(kept, folder)
    findings.ingested = len(kept)
    findings.seconds.sort(reverse=True)
    return findings


@contextmanager
def _confined_to(folder: Path) -> Iterator[Path]:
    """Put home, working directory and temporary files into a folder with a few files in it."""
    watched = folder / "watched"
    places = {name: watched / name for name in ("home", "work", "tmp")}
    for place in places.values():
        place.mkdir(parents=True)
        (place / "kept.txt").write_text("as it was")
    variables = {"HOME": places["home"], "TMPDIR": places["tmp"]}
    old, old_folder = {name: os.environ.get(name) for name in variables}, Path.cwd()
    old_temporary, tempfile.tempdir = tempfile.tempdir, str(places["tmp"])
    os.environ.update({name: str(place) for name, place in variables.items()})
    os.chdir(places["work"])
    try:
        yield watched
    finally:
        os.chdir(old_folder)
        tempfile.tempdir = old_temporary
        for name, value in old.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def judge(loader: Loader, mutant: Mutant) -> tuple[str, str]:
    """Return how a file ended (document, invalid, unsupported, or found) and why."""
    try:
        document = loader.load(mutant.data, mutant.name)
    except (InvalidFile, UnsupportedFile) as error:
        reason = str(error)
        if _TOO_FAR.search(reason) or repr(mutant.name) not in reason:
            return "found", reason
        return ("invalid" if isinstance(error, InvalidFile) else "unsupported"), reason
    except Exception as error:  # noqa: BLE001 - whatever else comes is what is looked for
        return "found", f"{type(error).__name__}: {error}"
    broken = broken_promise(document)
    return ("found", broken) if broken else ("document", "")


def broken_promise(document: Document) -> str:
    """Return what a Document does not keep of what `types.Document` says, or an empty string."""
    text = document.text
    if not text.strip():
        return "the text is blank"
    if any("\ud800" <= c <= "\udfff" or (c < " " and c not in "\t\n") for c in text):
        return "the text holds surrogates or controls"
    for span in document.spans:
        if not (0 <= span.start < span.end <= len(text)):
            return f"a span lies outside the text: {span}"
    keys = [(span.start, -span.end) for span in document.spans]
    return "" if keys == sorted(keys) else "the spans are out of order"


def ingest(kept: list[Mutant], folder: Path) -> list[tuple[Mutant, str]]:
    """Put files into an index below `folder`; returns those that were not accounted for."""
    docs = folder / "docs"
    docs.mkdir()
    for mutant in kept:
        (docs / f"{mutant.number}-{mutant.name}").write_bytes(mutant.data)
    with FileSearch(folder / "index", embedder=HashingEmbedder()) as fs:
        report = fs.ingest(docs)
        fs.search("Where is the kiln?", top_k=3)
    ended = {
        Path(outcome.filename).name
        for outcome in report.outcomes
        if outcome.status == "added" or outcome.error
    }
    return [
        (mutant, "an ingest did not account for it")
        for mutant in kept
        if f"{mutant.number}-{mutant.name}" not in ended
    ]


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of all files below a folder, by path."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir()
    }
