"""Answer reader: does a passage answer a question, and with which words?

question + passages -> word pieces -> ONNX session, a passage at a time -> Readings. The model is
the bundled embedder's, trained further on questions that a passage answers and such that it only
seems to (scripts/train_reader.py); it lies beside the embedder, whose word table it shares. English
only. Tokenizer and session are loaded when first used (about 30 ms each); reading 150 word pieces
takes 9 ms of one core with AVX-512.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from filesearch.cores import usable_cores
from filesearch.digests import file_sha256
from filesearch.errors import InvalidSetting
from filesearch.onnx_session import open_session
from filesearch.types import IntArray
from filesearch.work_sharing import share_out

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Encoding, Tokenizer

# Word pieces that are read of each part; with four marks, no more than the model can read.
MAX_QUESTION, MAX_CONTEXT, MAX_PASSAGE = 64, 16, 250
# Word pieces of an answer at most.
MAX_ANSWER = 20
CARD = "reader.json"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is read of a passage.

    Attributes:
        text: At most `MAX_PASSAGE` word pieces; what is behind those is not read.
        context: What it is about: its file's name and headings.
    """

    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in an excerpt.

    Attributes:
        span: Logit of the best span of words, above that of there being none.
        judged: Logit of the excerpt answering the question.
        start, end: Characters of the best span in the excerpt's text.
    """

    span: float
    judged: float
    start: int
    end: int

    @property
    def belief(self) -> float:
        """How far the span is taken for an answer, in (0, 1): both logits in equal parts."""
        return float(1 / (1 + np.exp(-(self.span / 4 + self.judged / 2))))


class AnswerReader:
    """Reads with `reader.onnx` and `tokenizer.json` of one folder. Safe to use from threads.

    Args:
        directory: The folder; the bundled one when None.
    """

    def __init__(self, directory: Path | None = None) -> None:
        bundled = resources.files("filesearch") / "data" / "all-MiniLM-L6-v2"
        self._directory = directory or Path(str(bundled))

    @cached_property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of what it can read."""
        return frozenset(self._card["languages"])

    def read(self, question: str, excerpts: Sequence[Excerpt]) -> list[Reading]:
        """Return what each excerpt says of the question, in their order.

        Excerpts run side by side on the usable cores, each alone, so that none depends on another.
        """
        asked = self._cut(question, MAX_QUESTION)
        found: dict[int, Reading] = {}

        def read(number: int) -> None:
            found[number] = self._read(asked, excerpts[number])

        # Opened here, not by two threads at once.
        _ = self._session
        share_out(read, range(len(excerpts)), usable_cores())
        return [found[number] for number in range(len(excerpts))]

    def piece_starts(self, text: str) -> IntArray:
        """Return where each word piece of a text begins: int64 (n,), characters, ascending."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return np.array([start for start, _ in offsets], np.int64)

    def has_word(self, word: str) -> bool:
        """Return whether its word table holds `word` whole, in any case."""
        return self._tokenizer.token_to_id(word.lower()) is not None

    def verify(self) -> None:
        """Compare the files with the digests on the card; takes about 20 ms.

        Raises:
            InvalidSetting: A file is missing or was altered.
        """
        for name, expected in self._card["sha256"].items():
            path = self._directory / name
            if not path.is_file() or file_sha256(path) != expected:
                raise _damaged(f"'{path}' is missing or not what its card says")

    def _read(self, asked: list[int], excerpt: Excerpt) -> Reading:
        context = self._cut(excerpt.context, MAX_CONTEXT)
        passage = self._tokenizer.encode(excerpt.text, add_special_tokens=False)
        cls, sep = self._marks
        ids = [cls, *asked, sep]
        first_type = len(ids)
        if context:
            ids += [*context, sep]
        first = len(ids)
        ids += passage.ids[:MAX_PASSAGE]
        past = len(ids)
        ids.append(sep)
        types = np.zeros((1, len(ids)), np.int64)
        types[0, first_type:] = 1
        feed = {"input_ids": np.array([ids], np.int64), "token_type_ids": types}
        spans, judged = self._session.run(["span", "judged"], feed)
        span, start, end = _best_span(spans[0], first, past)
        return Reading(span, float(judged.item()), *_characters(passage, start, end))

    def _cut(self, text: str, most: int) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids[:most]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """Its settings never change after this: threads share it."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._directory / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # "[SEP]" in a question or a document is text, and no mark.
        tokenizer.encode_special_tokens = True
        return tokenizer

    @cached_property
    def _card(self) -> dict[str, Any]:
        try:
            card: dict[str, Any] = json.loads((self._directory / CARD).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(f"'{self._directory / CARD}' cannot be read ({error})") from error
        return card

    @cached_property
    def _marks(self) -> tuple[int, int]:
        """[CLS] and [SEP]."""
        cls, sep = self._tokenizer.encode("").ids
        return cls, sep

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        """Runs in the calling thread, as many at once as there are."""
        try:
            return open_session(self._directory / "reader.onnx", is_fused=True, threads=1)
        # onnxruntime has a class for every reason, and no common one.
        except Exception as error:
            raise _damaged(f"the answer reader cannot be opened ({error})") from error


@lru_cache(maxsize=1)
def packaged_reader() -> AnswerReader:
    """Return the reader that comes with the package."""
    return AnswerReader()


def _damaged(what: str) -> InvalidSetting:
    return InvalidSetting(f"{what}; run: pip install --force-reinstall filesearch")


def _best_span(logits: npt.NDArray[np.float32], first: int, past: int) -> tuple[float, int, int]:
    """Return the best span's logit above none's, and its first and last piece in the passage.

    Args:
        logits: float32 (pieces, 2), of starts and ends; the first piece stands for no answer.
        first, past: Where the passage is among the pieces.
    """
    none = float(logits[0].sum())
    count = past - first
    if count == 0:
        return -np.inf, 0, -1
    sums = logits[first:past, 0, None] + logits[None, first:past, 1]
    allowed = np.tri(count, k=MAX_ANSWER - 1, dtype=np.bool_) & ~np.tri(count, k=-1, dtype=np.bool_)
    at = int(np.where(allowed, sums, -np.inf).argmax())
    start, end = divmod(at, count)
    return float(sums[start, end]) - none, start, end


def _characters(passage: Encoding, start: int, end: int) -> tuple[int, int]:
    if end < start:
        return 0, 0
    return passage.offsets[start][0], passage.offsets[end][1]
