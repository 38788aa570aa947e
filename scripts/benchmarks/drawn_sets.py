"""Drawn sets: large stores for benchmarks, kept in a folder and made once.

SetOptions -> sources (real windows, questions) -> stores, filled by drivers/draw_store.py in a
process of their own. What in them is real and what is drawn: drawn_store.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import DEFAULT_FOLDER
from benchmarks.errors import BenchError
from benchmarks.measuring import child_environment, run_program, say

DRIVERS = Path(__file__).parent / "drivers"
WARM_UP = 12
REAL_WINDOWS = 60_000
EMBEDDED_WINDOWS = 10_000  # when no index holds real ones: minutes on 2 cores
_DONE_FILE = "drawn.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What sets are drawn from; `add_source_arguments` says what each is."""

    documents: Path
    sets: Path
    real: Path | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions(SourceOptions):
    """How they are drawn as well; `add_set_arguments` says what each is."""

    pool: int
    lengthen: int
    minutes: float


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is drawn from."""
    parser.add_argument("documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown")
    parser.add_argument(
        "--sets",
        type=Path,
        metavar="DIR",
        default=DEFAULT_FOLDER.parent / "sets",
        help="where drawn stores are kept for the next run [default: %(default)s]",
    )
    parser.add_argument(
        "--real",
        type=Path,
        metavar="INDEX",
        help="an index of DOCUMENTS whose windows vectors are drawn around [default: the first "
        f"{EMBEDDED_WINDOWS:,} windows are embedded, once]",
    )
    parser.add_argument("--seed", type=int, default=0, help="another one draws other sets")


def add_set_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that sets are drawn by."""
    add_source_arguments(parser)
    parser.add_argument(
        "--pool",
        type=int,
        default=40_000,
        help="windows of shuffled sentences that documents consist of [default: %(default)s]",
    )
    parser.add_argument(
        "--lengthen",
        type=int,
        default=1,
        metavar="N",
        help="make documents N times as long as the real ones [default: %(default)s]",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=60.0,
        help="stop filling a store after so many; what it holds is used [default: %(default)s]",
    )


def read_source_options(options: argparse.Namespace) -> SourceOptions:
    """Return what the command line says of sources.

    Raises:
        BenchError: Something cannot be used.
    """
    if not options.documents.is_dir():
        raise BenchError(f"'{options.documents}' is not a folder; give one with Markdown files")
    return SourceOptions(
        documents=options.documents, sets=options.sets, real=options.real, seed=options.seed
    )


def read_set_options(options: argparse.Namespace) -> SetOptions:
    """Return what the command line says.

    Raises:
        BenchError: Something cannot be used.
    """
    sources = read_source_options(options)
    if min(options.pool, options.lengthen) < 1:
        raise BenchError("--pool and --lengthen must be at least 1")
    return SetOptions(
        documents=sources.documents,
        sets=sources.sets,
        real=sources.real,
        seed=sources.seed,
        pool=options.pool,
        lengthen=options.lengthen,
        minutes=options.minutes,
    )


def parse_counts(text: str, flag: str) -> list[int]:
    """Return ascending counts such as "10k,100000,1M".

    Raises:
        BenchError: One is no count.
    """
    units = {"k": 1_000, "m": 1_000_000}
    found = []
    for part in text.lower().split(","):
        number, unit = (part[:-1], units[part[-1]]) if part[-1:] in units else (part, 1)
        try:
            count = round(float(number) * unit)
        except ValueError:
            count = 0
        if count < 1:
            raise BenchError(f"{flag}: '{part}' is no count; give some such as 10k,100000,1M")
        found.append(count)
    return sorted(set(found))


def prepare_sources(options: SourceOptions, questions: Path, count: int) -> Path:
    """Make what stores are drawn from; returns the file of the real windows.

    Args:
        options: What to draw from.
        questions: File that gets `count` questions and a few to warm up.
        count: Fewer are written where the documents have fewer.

    Raises:
        BenchError: It failed.
    """
    name = options.real.resolve().name if options.real else options.documents.resolve().name
    real = options.sets / f"real-{name}.npz"
    options.sets.mkdir(parents=True, exist_ok=True)
    spec = {
        "corpus": str(options.documents),
        "index": str(options.real) if options.real else None,
        "real": str(real),
        "windows": REAL_WINDOWS if options.real else EMBEDDED_WINDOWS,
        "seed": options.seed,
        "questions": str(questions),
        "count": count,
        "warm_up": WARM_UP,
    }
    say("reading documents and real windows")
    run_program([sys.executable, DRIVERS / "draw_sources.py", json.dumps(spec)])
    return real


def store_spec(
    options: SetOptions,
    directory: Path,
    real: Path,
    steps: Sequence[tuple[str, int]],
    *,
    has_signs: bool,
    chunk_size: int = 800,
    chunk_overlap: int = 400,
) -> dict[str, Any]:
    """Return what drivers/draw_store.py is told."""
    return {
        "directory": str(directory),
        "corpus": str(options.documents),
        "sets": str(options.sets),
        "real": str(real),
        "seed": options.seed,
        "pool": options.pool,
        "lengthen": options.lengthen,
        "minutes": options.minutes,
        "has_signs": has_signs,
        "chunk_size": chunk_size,
        "chunk_overlap": chunk_overlap,
        "steps": [list(step) for step in steps],
    }


def find_store(options: SetOptions, windows: int, real: Path, *, has_signs: bool) -> Path:
    """Return a store of that many windows in the sets' folder, filled unless it is there.

    What it was drawn by, and what it then held, stands in `drawn_facts`.

    Raises:
        BenchError: It cannot be filled.
    """
    traits = f"{windows}-seed{options.seed}" + (
        f"-x{options.lengthen}" if options.lengthen > 1 else ""
    )
    directory = options.sets / f"store-{traits}{'-signs' if has_signs else ''}"
    if not (directory / _DONE_FILE).exists():
        shutil.rmtree(directory, ignore_errors=True)
        say(f"filling a store of {windows:,} windows in '{directory}'")
        spec = store_spec(options, directory, real, [("windows", windows)], has_signs=has_signs)
        [filled] = fill(spec)
        facts = {"spec": spec, "filled": filled}
        (directory / _DONE_FILE).write_text(json.dumps(facts, indent=1))
    return directory


def drawn_facts(directory: Path) -> dict[str, Any]:
    """Return `spec` and `filled` (see drawn_store.Fill) of a store that `find_store` made."""
    facts: dict[str, Any] = json.loads((directory / _DONE_FILE).read_text())
    return facts


def fill(spec: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Fill a store in a process of its own; yields what it holds after each step.

    The process waits while the caller looks at a step, and ends with the iterator.

    Raises:
        BenchError: It failed.
    """
    directory = Path(spec["directory"])
    directory.mkdir(parents=True, exist_ok=True)
    told = directory / "spec.json"
    told.write_text(json.dumps(spec, indent=1))
    process = subprocess.Popen(
        [sys.executable, str(DRIVERS / "draw_store.py"), str(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(PYTHONUNBUFFERED="1"),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            yield json.loads(line)
            if process.poll() is None:
                process.stdin.write("go on\n")
                process.stdin.flush()
        if process.wait() != 0:
            raise BenchError(
                f"filling '{directory}' ended with {process.returncode}; its message is above"
            )
    finally:
        process.kill()
        process.wait()
