"""Read: the directory of an evaluation set -> its corpus, judged queries and judgments.

    corpus.jsonl   {"_id", "title", "text"} a line; or a folder of files of any format
    queries.jsonl  {"_id", "text"} a line; earlier turns of a conversation, if any, stand in
                   "history", "conversations" or "metadata": {"history"}, each with "role" and
                   "text" or "content"
    qrels.tsv      query, document, grade; tab-separated, with a header row

Documents of a corpus.jsonl are named by their `_id`, files by their path below the folder, with
or without extension. A grade of 0 or less means not relevant. What can be evaluated is, and
`warnings` says what was left out; what cannot be read at all is an error with its line.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from filesearch.errors import InvalidFile, NotFound
from filesearch.load.clean import clean_text
from filesearch.types import Document, NamedDocument, Turn
from filesearch.walk import find_sources

CORPUS_FILE = "corpus.jsonl"
QUERIES_FILE = "queries.jsonl"
QRELS_FILE = "qrels.tsv"

Corpus: TypeAlias = tuple[NamedDocument, ...] | Path
"""Documents at hand, or a folder of files."""
Judgments: TypeAlias = dict[str, dict[str, int]]
"""Query id -> name of a document -> grade; at least one grade above 0 for each query."""

_ROLES: dict[str, Literal["user", "assistant"]] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "agent": "assistant",
    "bot": "assistant",
}
_NAMED = 3  # examples in a warning
_MAX_GRADE = 1_000_000  # above 31 bits nDCG comes out as 0, above 63 it fails


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and what was said before it, oldest first."""

    id: str
    text: str
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """What is searched, what is asked, and what should be found.

    Attributes:
        name: Of the directory.
        corpus: See `Corpus`. Documents without any text are left out: nothing can find them, and
            a judgment that wants one counts as missed.
        document_count: Documents or files, those without text included.
        queries: The queries that are judged, in the order of their file; at least one.
        judgments: Of these queries.
        warnings: What was left out and why, one sentence each.
    """

    name: str
    corpus: Corpus
    document_count: int
    queries: tuple[Query, ...]
    judgments: Judgments
    warnings: tuple[str, ...] = ()

    @property
    def has_conversations(self) -> bool:
        """Whether any query has earlier turns."""
        return any(query.history for query in self.queries)


def read_set(
    directory: Path, *, corpus: str | None = None, qrels: str | None = None
) -> EvaluationSet:
    """Return the evaluation set in `directory`.

    Args:
        directory: See the module.
        corpus: Name in `directory` of a `.jsonl` file or folder; None takes corpus.jsonl, or
            else the only folder.
        qrels: Name in `directory` of the judgments; None takes qrels.tsv, or else the only
            qrels*.tsv.

    Raises:
        NotFound: A part of the set is missing.
        InvalidFile: A line cannot be read, or nothing is left to evaluate.
    """
    if not directory.is_dir():
        raise NotFound(f"'{directory}' is not a folder; give one with {QUERIES_FILE} and so on")
    warnings: list[str] = []
    documents, names = _read_corpus(_corpus_path(directory, corpus), warnings)
    queries = _read_queries(_existing(directory / QUERIES_FILE), warnings)
    found = _read_judgments(_qrels_path(directory, qrels, warnings), warnings)
    judgments = _match(found, queries, names, warnings)
    return EvaluationSet(
        name=directory.resolve().name,
        corpus=documents,
        document_count=len(set(names.values())),
        queries=tuple(queries[query_id] for query_id in queries if query_id in judgments),
        judgments=judgments,
        warnings=tuple(warnings),
    )


def sample_queries(data: EvaluationSet, count: int, *, seed: int = 0) -> EvaluationSet:
    """Return the set with `count` of its queries, drawn at random, in their order; or all."""
    if count >= len(data.queries):
        return data
    drawn = set(random.Random(seed).sample(range(len(data.queries)), count))  # noqa: S311
    queries = tuple(query for i, query in enumerate(data.queries) if i in drawn)
    judgments = {query.id: data.judgments[query.id] for query in queries}
    return replace(data, queries=queries, judgments=judgments)


# Where the parts are


def _corpus_path(directory: Path, given: str | None) -> Path:
    if given is not None:
        return _existing(directory / given)
    if (directory / CORPUS_FILE).exists():
        return directory / CORPUS_FILE
    folders = sorted(p for p in directory.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) == 1:
        return folders[0]
    names = ", ".join(folder.name for folder in folders) or "none"
    raise NotFound(
        f"'{directory}' has no {CORPUS_FILE} and not one folder of files (folders: {names}); "
        "name what to search with --corpus"
    )


def _qrels_path(directory: Path, given: str | None, warnings: list[str]) -> Path:
    if given is not None:
        return _existing(directory / given)
    found = sorted(path.name for path in directory.glob("qrels*.tsv"))
    if QRELS_FILE not in found and len(found) == 1:
        return directory / found[0]
    others = ", ".join(name for name in found if name != QRELS_FILE)
    if others:
        hint = f"choose other judgments with --qrels: {others}"
        if QRELS_FILE not in found:
            raise NotFound(f"'{directory}' has no {QRELS_FILE}; {hint}")
        warnings.append(f"the judgments are those of {QRELS_FILE}; {hint}")
    return _existing(directory / QRELS_FILE)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise NotFound(f"'{path}' does not exist; an evaluation needs it")
    return path


# The corpus


class _Turn(msgspec.Struct):
    role: str
    text: str | None = None
    content: str | None = None


class _Metadata(msgspec.Struct):
    history: list[_Turn] | None = None


class _Line(msgspec.Struct):
    """A line of a corpus or of queries; keys that are not named here are passed over."""

    id: str | int = msgspec.field(name="_id")
    text: str | None = None
    title: str | None = None
    history: list[_Turn] | None = None
    conversations: list[_Turn] | None = None
    metadata: _Metadata | None = None


def _read_corpus(path: Path, warnings: list[str]) -> tuple[Corpus, dict[str, str]]:
    """Return the corpus, and each name that judgments may use with the document it means."""
    if path.is_dir():
        return path, _file_names([source.filename for source in find_sources([path])])
    documents: list[NamedDocument] = []
    names: dict[str, str] = {}
    twice: list[str] = []
    without_text: list[str] = []
    for number, line in _read_lines(path):
        name = str(line.id)
        if name in names:
            twice.append(f"'{name}' in line {number}")
            continue
        names[name] = name
        title = clean_text(line.title or "").strip()
        text = clean_text(line.text or "")
        if not text.strip():
            text = title
        if text:
            documents.append(NamedDocument(name, Document(text, title=title)))
        else:
            without_text.append(f"'{name}'")
    _warn(warnings, twice, "{n} documents have the id of an earlier one and are left out")
    _warn(warnings, without_text, "{n} documents hold no text and cannot be found")
    if not documents:
        raise InvalidFile(f"{path.name} holds no document with text")
    return tuple(documents), names


def _file_names(filenames: Sequence[str]) -> dict[str, str]:
    """Return each name that may stand for a file: its own, and without extension if only its."""
    names: dict[str, str] = {}
    shared: set[str] = set()
    for filename in filenames:
        short = filename.removesuffix(Path(filename).suffix)
        if short in names:
            shared.add(short)
        names[short] = filename
    for short in shared:
        del names[short]
    return {**names, **{filename: filename for filename in filenames}}


# Queries


def _read_queries(path: Path, warnings: list[str]) -> dict[str, Query]:
    queries: dict[str, Query] = {}
    twice: list[str] = []
    for number, line in _read_lines(path):
        query_id, text = str(line.id), clean_text(line.text or "").strip()
        if query_id in queries:
            twice.append(f"'{query_id}' in line {number}")
            continue
        nested = line.metadata.history if line.metadata else None
        turns = line.history or line.conversations or nested or []
        queries[query_id] = Query(query_id, text, _history(turns, text))
    _warn(warnings, twice, "{n} queries have the id of an earlier one and are left out")
    return queries


def _history(turns: Sequence[_Turn], text: str) -> tuple[Turn, ...]:
    """Return what users and assistants said before `text`, which may stand at the end itself."""
    history = [
        Turn(_ROLES[turn.role.lower()], said)
        for turn in turns
        if turn.role.lower() in _ROLES
        and (said := clean_text(turn.text or turn.content or "").strip())
    ]
    if history and history[-1] == Turn("user", text):
        history.pop()
    return tuple(history)


# Judgments


def _read_judgments(path: Path, warnings: list[str]) -> Judgments:
    judgments: Judgments = {}
    twice: list[str] = []
    negative: list[str] = []
    for position, (number, raw) in enumerate(_split_lines(path)):
        fields = raw.rstrip("\r\n").split("\t")
        grade = _grade(fields[2]) if len(fields) == 3 else None
        if grade is None and position == 0:
            continue  # the header row
        if grade is None:
            raise InvalidFile(
                f"{path.name}, line {number}: {raw[:80]!r} is not a query, a document and a whole "
                f"number of at most {_MAX_GRADE:,}, separated by tabs"
            )
        query_id, name = fields[:2]
        if position == 0:
            warnings.append(f"{path.name} has no header row; its first line counts as a judgment")
        if name in judgments.setdefault(query_id, {}):
            twice.append(f"'{name}' for query '{query_id}' in line {number}")
        if grade < 0:
            negative.append(f"'{name}' for query '{query_id}'")
        judgments[query_id][name] = max(grade, 0)
    _warn(warnings, twice, "{n} judgments repeat an earlier one and take its place")
    _warn(warnings, negative, "{n} judgments have a grade below 0, which counts as 0")
    return judgments


def _grade(field: str) -> int | None:
    try:
        grade = float(field)
    except ValueError:
        return None
    return int(grade) if grade.is_integer() and grade <= _MAX_GRADE else None


def _match(
    found: Judgments,
    queries: Mapping[str, Query],
    names: Mapping[str, str],
    warnings: list[str],
) -> Judgments:
    """Return the judgments that can be met, and only those of queries that can be asked."""
    judgments: Judgments = {}
    unknown_queries: list[str] = []
    blank: list[str] = []
    unknown_documents: list[str] = []
    without_relevant: list[str] = []
    for query_id, grades in found.items():
        if query_id not in queries:
            unknown_queries.append(f"'{query_id}'")
            continue
        unknown_documents += [f"'{name}'" for name in grades if name not in names]
        known = {names[name]: grade for name, grade in grades.items() if name in names}
        if not any(grade > 0 for grade in known.values()):
            without_relevant.append(f"'{query_id}'")
        elif not queries[query_id].text:
            blank.append(f"'{query_id}'")
        else:
            judgments[query_id] = known
    for group, sentence in (
        (unknown_queries, "{n} judged queries are not in " + QUERIES_FILE + " and are left out"),
        (unknown_documents, "{n} judgments name documents that are not there and are left out"),
        (without_relevant, "{n} judged queries have no relevant document left and are left out"),
        (blank, "{n} judged queries have no text and are left out"),
    ):
        _warn(warnings, group, sentence)
    if not judgments:
        raise InvalidFile(
            "no query has both text and a judgment above 0 of a document that is there"
            + "".join(f"; {warning}" for warning in warnings)
        )
    return judgments


def _warn(warnings: list[str], group: Sequence[str], sentence: str) -> None:
    if group:
        such_as = ", ".join(group[:_NAMED]) + (", ..." if len(group) > _NAMED else "")
        warnings.append(f"{sentence.format(n=len(group))}: {such_as}")


# Lines


def _read_lines(path: Path) -> Iterator[tuple[int, _Line]]:
    """Yield the lines of a file of JSON objects with their numbers, from 1."""
    for number, raw in _split_lines(path):
        try:
            value: Any = json.loads(raw)
            yield number, msgspec.convert(value, _Line)
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            raise InvalidFile(f"{path.name}, line {number}: {error}; one object a line") from error


def _split_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield the lines that are not blank with their numbers, from 1.

    Only "\n" ends a line: text may hold the other separators that str.splitlines knows.
    """
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path.name}, line {number}: not UTF-8: {error}") from error
    except OSError as error:
        raise InvalidFile(f"'{path}' cannot be read: {error.strerror}") from error
