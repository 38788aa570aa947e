#!/usr/bin/env python3
"""Measure the memory and speed of ingesting one very large text, and of searching it.

    python scripts/measure_large_text.py [--mb 20 200] [--json]

For each size a text of numbered paragraphs is written to a temporary folder and ingested with the
embedder of `filesearch.testing`, which costs next to nothing: what is measured is everything else.
Memory is the largest resident size of the process, for ingest and for search, each in a process of
its own. Exit code 1 when a paragraph is not found at its place.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROBES = 5
_WORDS = (
    "kiln glaze clay order invoice shipment studio firing cone degrees porcelain stoneware mug "
    "plate wholesale refund window delivery evening class teacher schedule burner pressure gas "
    "electric element relay sensor log entry warning cooled reached failed passed within after"
).split()


def write_text(path: Path, megabytes: int) -> int:
    """Write paragraphs up to that size; returns how many."""
    rng = random.Random(1)
    number = 0
    with path.open("w", encoding="utf-8") as stream:
        while stream.tell() < megabytes * 1_000_000:
            block = []
            for _ in range(500):
                words = " ".join(rng.choices(_WORDS, k=60))
                block.append(f"Entry n{number} of batch b{number // 7}: {words}.\n\n")
                number += 1
            stream.write("".join(block))
    return number


def peak_mb() -> float:
    """Return the largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def run_ingest(text: Path, index: Path) -> dict[str, float]:
    """Ingest the text."""
    from filesearch import FileSearch
    from filesearch.testing import HashingEmbedder

    started = time.perf_counter()
    with FileSearch(index, embedder=HashingEmbedder()) as fs:
        report = fs.ingest(text)
    return {
        "sections": len(report.added),
        "windows": report.totals.windows,
        "ingest_s": time.perf_counter() - started,
        "ingest_peak_mb": peak_mb(),
    }


def run_search(index: Path, paragraphs: int) -> dict[str, float]:
    """Look for some paragraphs by their number; the quote must stand where it is said to."""
    from filesearch import FileSearch
    from filesearch.testing import HashingEmbedder

    rng = random.Random(2)
    found = 0
    slowest = 0.0
    with FileSearch(index, embedder=HashingEmbedder()) as fs:
        for _ in range(PROBES):
            wanted = f"n{rng.randrange(paragraphs)}"
            started = time.perf_counter()
            hit = fs.search(f"entry {wanted}", top_k=1)[0]
            slowest = max(slowest, time.perf_counter() - started)
            quote = fs.document(hit.file_id).text[hit.start : hit.end]
            found += f"Entry {wanted} " in hit.text and quote == hit.text
    return {"found": found, "slowest_search_s": slowest, "search_peak_mb": peak_mb()}


def measure(megabytes: int) -> dict[str, float]:
    """Return all figures for one size."""
    with tempfile.TemporaryDirectory() as directory:
        text, index = Path(directory) / "big.log", Path(directory) / "index"
        paragraphs = write_text(text, megabytes)
        figures: dict[str, float] = {"megabytes": megabytes}
        for step in ("--ingest", "--search"):
            command = [sys.executable, __file__, step, str(text), str(index), str(paragraphs)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"error: {step[2:]} ended with {done.returncode}: {done.stderr[-2000:]}")
            figures |= json.loads(done.stdout)
    return figures


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--mb", type=int, nargs="+", default=[20, 200], help="sizes of the text")
    parser.add_argument("--json", action="store_true", help="print one JSON object a size")
    parser.add_argument("--ingest", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--search", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ingest:
        print(json.dumps(run_ingest(Path(args.ingest[0]), Path(args.ingest[1]))))
        return 0
    if args.search:
        print(json.dumps(run_search(Path(args.search[1]), int(args.search[2]))))
        return 0
    is_whole = True
    for megabytes in args.mb:
        figures = measure(megabytes)
        is_whole &= figures["found"] == PROBES
        if args.json:
            print(json.dumps(figures), flush=True)
            continue
        print(
            f"{megabytes} MB in {figures['sections']:.0f} sections, {figures['windows']:,.0f} "
            f"windows: ingest {figures['ingest_s']:.1f} s, peak {figures['ingest_peak_mb']:.0f} "
            f"MiB; search at most {figures['slowest_search_s'] * 1000:.0f} ms, peak "
            f"{figures['search_peak_mb']:.0f} MiB; {figures['found']:.0f} of {PROBES} found",
            flush=True,
        )
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
