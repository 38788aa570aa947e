"""Fill an index with drawn documents, step by step: draw_store.py SPEC.json.

Prints one JSON line for each step and then waits for a line on standard input, so that whoever
asked can measure the index in between; told "stop", or nothing any more, it ends. The last line of
a fill that ran out of time has `is_complete` false.
"""

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from filesearch.embed.onnx import OnnxEmbedder
from filesearch.types import ChunkSettings

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.drawn_store import DocumentDrawer, StoreFiller, make_pool
from benchmarks.drawn_text import read_corpus
from benchmarks.drawn_vectors import VectorDrawer
from benchmarks.measuring import say
from benchmarks.memory import memory_mb
from benchmarks.real_windows import load_real

PORTION = 20_000  # windows or chunks between two looks at the clock
WARM_UP = 2_000  # windows

spec = json.loads(Path(sys.argv[1]).read_text())
embedder = OnnxEmbedder()
corpus = read_corpus(Path(spec["corpus"]))
pool = make_pool(corpus, embedder, spec["pool"], seed=spec["seed"], cache=Path(spec["sets"]))
settings = ChunkSettings(spec["chunk_size"], spec["chunk_overlap"])
documents = DocumentDrawer(
    corpus, pool, seed=spec["seed"], settings=settings, lengthen=spec["lengthen"]
)
drawer = VectorDrawer(load_real(Path(spec["real"])), seed=spec["seed"])
_ = drawer.similarities


def make_filler(directory: Path) -> StoreFiller:
    """Return what fills an index in `directory`."""
    return StoreFiller(
        directory, documents, embedder=embedder, drawer=drawer, has_signs=spec["has_signs"]
    )


# What is loaded and compiled once costs no chunk of the first step.
with tempfile.TemporaryDirectory() as scratch:
    make_filler(Path(scratch) / "index").fill(windows=WARM_UP)
filler = make_filler(Path(spec["directory"]))
parent = os.getppid()  # another one once whoever asked is gone
base_mb, base_own_mb = memory_mb("VmRSS"), memory_mb("RssAnon")
deadline = time.monotonic() + 60 * spec["minutes"]
for unit, wanted in spec["steps"]:
    reached, peak_mb, own_peak_mb = 0, 0.0, 0.0
    while reached < wanted and time.monotonic() < deadline and os.getppid() == parent:
        fill = filler.fill(**{unit: min(wanted, reached + PORTION)})
        reached = getattr(fill, unit)
        peak_mb, own_peak_mb = max(peak_mb, fill.peak_mb), max(own_peak_mb, fill.own_peak_mb)
        say(f"  {fill.windows:,} windows, {fill.chunks:,} chunks, {fill.segments} segments")
    is_complete = reached >= wanted
    peaks = {"peak_mb": peak_mb, "own_peak_mb": own_peak_mb}
    bases = {"base_mb": base_mb, "base_own_mb": base_own_mb}
    line = asdict(fill) | peaks | bases | {"is_complete": is_complete}
    print(json.dumps(line), flush=True)
    if sys.stdin.readline().strip() in ("", "stop") or not is_complete:
        break
