"""Time searches of an open index: search_index.py INDEX QUESTIONS.json MODES.

MODES, with commas between: plain (no rerank), rerank, filtered (no rerank, a filter that keeps
0.1% of a drawn store's files). Every question is asked once, the modes in turn, so that none finds
another's question in a cache. The first `warm_up` questions of QUESTIONS.json are not timed. Prints
JSON: milliseconds of each search, opening time, memory in MiB.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

started = time.perf_counter()

from filesearch import FileSearch  # noqa: E402 - part of opening

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.memory import memory_mb  # noqa: E402

asked: dict[str, dict[str, Any]] = {
    "plain": {"ranking_options": {"ranker": "none"}},
    "rerank": {},
    "filtered": {
        "ranking_options": {"ranker": "none"},
        "filters": {"type": "eq", "key": "part", "value": 7},
    },
}
directory, source, modes = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), sys.argv[3]
warm_up, questions = source["warm_up"], source["questions"]
names = modes.split(",")
times: dict[str, list[float]] = {name: [] for name in names}
found = dict.fromkeys(names, 0)
with FileSearch(directory, top_k=10) as fs:
    fs.search(warm_up[0], **asked[names[0]])
    opening_s = time.perf_counter() - started
    opened = {"rss": memory_mb("VmRSS"), "anonymous": memory_mb("RssAnon")}
    for i, question in enumerate(warm_up[1:]):
        fs.search(question, **asked[names[i % len(names)]])
    for i, question in enumerate(questions):
        name = names[i % len(names)]
        begun = time.perf_counter()
        hits = fs.search(question, **asked[name])
        times[name].append(1e3 * (time.perf_counter() - begun))
        found[name] += len(hits)
    searched = {
        "rss": memory_mb("VmRSS"),
        "anonymous": memory_mb("RssAnon"),
        "mapped": memory_mb("RssFile"),
        "peak": memory_mb("VmHWM"),
    }
print(
    json.dumps(
        {
            "opening_s": opening_s,
            "ms": times,
            "found": found,
            "opened_mb": opened,
            "searched_mb": searched,
        }
    )
)
