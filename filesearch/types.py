"""Types: the frozen values that travel between the stages.

bytes -> Document -> Chunk, Window -> SearchResult -> Answer, Citation. No behaviour beyond
small derived properties; nothing here imports another module of the package but `errors`.

All character positions are Python string indices (code points) into `Document.text`,
start inclusive, end exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.errors import InvalidSetting

FloatMatrix: TypeAlias = npt.NDArray[np.float32]
"""float32, shape (n, dimension), C-contiguous, rows of unit length unless said otherwise."""
FloatVector: TypeAlias = npt.NDArray[np.float32]
"""float32, shape (dimension,), unit length unless said otherwise."""
IntArray: TypeAlias = npt.NDArray[np.int64]
BitMatrix: TypeAlias = npt.NDArray[np.uint8]
"""uint8, shape (n, dimension / 8): one bit per dimension, most significant first."""

AttributeValue: TypeAlias = str | int | float | bool
Attributes: TypeAlias = dict[str, AttributeValue]

ErrorCode = Literal["unsupported_file", "invalid_file", "server_error"]
IncompleteReason = Literal["max_prompt_tokens", "max_completion_tokens", "content_filter"]
SpanKind = Literal[
    "part", "page", "slide", "sheet", "cell", "ocr", "heading", "table", "row", "edge"
]


@dataclass(frozen=True, slots=True)
class Span:
    """A named stretch of a document's text, so that a citation can say where it stands.

    Attributes:
        kind: What the stretch is. A `heading` span covers its whole section: the heading line
            and everything up to the next heading of the same or a higher level. A `part` is a
            file within the file (of an archive, attached to a mail), a `cell` one of a notebook,
            `ocr` a stretch read out of a picture, an `edge` a line repeated at the edge of pages.
        start, end: Character positions in the document's text, start < end.
        number: Page (of an edge too), slide or row number from 1; the level (1 is highest) of a
            heading; the position from 1 of a sheet, table, cell or part; of `ocr` how sure, in %.
        label: Heading text, sheet name, page label, name of a part; empty when there is none.
    """

    kind: SpanKind
    start: int
    end: int
    number: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    r"""The text of one file and where its parts stand.

    Attributes:
        text: Unicode in NFC with "\n" line ends, without NUL and without surrogates; never blank.
        spans: Ordered by start, then longest first. Spans of one kind do not overlap, except
            headings and parts, which nest.
        title: From the format's own metadata or first heading; empty when there is none.
        media_type: Such as "application/pdf", found from the content where the name is silent.
        warnings: What was lost on the way, one sentence each (a page that could not be read, ...).
        attributes: What the file says of itself (front matter); as attributes.py allows.
    """

    text: str
    spans: tuple[Span, ...] = ()
    title: str = ""
    media_type: str = "text/plain"
    warnings: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)

    def count(self, kind: SpanKind) -> int:
        """Return how many stretches of a kind there are."""
        return sum(span.kind == kind for span in self.spans)


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document that is at hand as text, without a file behind it.

    Attributes:
        name: Identifies it from one ingest to the next, and is what citations show. Taken for an
            id: its words are not searched.
        document: Its text, and what else is known of it.
    """

    name: str
    document: Document


MIN_CHUNK_TOKENS = 100
MAX_CHUNK_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """Chunk size and overlap in cl100k_base tokens; the defaults and bounds are OpenAI's.

    Raises:
        InvalidSetting: size outside 100..4096, overlap negative or above half the size.
    """

    size: int = 800
    overlap: int = 400

    def __post_init__(self) -> None:
        if not MIN_CHUNK_TOKENS <= self.size <= MAX_CHUNK_TOKENS:
            raise InvalidSetting(
                f"chunk size is {self.size} tokens; choose {MIN_CHUNK_TOKENS} to {MAX_CHUNK_TOKENS}"
            )
        if not 0 <= self.overlap <= self.size // 2:
            raise InvalidSetting(
                f"chunk overlap is {self.overlap} tokens; "
                f"choose 0 to {self.size // 2}, half of the chunk size {self.size}"
            )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document that can be retrieved and cited.

    Attributes:
        ordinal: Position among the document's chunks, from 0.
        start, end: Character positions in the document's text, start < end.
        token_count: cl100k_base tokens, at least 1.
    """

    ordinal: int
    start: int
    end: int
    token_count: int


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a document that is embedded, once, whatever chunks it lies in."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class TokenSigns:
    """Where the words of some windows point, one bit a dimension: for late interaction.

    Attributes:
        bits: uint8, shape (m, dimension / 8). A bit is set where the sum of the vectors of three
            consecutive word pieces is above 0. The rows of a window stand in reading order.
        counts: int64, shape (n_windows,): rows of each window, together m; 0 for a window without
            a word piece.
    """

    bits: BitMatrix
    counts: IntArray

    def part(self, first: int, past: int) -> TokenSigns:
        """Return those of the windows first..past - 1."""
        start, end = int(self.counts[:first].sum()), int(self.counts[:past].sum())
        return TokenSigns(self.bits[start:end], self.counts[first:past])

    @staticmethod
    def join(parts: Sequence[TokenSigns]) -> TokenSigns:
        """Return those of all parts, at least one, in order."""
        return TokenSigns(
            np.concatenate([part.bits for part in parts]),
            np.concatenate([part.counts for part in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class WindowEmbeddings:
    """What an embedder makes of n windows.

    Attributes:
        vectors: float32 (n, dimension), unit rows.
        signs: Of the same windows; None where the embedder or the store goes without.
    """

    vectors: FloatMatrix
    signs: TokenSigns | None = None

    def part(self, first: int, past: int) -> WindowEmbeddings:
        """Return those of the windows first..past - 1."""
        signs = None if self.signs is None else self.signs.part(first, past)
        return WindowEmbeddings(self.vectors[first:past], signs)

    @staticmethod
    def join(parts: Sequence[WindowEmbeddings]) -> WindowEmbeddings:
        """Return those of all parts, at least one, in order; with signs if every part has them."""
        signs = [part.signs for part in parts if part.signs is not None]
        return WindowEmbeddings(
            vectors=np.concatenate([part.vectors for part in parts]),
            signs=TokenSigns.join(signs) if len(signs) == len(parts) else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class QuestionEmbedding:
    """What an embedder makes of a question.

    Attributes:
        vector: float32 (dimension,), unit length.
        tokens: float32 (n_pieces, dimension), a unit vector for each word piece; n may be 0.
        offsets: int64 (n_pieces, 2): the characters that each piece stands for.
    """

    vector: FloatVector
    tokens: FloatMatrix
    offsets: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RerankRequest:
    """What a reranker is given for one question.

    Attributes:
        question: As searched.
        texts: n passages, for models that read: file, title and headings on a line, then the
            passage's own words.
        features: float32 (n, len(FEATURE_NAMES)) of rerank/features.py, for models that weigh; its
            rows belong to `texts`.
    """

    question: str
    texts: Sequence[str]
    features: FloatMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a stretch of a document stands; each part is None or empty where there is none.

    Attributes:
        page, end_page: Pages (or slides) of its first and last character, from 1.
        slide: The same as `page` where that is a slide.
        sheet: Name of the sheet in which it starts.
        rows: Numbers of the first and last row of a table that it stands in or mostly consists of,
            counted from 1 in the source. Where it goes on in another table, those of the first.
        cell: Position of the notebook's cell in which it starts, from 1.
        part_path: Files within the file in which it starts, outermost first.
        heading_path: Headings above its first character, outermost first.
        ocr_confidence: How sure the reading is, in percent, where some of it was read out of a
            picture: that of its least sure stretch.
    """

    page: int | None = None
    end_page: int | None = None
    slide: int | None = None
    sheet: str | None = None
    rows: tuple[int, int] | None = None
    cell: int | None = None
    part_path: tuple[str, ...] = ()
    heading_path: tuple[str, ...] = ()
    ocr_confidence: int | None = None


@dataclass(frozen=True, slots=True)
class SearchResult(Location):
    """A passage that was found, and where it stands.

    Attributes:
        file_id, filename: The file it stands in.
        text: `document.text[start:end]`.
        start, end: Character positions in the document's text.
        score: In [0, 1]; by the default reranker about the share of such passages that answers.
        keyword_share, vector_share: What either search gave to `score`; they add up to it.
        attributes: The file's attributes in its vector store; empty when none.
        chunk: Ordinal of the best chunk of it in its document, from 0.
        also_in: Names of other files that say the same: copies, and those that repeat the passage.
        table_rows: (start, end) in the document's text of what it holds of each row, in order.
        headings: `heading` spans of the document that it shares a character with, in order.
        edges: (start, end) of the lines in it that are repeated at the head or foot of pages.
    """

    file_id: str
    filename: str
    text: str
    start: int
    end: int
    score: float
    keyword_share: float
    vector_share: float
    attributes: Attributes = field(default_factory=dict)
    chunk: int = 0
    also_in: tuple[str, ...] = ()
    table_rows: tuple[tuple[int, int], ...] = ()
    headings: tuple[Span, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()


Stage = Literal["bm25", "dense", "rrf", "hybrid", "rerank"]
"""How far a ranking goes: one search alone, both fused (by rank, or by score), or reranked."""


@dataclass(frozen=True, slots=True)
class RankedFile:
    """A file in a ranking of files; it scores by its best chunk."""

    file_id: str
    filename: str
    score: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that was said earlier in a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Citation(Location):
    """A place in an answer that rests on a passage, and where the passage has it.

    `document.text[start:end] == quote`, always.

    Attributes:
        number: The number shown for it, from 1; the same quote has the same number throughout.
        quote: What supports the cited sentence best.
        page, sheet, rows, ...: Where the quote stands; see Location.
        score: Of the passage it was found in, in [0, 1]; see SearchResult.
        index: Character position in `Answer.plain_text` behind which it stands.
        marker: What stands for it in an OpenAI message, such as `【0:2†source】`.
        support: How far the quote supports the sentence, in [0, 1]; see support.py.
        is_supported: Whether that is enough.
        missing: Numbers and names of the sentence that the passage does not hold.
    """

    number: int
    file_id: str
    filename: str
    start: int
    end: int
    quote: str
    score: float = 0.0
    index: int = 0
    marker: str = ""
    support: float = 1.0
    is_supported: bool = True
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question.

    Attributes:
        question: As asked.
        plain_text: What the model said, markers left out.
        citations: In order of their places.
        is_answered: False when it has no text, or rests on none of the documents searched.
        results: The passages that were considered, best first.
        uncited: Sentences that state a fact and cite nothing, where there were documents to cite.
        dropped_markers: Markers of the model that pointed at no passage.
        model: What answered.
        incomplete_reason: Why it was cut, None for a whole one; see shortfall.py.
    """

    question: str
    plain_text: str
    citations: tuple[Citation, ...] = ()
    is_answered: bool = True
    results: tuple[SearchResult, ...] = ()
    uncited: tuple[str, ...] = ()
    dropped_markers: int = 0
    model: str = "extractive"
    incomplete_reason: IncompleteReason | None = None

    @property
    def text(self) -> str:
        """The text with a number at each citation: `Mugs can go back for 30 days. [1]`."""
        text, done = "", 0
        for index, number in dict.fromkeys((c.index, c.number) for c in self.citations):
            text += self.plain_text[done:index]
            done = index
            text += "" if not text or text[-1].isspace() else " "
            text += f"[{number}]"
        return text + self.plain_text[done:]

    @property
    def sources(self) -> tuple[Citation, ...]:
        """One citation for each number, in order of it."""
        first = {c.number: c for c in reversed(self.citations)}
        return tuple(first[number] for number in sorted(first))

    @property
    def unsupported(self) -> tuple[Citation, ...]:
        """Citations whose passage does not support the sentence that cites it."""
        return tuple(c for c in self.citations if not c.is_supported)
