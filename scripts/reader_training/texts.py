"""Texts: the corpora of a folder of sets -> passages of whole sentences, with their titles."""

from __future__ import annotations

import io
import json
import random
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filesearch.sentences import sentence_spans

# Sets whose documents are read for made-up questions, and at most how many documents of each.
CORPORA = {
    "hotpotqa_100": 1000,
    "mtrag_un_closed_dev": 1200,
    "scifact_train": 3500,
    "chunk_eval": 2000,
    "win32_md": 1500,
}
# Characters of a passage: one of these, drawn anew for each.
LENGTHS = (350, 550, 800, 1000)
MIN_LENGTH, MAX_SENTENCE, MAX_DOCUMENT = 160, 700, 6000


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document.

    Attributes:
        text: Whole sentences.
        title: Of the document; "" where there is none.
        document: Number of the document.
        sentences: Characters of `text` that each sentence has: (start, end).
    """

    text: str
    title: str
    document: int
    sentences: tuple[tuple[int, int], ...]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def read_passages(data: Path, seed: int = 0) -> list[Passage]:
    """Return passages of the corpora that are in `data`."""
    rng = random.Random(seed)
    passages: list[Passage] = []
    number = 0
    for name, most in CORPORA.items():
        documents = list(_documents(data, name))
        rng.shuffle(documents)
        for title, text in documents[:most]:
            passages += _cut(text, title, number, rng)
            number += 1
    return passages


def _documents(data: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield title and text of each document of a set; none if the set is not there."""
    if name == "chunk_eval":
        for path in sorted((data / name / "corpora").glob("*.md")):
            for part in re.split(r"\n\n+", path.read_text("utf-8")):
                yield "", part[:MAX_DOCUMENT]
    elif name == "win32_md":
        if (data / f"{name}.tar.xz").is_file():
            with tarfile.open(data / f"{name}.tar.xz") as archive:
                for member in archive:
                    if member.name.endswith(".md") and (stream := archive.extractfile(member)):
                        text = io.TextIOWrapper(stream, "utf-8", "replace").read()
                        title = re.search(r"^title: *(.+)$", text, re.MULTILINE)
                        body = re.sub(r"^---.*?^---\s", "", text, count=1, flags=re.S | re.M)
                        yield title[1].strip("'\"") if title else "", body[:MAX_DOCUMENT]
    elif (data / name / "corpus.jsonl").is_file():
        for line in read_lines(data / name / "corpus.jsonl"):
            yield line.get("title") or "", line["text"][:MAX_DOCUMENT]


def _cut(text: str, title: str, number: int, rng: random.Random) -> Iterator[Passage]:
    spans: list[tuple[int, int]] = []
    length = rng.choice(LENGTHS)
    for span in [*sentence_spans(text), None]:
        if spans and (span is None or span[1] - spans[0][0] > length):
            start, end = spans[0][0], spans[-1][1]
            if end - start >= MIN_LENGTH:
                sentences = tuple((a - start, b - start) for a, b in spans)
                yield Passage(text[start:end], title, number, sentences)
            spans, length = [], rng.choice(LENGTHS)
        if span is not None and span[1] - span[0] <= MAX_SENTENCE:
            spans.append(span)
