#!/usr/bin/env python3
"""Measure how fast `fsearch ingest` is beside the bare model, its memory, and a cold search.

    python scripts/bench_ingest.py DOCUMENTS [--files 500] [--runs 3] [--json]

Ours is `python -m filesearch ingest` on the first N Markdown files below DOCUMENTS (sorted by path,
copied to a temporary folder) into a new index: windows a second over the whole life of the process,
and over the ingest call alone as it reports itself.

The bare model is the ONNX session of the same embedder in a process of its own, on exactly the same
windows: they are cut and tokenised beforehand, some warm the session up, and only `session.run` is
timed, called from one thread for each core as the embedder does. Each ingest stands between two
runs of the bare model and is compared with the mean of both, because a machine's speed drifts;
shown are medians. Processor seconds, of which other programs take none away, are shown beside.

Peak memory is the largest resident size of any process of the ingest, as the kernel counted it.
Cold search is the wall time of `python -m filesearch search` on the index just made, with the
interpreter alone and with bare imports beside it for scale.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.documents import copy_markdown, read_windows
from benchmarks.errors import BenchError
from benchmarks.measuring import run_program, say

COLD_RUNS = 7
QUERY = "how do I register a callback"
TARGET_RATIO = 0.9
TARGET_COLD_S = 0.8
REFERENCES = {
    "python -c pass": "pass",
    'python -c "import numpy, faiss, onnxruntime"': "import numpy, faiss, onnxruntime",
}


def run_bare(folder: Path) -> None:
    """Print windows and seconds of the bare session on the documents of `folder`, as JSON.

    Runs in a process of its own; see the module.
    """
    import numpy as np

    from filesearch.cores import usable_cores
    from filesearch.embed.onnx import OnnxEmbedder
    from filesearch.embed.threads import share_out, usual

    class Recorder:
        """Keeps what the embedder feeds its session."""

        def __init__(self) -> None:
            self.feeds: list[dict[str, np.ndarray]] = []

        def run(self, outputs: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
            self.feeds.append(feed)
            ids = feed["input_ids"]
            dimension = embedder.dimension
            return [
                np.ones((1, dimension), np.float32),
                np.ones((*ids.shape, dimension), np.float32),
            ]

    embedder, recorder = OnnxEmbedder(threads=1), Recorder()
    windows = read_windows(folder, embedder)
    session = embedder._loaded_session
    _ = embedder._takes_mask
    vars(embedder)["_loaded_session"] = recorder
    embedder.embed_windows(windows)
    threads = usual(usable_cores()).runs

    def run_feed(feed: dict[str, np.ndarray]) -> None:
        session.run(["sentence_embedding", "token_embeddings"], feed)

    share_out(run_feed, recorder.feeds[:threads], threads)
    started, cpu_started = time.perf_counter(), time.process_time()
    share_out(run_feed, recorder.feeds, threads)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    print(json.dumps({"windows": len(windows), "seconds": seconds, "cpu_s": cpu_s}))


def measure(source: Path, files: int, runs: int) -> dict[str, float | int | dict[str, float]]:
    """Return all figures."""
    python = sys.executable
    walls, calls, ratios, call_ratios, cpu_ratios, peaks = [], [], [], [], [], []
    with tempfile.TemporaryDirectory() as directory:
        documents, index = Path(directory) / "documents", Path(directory) / "index"
        documents.mkdir()
        size = copy_markdown(source, documents, files)

        def time_bare() -> dict[str, float]:
            found = run_program([python, __file__, "--bare", str(documents)])
            return dict(json.loads(found.output))

        bares = [time_bare()]
        windows = int(bares[0]["windows"])
        for turn in range(runs):
            shutil.rmtree(index, ignore_errors=True)
            ingest = [python, "-m", "filesearch", "ingest", str(documents)]
            found = run_program([*ingest, "--index", str(index), "--json"])
            report = json.loads(found.output)
            ingested = sum(outcome["windows"] for outcome in report["outcomes"])
            if ingested != windows:
                sys.exit(f"error: ingest made {ingested} windows, the bare model {windows}")
            bares.append(time_bare())
            bare_s, bare_cpu_s = (
                statistics.mean(bare[key] for bare in bares[-2:]) for key in ("seconds", "cpu_s")
            )
            walls.append(windows / found.wall_s)
            calls.append(windows / report["seconds"])
            ratios.append(bare_s / found.wall_s)
            call_ratios.append(bare_s / report["seconds"])
            cpu_ratios.append(bare_cpu_s / found.cpu_s)
            peaks.append(found.peak_mb)
            say(
                f"run {turn + 1} of {runs}: {walls[-1]:.1f} windows/s, in the call "
                f"{calls[-1]:.1f}, bare {windows / bare_s:.1f}; processor {found.cpu_s:.1f} s, "
                f"bare {bare_cpu_s:.1f} s; {ratios[-1]:.3f}, {call_ratios[-1]:.3f}, "
                f"{cpu_ratios[-1]:.3f}"
            )
        search = [python, "-m", "filesearch", "search", QUERY, "--index", str(index)]
        cold = {"fsearch search": search} | {
            name: [python, "-c", code] for name, code in REFERENCES.items()
        }
        for command in cold.values():
            run_program(command)  # writes the bytecode
        times: dict[str, list[float]] = {name: [] for name in cold}
        for _ in range(COLD_RUNS):
            for name, command in cold.items():
                times[name].append(run_program(command).wall_s)
    return {
        "files": len(report["outcomes"]),
        "megabytes": size / 1e6,
        "windows": windows,
        "runs": runs,
        "process_windows_per_s": statistics.median(walls),
        "call_windows_per_s": statistics.median(calls),
        "bare_windows_per_s": statistics.median(windows / bare["seconds"] for bare in bares),
        "process_ratio": statistics.median(ratios),
        "call_ratio": statistics.median(call_ratios),
        "cpu_ratio": statistics.median(cpu_ratios),
        "peak_mb": max(peaks),
        "cold_s": {name: statistics.median(found) for name, found in times.items()},
    }


def render(figures: dict[str, float | int | dict[str, float]]) -> str:
    """Return the figures as one Markdown table."""
    lines = ["| what | figure | target |", "|---|---|---|"]
    lines += [
        f"| {figures['files']} files, {figures['megabytes']:.1f} MB, windows "
        f"| {figures['windows']:,} | |",
        f"| whole `fsearch ingest` process, windows/s | {figures['process_windows_per_s']:.1f} | |",
        f"| its ingest call alone, windows/s | {figures['call_windows_per_s']:.1f} | |",
        f"| bare ONNX session, windows/s | {figures['bare_windows_per_s']:.1f} | |",
        f"| ratio, whole process | {figures['process_ratio']:.3f} | >= {TARGET_RATIO} |",
        f"| ratio, the call alone | {figures['call_ratio']:.3f} | >= {TARGET_RATIO} |",
        f"| ratio of processor seconds, whole process | {figures['cpu_ratio']:.3f} | |",
        f"| peak memory of the ingest, MiB | {figures['peak_mb']:.0f} | |",
    ]
    for name, seconds in figures["cold_s"].items():
        target = f"< {TARGET_COLD_S}" if name == "fsearch search" else ""
        shown = name if name.startswith("python") else f"{name}, cold"
        lines.append(f"| `{shown}`, s | {seconds:.3f} | {target} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "documents", type=Path, metavar="DOCUMENTS", help="folder with Markdown files"
    )
    parser.add_argument(
        "--files", type=int, default=500, help="how many to take [default: %(default)s]"
    )
    parser.add_argument("--runs", type=int, default=3, help="turns of each [default: %(default)s]")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if min(args.files, args.runs) < 1:
        sys.exit("error: --files and --runs must be at least 1")
    if args.bare:
        run_bare(args.documents)
        return
    try:
        figures = measure(args.documents, args.files, args.runs)
    except BenchError as error:
        sys.exit(f"error: {error}")
    print(json.dumps(figures) if args.json else render(figures))


if __name__ == "__main__":
    main()
