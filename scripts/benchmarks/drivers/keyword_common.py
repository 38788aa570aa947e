"""What the programs of the keyword benchmark share; the standard library alone.

    keyword_X.py build ROWS.txt FOLDER               index the rows
    keyword_X.py ask FOLDER QUERIES.txt FIRST PAST TOP_KS    open the index, ask some queries

Rows and queries are terms with spaces between, one a line. `ask` first asks `WARM_UP` queries from
the other end of the file, which are not timed: what is compiled or read in then is in `first_ms`.
The first of TOP_KS is asked for a second time, which "again" times: what was mapped, looked up or
kept meanwhile serves it, as it serves most words of a question to a server.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[Iterable[Any], Iterable[Any]]
"""Row numbers and scores, best first."""
Ask: TypeAlias = Callable[[list[str], int], Answer]

WARM_UP = 20


def run(build: Callable[[Path, Path], None], load: Callable[[Path], Ask]) -> None:
    """Do what the command line says, and print JSON.

    Args:
        build: Given the file of the rows and an empty folder, writes an index there.
        load: Given that folder, returns what asks it for the best rows of some terms.
    """
    if sys.argv[1] == "build":
        started = time.perf_counter()
        build(Path(sys.argv[2]), Path(sys.argv[3]))
        print(json.dumps({"build_s": time.perf_counter() - started}))
        return
    folder, source, first, past, top_ks = sys.argv[2:7]
    lines = Path(source).read_text().splitlines()
    queries = [line.split() for line in lines]
    started = time.perf_counter()
    ask = load(Path(folder))
    load_s = time.perf_counter() - started
    warm_up = (queries[int(past) :] + queries[: int(first)])[-WARM_UP:] or queries[:1]
    started = time.perf_counter()
    ask(warm_up[0], 10)
    first_ms = 1e3 * (time.perf_counter() - started)
    for query in warm_up:
        ask(query, 10)
    report: dict[str, Any] = {
        "load_s": load_s,
        "first_ms": first_ms,
        "ms": {},
        "rows": [],
        "scores": [],
    }
    first_k, *others = top_ks.split(",")
    for name, top_k in [
        (first_k, first_k),
        ("again", first_k),
        *((other, other) for other in others),
    ]:
        times = []
        for query in queries[int(first) : int(past)]:
            started = time.perf_counter()
            rows, scores = ask(query, int(top_k))
            times.append(1e3 * (time.perf_counter() - started))
            if name == "10":
                report["rows"].append([int(row) for row in rows])
                report["scores"].append([float(score) for score in scores])
        report["ms"][name] = times
    print(json.dumps(report))


def read_rows(path: Path) -> Iterator[list[str]]:
    """Yield the terms of each row."""
    with path.open() as lines:
        for line in lines:
            yield line.split()
