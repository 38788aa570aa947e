"""Drawn text: real sentences of a folder of Markdown files, shuffled into as many as are wanted.

folder -> Corpus -> document number N of seed S, always the same text. Files keep the shape of real
ones (how many sections, how many sentences in each), their headings and titles are real, and so is
each sentence; only what stands next to what is drawn. Words therefore come as often as in the
real files, which is what keyword search depends on.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filesearch.errors import InvalidFile

PARAGRAPH_SENTENCES = 4
FILES_PER_FOLDER = 1000
MIN_SENTENCE_CHARACTERS = 20  # shorter ones are labels and list marks

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^title: *[\"']?(.*?)[\"']? *$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+")
_HEADING = re.compile(r"#{1,6} +(.*\S)")
_NO_PROSE = ("|", "```", ":::", "<", "![")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What documents are drawn from.

    Attributes:
        sentences: As often as they stand in the files, so that drawing keeps word frequencies.
        headings, titles: Of the files; at least one of each.
        shapes: For each file the number of sentences of each section, at least one each.
        lengths: For each file its characters, front matter left out.
    """

    sentences: tuple[str, ...]
    headings: tuple[str, ...]
    titles: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]


def read_corpus(folder: Path) -> Corpus:
    """Read every Markdown file below `folder`, in the order of their paths.

    Raises:
        InvalidFile: There is no sentence in any.
    """
    sentences: list[str] = []
    headings: list[str] = []
    titles: list[str] = []
    shapes: list[tuple[int, ...]] = []
    lengths: list[int] = []
    for path in sorted(path for path in folder.rglob("*.md") if path.is_file()):
        text = path.read_text("utf-8", "replace").replace("\r\n", "\n")
        front = _FRONT_MATTER.match(text)
        titles += _TITLE.findall(front[1])[:1] if front else []
        body = text[front.end() :] if front else text
        lengths.append(len(body))
        counts = [0]
        for heading, found in _sections(body):
            if heading:
                headings.append(heading)
                counts.append(0)
            sentences += found
            counts[-1] += len(found)
        if any(counts):
            shapes.append(tuple(count for count in counts if count))
    if not sentences:
        raise InvalidFile(f"'{folder}' holds no Markdown file with a sentence; give one that does")
    headings = headings or ["Overview"]
    return Corpus(
        tuple(sentences), tuple(headings), tuple(titles or headings), tuple(shapes), tuple(lengths)
    )


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each heading (empty for none) and the sentences below it; code and tables left out."""
    heading, found, is_code = "", list[str](), False
    for line in text.split("\n"):
        line = line.strip()
        if line.startswith("```"):
            is_code = not is_code
        elif is_code or line.startswith(_NO_PROSE):
            continue
        elif head := _HEADING.match(line):
            yield heading, found
            heading, found = head[1], []
        else:
            cut = _SENTENCE_END.split(line.lstrip("-*+> "))
            found += [one for one in cut if len(one) >= MIN_SENTENCE_CHARACTERS]
    yield heading, found


def draw_document(corpus: Corpus, *, seed: int, number: int) -> tuple[str, str]:
    """Return title and Markdown text of a document; the same for the same seed and number."""
    rng = random.Random(f"{seed}/{number}")
    title = rng.choice(corpus.titles)
    lines = [f"# {title}", ""]
    for position, count in enumerate(rng.choice(corpus.shapes)):
        if position:
            lines += [f"## {rng.choice(corpus.headings)}", ""]
        drawn = rng.choices(corpus.sentences, k=count)
        for start in range(0, count, PARAGRAPH_SENTENCES):
            lines += [" ".join(drawn[start : start + PARAGRAPH_SENTENCES]), ""]
    return title, "\n".join(lines)


def write_files(corpus: Corpus, folder: Path, numbers: Sequence[int], *, seed: int) -> int:
    """Write documents as Markdown files below `folder`; returns their bytes."""
    size = 0
    for number in numbers:
        path = folder / f"{number // FILES_PER_FOLDER:05}" / file_name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = draw_document(corpus, seed=seed, number=number)[1].encode()
        path.write_bytes(data)
        size += len(data)
    return size


def file_name(number: int) -> str:
    """Return what a drawn document is called."""
    return f"drawn-{number}.md"


def number_of(filename: str) -> int:
    """Return which drawn document a file is."""
    return int(Path(filename).stem.rpartition("-")[2])


def draw_questions(corpus: Corpus, count: int, *, seed: int) -> list[str]:
    """Return distinct questions: titles, headings, and beginnings of sentences, a third each.

    Fewer come back where the corpus has fewer.
    """
    rng = random.Random(f"{seed}/questions")
    kinds = [
        list(dict.fromkeys(corpus.titles)),
        list(dict.fromkeys(head for head in corpus.headings if " " in head)),
        list(dict.fromkeys(_beginning(sentence, rng) for sentence in corpus.sentences[::7])),
    ]
    for kind in kinds:
        rng.shuffle(kind)
    longest = max(map(len, kinds))
    mixed = [kind[i] for i in range(longest) for kind in kinds if i < len(kind)]
    return list(dict.fromkeys(mixed))[:count]


def _beginning(sentence: str, rng: random.Random) -> str:
    return " ".join(sentence.split()[: rng.randint(4, 12)]).rstrip(".,;:")
