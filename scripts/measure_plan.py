#!/usr/bin/env python3
"""Print what planned queries find beside the question alone.

    scripts/measure_plan.py DATA_DIR [--cache DIR]

DATA_DIR holds sets as folders with `corpus.jsonl` ({"_id", "title", "text"}), `queries.jsonl`
({"_id", "text", "metadata"}) and `qrels.tsv` (query, document, gain). Sets that are not there are
left out.

- Questions on two paragraphs (`hotpotqa_100`): the share of questions whose two paragraphs are
  both among the first 10 results, and nDCG@10; for the question alone, the plan, the plan with its
  rankings merged by the sum of reciprocal ranks, and the plan when each question follows a
  conversation about something else (one of the other set).
- Conversations (`mtrag_un_closed_dev`, with the earlier turns as metadata.history): nDCG@10 for
  the last turn alone, all user turns in a row, and the plan.
- Questions on one fact (all other sets): how many are split or rewritten, and how long it takes
  to plan one.

Each document is ingested as a file. Indexes go to `--cache` and are used again; a temporary folder
without it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from filesearch import FileSearch
from filesearch.fuse import RRF_K, merge_rankings
from filesearch.plan import plan_queries
from filesearch.types import Turn

TWO_PARAGRAPHS = "hotpotqa_100"
CONVERSATIONS = "mtrag_un_closed_dev"
TOP_K = 10
SEARCHED = 20

Merge = Callable[[Sequence[Sequence[str]]], list[str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A question with the turns before it and the gain of each document that answers it."""

    text: str
    history: tuple[Turn, ...]
    gains: dict[str, float]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def read_queries(folder: Path) -> list[Query]:
    """Return the questions of a set, those without a judged document too."""
    gains: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, document_id, gain = line.split("\t")
        if float(gain) > 0:
            gains.setdefault(query_id, {})[document_id] = float(gain)
    return [
        Query(
            query["text"],
            tuple(
                Turn("user" if turn["role"] == "user" else "assistant", turn["text"])
                for turn in query.get("metadata", {}).get("history", [])
            ),
            gains.get(query["_id"], {}),
        )
        for query in read_lines(folder / "queries.jsonl")
    ]


class Collection:
    """The documents of a set in an index; every query is searched once."""

    def __init__(self, folder: Path, index: Path) -> None:
        documents = read_lines(folder / "corpus.jsonl")
        self._ids = [document["_id"] for document in documents]
        self._found: dict[str, list[str]] = {}
        self._fs = FileSearch(index)
        if not (index / "catalog.db").exists():
            with tempfile.TemporaryDirectory() as scratch:
                for number, document in enumerate(documents):
                    parts = [p for p in (document.get("title"), document["text"]) if p]
                    path = Path(scratch) / f"{number:06d}.txt"
                    path.write_text("\n\n".join(parts), encoding="utf-8")
                self._fs.ingest(scratch)

    def search(self, query: str) -> list[str]:
        """Return the ids of the documents found, best first."""
        if query not in self._found:
            results = self._fs.search(query, top_k=SEARCHED)
            ids = [self._ids[int(Path(result.filename).stem)] for result in results]
            self._found[query] = list(dict.fromkeys(ids))
        return self._found[query]

    def search_plan(self, query: Query, merge: Merge) -> list[str]:
        """Return the merged results of the plan for a question in its conversation."""
        plan = plan_queries(query.text, history=query.history)
        return merge([self.search(planned) for planned in plan.queries])


def take_turns(rankings: Sequence[Sequence[str]]) -> list[str]:
    """Merge as the product does."""
    return merge_rankings(rankings, key=str, top_k=TOP_K)


def add_reciprocal_ranks(rankings: Sequence[Sequence[str]]) -> list[str]:
    """Merge by reciprocal rank fusion (Cormack, Clarke, Buettcher 2009)."""
    sums: dict[str, float] = {}
    for ranking in rankings:
        for rank, found in enumerate(ranking, start=1):
            sums[found] = sums.get(found, 0.0) + 1 / (RRF_K + rank)
    return sorted(sums, key=lambda found: -sums[found])[:TOP_K]


def ndcg(ranking: Sequence[str], gains: dict[str, float]) -> float:
    """Return nDCG@10."""
    best = sorted(gains.values(), reverse=True)
    discounts = [1 / math.log2(rank + 2) for rank in range(TOP_K)]
    got = sum(d * gains.get(found, 0.0) for d, found in zip(discounts, ranking, strict=False))
    return got / sum(d * gain for d, gain in zip(discounts, best, strict=False))


def print_table(title: str, queries: Sequence[Query], runs: dict[str, list[list[str]]]) -> None:
    """Print both measures of every run."""
    print(f"\n{title}: {len(queries)} questions\n\n| | all in first 10 | nDCG@10 |\n|---|---|---|")
    for name, rankings in runs.items():
        pairs = list(zip(rankings, queries, strict=True))
        whole = sum(set(q.gains) <= set(ranking[:TOP_K]) for ranking, q in pairs) / len(pairs)
        mean = sum(ndcg(ranking, q.gains) for ranking, q in pairs) / len(pairs)
        print(f"| {name} | {whole:.3f} | {mean:.4f} |")


def measure_two_paragraphs(folder: Path, index: Path) -> None:
    queries = [query for query in read_queries(folder) if query.gains]
    others = folder.parent / CONVERSATIONS
    histories = [q.history for q in read_queries(others) if q.history] if others.is_dir() else []
    turned = [
        replace(query, history=history)
        for query, history in zip(queries, cycle(histories or [()]), strict=False)
    ]
    collection = Collection(folder, index)
    runs = {
        "question alone": [collection.search(q.text)[:TOP_K] for q in queries],
        "plan": [collection.search_plan(q, take_turns) for q in queries],
        "plan, reciprocal ranks": [
            collection.search_plan(q, add_reciprocal_ranks) for q in queries
        ],
        "plan after another topic": [collection.search_plan(q, take_turns) for q in turned],
    }
    print_table(folder.name, queries, runs)


def measure_conversations(folder: Path, index: Path) -> None:
    queries = [query for query in read_queries(folder) if query.gains]
    collection = Collection(folder, index)

    def all_turns(query: Query) -> str:
        return " ".join([*(t.text for t in query.history if t.role == "user"), query.text])

    runs = {
        "last turn alone": [collection.search(q.text)[:TOP_K] for q in queries],
        "all user turns in a row": [collection.search(all_turns(q))[:TOP_K] for q in queries],
        "plan": [collection.search_plan(q, take_turns) for q in queries],
    }
    print_table(folder.name, queries, runs)


def measure_splits(folders: Sequence[Path]) -> None:
    print("\n| set | questions | split | chatter left out | µs a plan |\n|---|---|---|---|---|")
    for folder in folders:
        texts = [query["text"] for query in read_lines(folder / "queries.jsonl")]
        started = time.perf_counter()
        plans = [plan_queries(text) for text in texts]
        microseconds = (time.perf_counter() - started) / len(texts) * 1e6
        split = sum(len(plan.queries) > 1 for plan in plans)
        rewritten = sum(
            plan.queries[:1] != (text.strip(),) for text, plan in zip(texts, plans, strict=True)
        )
        print(
            f"| {folder.name} | {len(texts)} | {split} ({split / len(texts):.1%}) "
            f"| {rewritten} ({rewritten / len(texts):.1%}) | {microseconds:.0f} |"
        )


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path, help="folder that holds the sets as folders")
    parser.add_argument("--cache", type=Path, help="where indexes are kept [a temporary folder]")
    options = parser.parse_args()
    folders = sorted(path.parent for path in options.data.glob("*/queries.jsonl"))
    if not folders:
        parser.error(f"no set (a folder with queries.jsonl) in '{options.data}'")
    measures = {TWO_PARAGRAPHS: measure_two_paragraphs, CONVERSATIONS: measure_conversations}
    with tempfile.TemporaryDirectory() as scratch:
        for folder in folders:
            if folder.name in measures:
                measures[folder.name](folder, (options.cache or Path(scratch)) / folder.name)
    measure_splits([folder for folder in folders if folder.name not in measures])
    return 0


if __name__ == "__main__":
    sys.exit(main())
