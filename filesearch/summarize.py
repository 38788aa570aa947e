"""Summarize: files of an index -> what they say, in a few sentences, each cited.

Without a chat model the sentences are the documents' own: those that say most of what the others
say (centrality.py). With one they are the model's, by map-reduce (map_reduce.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filesearch.centrality import pick_central, shortlist, similarities
from filesearch.cite import edges_within, locate, location_fields, rows_within
from filesearch.errors import InvalidSetting, NotFound
from filesearch.languages import known_share
from filesearch.maintain import match_files
from filesearch.map_reduce import PartSummary, cite_draft, draft_summary, join_drafts
from filesearch.protocols import ChatModel, Embedder
from filesearch.quotable import Sentence, find_sentences
from filesearch.sentences import sentence_spans
from filesearch.terms import extract_terms
from filesearch.types import Answer, Citation, Document, SearchResult

if TYPE_CHECKING:
    from filesearch.engine import FileSearch
    from filesearch.records import FileRecord

DEFAULT_SENTENCES = 5
MAX_SENTENCES = 50
# What one file says in a summary of several; the overall summary says more.
_SENTENCES_OF_MANY = 2
# Characters that are looked at to tell the script of a text.
_SAMPLE_CHARACTERS = 20_000
_ENDS_AS_SENTENCE = re.compile(r"[.!?…。！？][\"'”’)\]）】」』*_]*$")


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What one file says. `answer.citations` quote that file alone."""

    file_id: str
    filename: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Summary:
    """What files say.

    Attributes:
        files: One for each file, in order of the index.
        overall: What they say together; None for a single file.
    """

    files: tuple[FileSummary, ...]
    overall: Answer | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence and where it comes from."""

    record: FileRecord
    document: Document
    sentence: Sentence
    score: float = 0.0


def summarize_files(
    fs: FileSearch,
    targets: Sequence[str] | None = None,
    *,
    sentences: int = DEFAULT_SENTENCES,
    model: ChatModel | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Summarize files of an index, each alone and, when there are several, together.

    A long file costs no more than 400 sentences to embed, taken evenly from all of it.

    Args:
        fs: The index.
        targets: Files by id, name, path or shell pattern, those without text are left out; None
            takes all.
        sentences: At most how many, 1 to 50; of several files each gets at most two.
        model: Writes the summary in its own words; None quotes the documents.
        on_progress: Told files done and files to do.

    Raises:
        NotFound: No index, a target that matches no file, or only files without text.
        InvalidSetting: `sentences` is out of bounds.
        ChatFailed: The model did not answer.
    """
    if not 1 <= sentences <= MAX_SENTENCES:
        raise InvalidSetting(f"sentences is {sentences}; choose 1 to {MAX_SENTENCES}")
    known = fs.files()
    meant = known if targets is None else match_files(known, targets)
    records = [record for record in meant if record.char_count]
    if not records:
        named = str(fs.directory) if targets is None else " ".join(targets)
        raise NotFound(f"no file of '{named}' holds text; see: fsearch files --problems")
    write = _quote_files if model is None else _write_with(model)
    return write(fs, records, sentences, on_progress or (lambda _done, _total: None))


_OnProgress = Callable[[int, int], None]


def _quote_files(
    fs: FileSearch, records: Sequence[FileRecord], sentences: int, on_progress: _OnProgress
) -> Summary:
    shown = _shown(records, sentences)
    files: list[FileSummary] = []
    best: list[_Candidate] = []
    for done, record in enumerate(records, start=1):
        document = fs.document(record.id)
        picked = _pick(_candidates(record, document, sentences), fs, sentences, is_text=True)
        answer = _answer(_title(record), picked[:shown], records)
        files.append(FileSummary(record.id, record.filename, answer))
        best += sorted(picked, key=lambda candidate: candidate.sentence.start)
        on_progress(done, len(records))
    if len(records) == 1:
        return Summary(tuple(files))
    overall = _pick(best, fs, sentences, is_text=False)
    return Summary(tuple(files), _answer(_joint_title(records), overall, records))


def _shown(records: Sequence[FileRecord], sentences: int) -> int:
    return sentences if len(records) == 1 else min(sentences, _SENTENCES_OF_MANY)


def _title(record: FileRecord) -> str:
    return f"Summary of {record.filename}"


def _joint_title(records: Sequence[FileRecord]) -> str:
    return f"Summary of {len(records)} files"


def _candidates(record: FileRecord, document: Document, count: int) -> list[_Candidate]:
    """Return the sentences that may stand in a summary, at least one, in order of the text.

    Page headers, table rows and list entries only where the text has less than `count` others.
    """
    text = document.text
    whole = SearchResult(
        file_id=record.id,
        filename=record.filename,
        text=text,
        start=0,
        end=len(text),
        score=1.0,
        keyword_share=1.0,
        vector_share=0.0,
        table_rows=rows_within(document.spans, 0, len(text)),
        edges=edges_within(document.spans, 0, len(text)),
    )
    found = find_sentences([whole])
    if not found:  # nothing but headings, or a line or two
        spans = [
            (start, end, tuple(extract_terms(text[start:end])))
            for start, end in sentence_spans(text)
        ]
        found = [
            Sentence(0, start, end, text[start:end], "", terms, terms)
            for start, end, terms in spans
        ]
    prose = [sentence for sentence in found if _ENDS_AS_SENTENCE.search(sentence.text)]
    kept = prose if len(prose) >= count else found
    return [_Candidate(record, document, sentence) for sentence in kept]


def _pick(
    candidates: Sequence[_Candidate], fs: FileSearch, count: int, *, is_text: bool
) -> list[_Candidate]:
    """Return the most central candidates with their scores, best first."""
    # A sentence's terms hold those of its heading, which its neighbours share: not its own words.
    terms = [extract_terms(candidate.sentence.text) for candidate in candidates]
    kept = shortlist(terms)
    terms = [terms[i] for i in kept]
    texts = [candidates[i].sentence.text for i in kept]
    embedder: Embedder = fs.embedder
    similarity = similarities(
        terms,
        known_share(" ".join(texts)[:_SAMPLE_CHARACTERS], embedder.languages),
        lambda: embedder.embed_texts(texts),
    )
    picks = pick_central(similarity, terms, count, is_text=is_text)
    return [
        _Candidate(found.record, found.document, found.sentence, pick.score)
        for pick in picks
        for found in [candidates[kept[pick.index]]]
    ]


def _answer(title: str, picked: Sequence[_Candidate], records: Sequence[FileRecord]) -> Answer:
    """Return the sentences as quotes: files in the order of `records`, sentences as they stand."""
    place = {record.id: position for position, record in enumerate(records)}
    text = ""
    citations = []
    for number, candidate in enumerate(
        sorted(picked, key=lambda c: (place[c.record.id], c.sentence.start)), start=1
    ):
        sentence = candidate.sentence
        where = locate(candidate.document.spans, sentence.start, sentence.end)
        text += (" " if text else "") + " ".join(sentence.text.split())
        citation = Citation(
            number=number,
            file_id=candidate.record.id,
            filename=candidate.record.filename,
            start=sentence.start,
            end=sentence.end,
            quote=sentence.text,
            **location_fields(where),
            score=candidate.score,
            index=len(text),
            marker=f"【0:{number - 1}†source】",
        )
        citations.append(citation)
    return Answer(title, text, tuple(citations))


def _write_with(
    model: ChatModel,
) -> Callable[[FileSearch, Sequence[FileRecord], int, _OnProgress], Summary]:
    def write(
        fs: FileSearch, records: Sequence[FileRecord], sentences: int, on_progress: _OnProgress
    ) -> Summary:
        def cited(title: str, written: PartSummary) -> Answer:
            return cite_draft(title, written, locate=fs.locate, embedder=fs.embedder, model=model)

        files, drafts = [], []
        for call, record in enumerate(records):
            draft = draft_summary(
                record,
                fs.document(record.id),
                model,
                call=call,
                sentences=_shown(records, sentences),
            )
            drafts.append(draft)
            answer = cited(_title(record), draft)
            files.append(FileSummary(record.id, record.filename, answer))
            on_progress(len(files), len(records))
        if len(records) == 1:
            return Summary(tuple(files))
        overall = join_drafts(drafts, model, sentences=sentences)
        return Summary(tuple(files), cited(_joint_title(records), overall))

    return write
