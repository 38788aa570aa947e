#!/usr/bin/env python3
"""Print which share of questions the extractive answer would decline, threshold by threshold.

    scripts/calibrate_support.py SET [--off-topic OTHER_SET ...] [--sample 150] [--index DIR]

SET holds corpus.jsonl ({_id, title, text}), queries.jsonl ({_id, text}) and, where it has them,
answers.jsonl ({query_id, answers, is_impossible}). Its documents are ingested one file each, and
three kinds of questions are asked of them: its own answerable ones, its own unanswerable ones, and
those of other sets, which are off topic. For each the support of the best sentence is found, as
`filesearch.answer` does; the table says which share falls below each threshold. Good thresholds
decline few answerable and most off-topic questions.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from filesearch import FileSearch
from filesearch.adapters import make_embedder
from filesearch.answer import MAX_PASSAGES, rank_sentences
from filesearch.protocols import Embedder
from filesearch.quotable import find_sentences

THRESHOLDS = [0.15, 0.17, 0.19, 0.21, 0.25, 0.30, 0.33, 0.36, 0.39, 0.42, 0.45, 0.50]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file; none when there is no such file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write_documents(source: Path, folder: Path) -> None:
    """Write each document of corpus.jsonl to a file of its own."""
    for number, document in enumerate(read_lines(source / "corpus.jsonl")):
        text = "\n\n".join(part for part in (document.get("title"), document["text"]) if part)
        (folder / f"{number:06d}.txt").write_text(text, encoding="utf-8")


def draw_questions(
    source: Path, others: list[Path], count: int, rng: random.Random
) -> dict[str, list[str]]:
    """Return up to `count` questions of each kind."""
    texts = {query["_id"]: query["text"] for query in read_lines(source / "queries.jsonl")}
    impossible = {
        answer["query_id"]
        for answer in read_lines(source / "answers.jsonl")
        if answer.get("is_impossible")
    }
    kinds = {
        "answerable": [text for query_id, text in texts.items() if query_id not in impossible],
        "unanswerable": [texts[query_id] for query_id in sorted(impossible) if query_id in texts],
        "off topic": [
            query["text"] for other in others for query in read_lines(other / "queries.jsonl")
        ],
    }
    return {kind: rng.sample(found, min(count, len(found))) for kind, found in kinds.items()}


def support_of(fs: FileSearch, embedder: Embedder, question: str) -> float:
    """Return the support of the best sentence; 0 when nothing is found."""
    results = fs.search(question)
    sentences = find_sentences(results[:MAX_PASSAGES])
    if not sentences:
        return 0.0
    ranking = rank_sentences(question, sentences, results, embedder)
    return float(ranking.support[ranking.scores.argmax()])


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("set", type=Path, help="folder of the set whose documents are ingested")
    parser.add_argument(
        "--off-topic", type=Path, nargs="*", default=[], help="folders of sets on other topics"
    )
    parser.add_argument("--sample", type=int, default=150, help="questions of a kind [150]")
    parser.add_argument("--seed", type=int, default=1, help="of the sample [1]")
    parser.add_argument("--index", type=Path, help="index to make or use again [a temporary one]")
    options = parser.parse_args()
    for folder in (options.set, *options.off_topic):
        if not (folder / "queries.jsonl").is_file():
            parser.error(f"no queries.jsonl in '{folder}'")
    questions = draw_questions(
        options.set, options.off_topic, options.sample, random.Random(options.seed)
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "documents"
        folder.mkdir()
        with FileSearch(options.index or Path(scratch) / "index") as fs:
            if not (fs.directory / "catalog.db").exists():
                write_documents(options.set, folder)
                fs.ingest(folder)
            embedder = make_embedder(fs.settings.embedder)
            supports = {
                kind: [support_of(fs, embedder, text) for text in texts]
                for kind, texts in questions.items()
                if texts
            }
    print("| declined below | " + " | ".join(f"{k} ({len(v)})" for k, v in supports.items()) + " |")
    print("|---|" + "---|" * len(supports))
    for threshold in THRESHOLDS:
        shares = [sum(s < threshold for s in found) / len(found) for found in supports.values()]
        print(f"| {threshold:.2f} | " + " | ".join(f"{share:.3f}" for share in shares) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
