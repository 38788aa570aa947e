#!/usr/bin/env python3
"""Ingest in one process, search in another: no error, and new documents appear without restart.

    scripts/concurrency_test.py --documents path/to/markdown --files 500

Prints how many searches ran, how often the reader saw the index grow, and the reader's latency
while the ingest was running; exit code 1 when a search failed or nothing new was seen.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from filesearch import FileSearch, FilesearchError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run both processes; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--documents", type=Path, default=ROOT, help="where .md files come from")
    parser.add_argument("--files", type=int, default=500, help="how many [default: 500]")
    options = parser.parse_args()
    errors: list[str] = []
    latencies: list[float] = []
    sizes: list[int] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder, index = Path(scratch) / "docs", Path(scratch) / "index"
        folder.mkdir()
        for number, path in enumerate(sorted(options.documents.rglob("*.md"))[: options.files]):
            shutil.copyfile(path, folder / f"{number:04d}-{path.name}")
        first = next(iter(sorted(folder.iterdir())))
        with FileSearch(index) as fs:
            fs.ingest(first)
            process = subprocess.Popen(
                [sys.executable, "-m", "filesearch", "ingest", folder, "--index", index],
                stdout=subprocess.PIPE,
                text=True,
            )
            while process.poll() is None:
                started = time.perf_counter()
                try:
                    if not fs.search("how do I configure it", top_k=5):
                        errors.append("a search found nothing")
                except FilesearchError as error:
                    errors.append(f"{type(error).__name__}: {error}")
                latencies.append(time.perf_counter() - started)
                sizes.append(len(fs.files()))
                time.sleep(0.05)
            report = process.stdout.read().strip() if process.stdout else ""
            sizes.append(len(fs.files()))
            damages = fs.verify().damages
    growths = sum(b > a for a, b in pairwise(sizes))
    latencies.sort()
    print(report)
    print(
        f"{len(latencies)} searches during the ingest, {len(errors)} errors {errors[:3]}; "
        f"the reader saw {sizes[0]} -> {sizes[-1]} files in {growths} steps; "
        f"p50 {1000 * statistics.median(latencies):.0f} ms, "
        f"p99 {1000 * latencies[int(0.99 * len(latencies))]:.0f} ms; {len(damages)} damages"
    )
    return 1 if errors or damages or growths < 2 or process.returncode not in (0, 1) else 0


if __name__ == "__main__":
    sys.exit(main())
