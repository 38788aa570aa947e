"""Compare vector search with exact search: recall_index.py INDEX QUESTIONS.json [SPEC.json].

With the SPEC that a store was drawn by, the truth is brute force over the float32 vectors that were
drawn, else over those that the segments give back. Prints JSON: recall@10 of the search of all
windows and of one with a filter on 0.1% of the files, time of each, and how near neighbours are.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from filesearch.embed.onnx import OnnxEmbedder

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.drawn_vectors import VectorDrawer, compare_neighbours
from benchmarks.exact import DrawnTruth, OpenStore, StoredTruth, recall
from benchmarks.measuring import say
from benchmarks.real_windows import load_real

TOP_K = 10
COMPARED = 200_000  # windows whose neighbours are sought; all, where there are fewer

store = OpenStore(Path(sys.argv[1]))
texts = json.loads(Path(sys.argv[2]).read_text())["questions"]
spec = json.loads(Path(sys.argv[3]).read_text()) if len(sys.argv) > 3 else None
embedder = OnnxEmbedder()
questions = np.array([embedder.embed_query(text) for text in texts])
drawer = VectorDrawer(load_real(Path(spec["real"])), seed=spec["seed"]) if spec else None
truth = DrawnTruth(store, drawer) if drawer else StoredTruth(store)
report: dict[str, Any] = {"windows": store.window_count}
selections = {"all": None} | ({"filtered": 7} if drawer else {})
for name, part in selections.items():
    say(f"  brute force over the windows: {name}")
    expected = truth.top(questions, TOP_K, part)
    found, ms = [], []
    for question in questions:
        begun = time.perf_counter()
        found.append(store.nearest(question, TOP_K, part))
        ms.append(1e3 * (time.perf_counter() - begun))
    report[name] = {
        "recall": recall(found, expected),
        "allowed": store.allowed_count(part),
        "vector_ms": ms,
    }
if drawer:
    keys = store.keys()
    kept = np.random.default_rng(0).permutation(len(keys))[:COMPARED]
    report["neighbours"] = compare_neighbours(drawer, keys[kept], questions)
print(json.dumps(report))
