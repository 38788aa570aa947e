"""Windows a second: our embedder, the same model in float32, and sentence-transformers.

All embed the same texts (windows of the Markdown files below DOCUMENTS, cut as `fsearch ingest`
cuts them) with the same all-MiniLM-L6-v2 weights, each in a process of its own with all cores; the
time is that of embedding after a warm-up, tokenising included, loading not.

embed_texts            ours, vectors only: what the others give, so ratios are to this
embed_windows          ours, vectors and token signs, as ingest makes them
onnx-fp32              the float32 graph of scripts/export_model.py in our own embedder: the same
                       batches, session settings and tokenizer (needs the package onnx)
sentence-transformers  SentenceTransformer.encode on torch, batches of 32

The cosine of each one's vectors to those of onnx-fp32 stands beside. At its default sizes it takes
about 8 minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents import copy_markdown
from benchmarks.environments import Environments, peer_environment
from benchmarks.errors import BenchError
from benchmarks.measuring import (
    alternate,
    child_environment,
    figures_of,
    median,
    median_ratio,
    run_program,
)
from benchmarks.report import Claim, Column, Report, Table, Value
from benchmarks.subcommand import Session, Subcommand

DRIVERS = Path(__file__).parent / "drivers"
OURS, WINDOWS, FP32, TORCH = "embed_texts", "embed_windows", "onnx-fp32", "sentence-transformers"
TARGETS = {TORCH: 2.0, FP32: 1.6}
DIMENSION = 384
FILES = 2_000  # windows are taken from the first of them, as many as are needed


@dataclass(frozen=True, slots=True)
class EmbedRun:
    """One contestant's turn."""

    texts_per_s: float
    peak_mb: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this subcommand takes."""
    parser.add_argument("documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown")
    parser.add_argument(
        "--windows", type=int, default=1_000, help="texts to embed [default: %(default)s]"
    )


def measure(options: argparse.Namespace, session: Session) -> Iterator[Report]:
    """Yield the figures after every turn."""
    if options.windows < 1:
        raise BenchError(f"--windows must be at least 1, not {options.windows}")
    texts = session.scratch / "texts.json"
    copied = session.scratch / "documents"
    copy_markdown(options.documents, copied, FILES)
    made = run_program(
        [sys.executable, DRIVERS / "window_texts.py", copied, str(options.windows), texts]
    )
    count = json.loads(made.output)["texts"]
    contestants = _contestants(session, texts)
    errors: dict[str, str] = {}
    turns: list[dict[str, EmbedRun]] = []
    for turn in alternate(contestants, session.turns, errors):
        turns.append(turn)
        yield _report(turns, list(contestants), session.scratch, count, errors)


def _contestants(session: Session, texts: Path) -> dict[str, Callable[[], EmbedRun]]:
    """Return what each contestant runs; each writes its vectors into the scratch folder."""

    def timed(name: str, command: Sequence[str | Path]) -> Callable[[], EmbedRun]:
        variables = peer_environment() if name == TORCH else child_environment()

        def run() -> EmbedRun:
            words: list[str | Path] = [*command, texts, _vectors_file(session.scratch, name)]
            done = run_program(words, environment=variables)
            found = json.loads(done.output.splitlines()[-1])
            return EmbedRun(found["texts"] / found["seconds"], done.peak_mb)

        return run

    ours: list[str | Path] = [sys.executable, DRIVERS / "embed_filesearch.py"]
    commands: dict[str, list[str | Path]] = {
        OURS: [*ours, "embed_texts", "bundled"],
        WINDOWS: [*ours, "embed_windows", "bundled"],
    }
    if FP32 in session.peers:
        model = export_fp32(session.environments, session.scratch)
        commands[FP32] = [*ours, "embed_texts", model]
    if TORCH in session.peers:
        environments = session.environments
        driver = DRIVERS / "embed_sentence_transformers.py"
        commands[TORCH] = [environments.python(TORCH), driver, environments.weights(TORCH)]
    return {name: timed(name, command) for name, command in commands.items()}


def export_fp32(environments: Environments, scratch: Path) -> Path:
    """Return a new folder in `scratch` with the bundled model in float32.

    Raises:
        BenchError: Its weights cannot be installed, or the export failed.
    """
    model = scratch / "fp32"
    model.mkdir()
    weights = environments.weights(FP32)
    run_program([sys.executable, DRIVERS / "export_fp32.py", weights, model])
    return model


def _report(
    turns: Sequence[dict[str, EmbedRun]],
    names: Sequence[str],
    scratch: Path,
    count: int,
    errors: dict[str, str],
) -> Report:
    rows: list[dict[str, Value]] = []
    for name in names:
        mean, least = _cosines(scratch, name) or (None, None)
        row: dict[str, Value] = {
            "contestant": name,
            "texts_per_s": median(figures_of(turns, name, _rate)),
            "ratio": median_ratio(turns, OURS, name, _rate),
            "windows_ratio": median_ratio(turns, WINDOWS, name, _rate),
            "mean_cosine": mean,
            "least_cosine": least,
            "peak_mb": median(figures_of(turns, name, lambda run: run.peak_mb)),
        }
        rows.append(row)
    columns = (
        Column("contestant", "contestant"),
        Column("texts_per_s", "texts/s", ".1f"),
        Column("ratio", "embed_texts / it", ".2f"),
        Column("windows_ratio", "embed_windows / it", ".2f"),
        Column("mean_cosine", "cosine to fp32, mean", ".4f"),
        Column("least_cosine", "least", ".4f"),
        Column("peak_mb", "peak memory, MiB", ".0f"),
    )
    claims = [
        Claim(f"embed_texts / {name}", median_ratio(turns, OURS, name, _rate), bound)
        for name, bound in TARGETS.items()
        if name in names
    ]
    return Report(
        measured=f"{count} windows embedded by each, {len(turns)} turns; medians, and medians of "
        "the ratios within turns.",
        tables=[Table("embed", columns, rows)],
        claims=claims,
        errors=errors,
        raw=[{name: run.texts_per_s for name, run in turn.items()} for turn in turns],
    )


def _rate(run: EmbedRun) -> float:
    return run.texts_per_s


def _vectors_file(scratch: Path, name: str) -> Path:
    return scratch / f"{name}.f32"


def _cosines(scratch: Path, name: str) -> tuple[float, float] | None:
    """Return mean and least cosine of a contestant's vectors to those of fp32, if there are any."""
    own, reference = _vectors_file(scratch, name), _vectors_file(scratch, FP32)
    if not (own.is_file() and reference.is_file()):
        return None
    ours, theirs = (array("f", path.read_bytes()) for path in (own, reference))
    cosines = [
        sum(ours[i] * theirs[i] for i in range(start, start + DIMENSION))
        for start in range(0, len(ours), DIMENSION)
    ]
    return sum(cosines) / len(cosines), min(cosines)


SUBCOMMAND = Subcommand(
    name="embed",
    summary="windows a second, beside float32 and sentence-transformers",
    description=__doc__ or "",
    peers=(FP32, TORCH),
    turns=5,
    add_arguments=add_arguments,
    measure=measure,
)
