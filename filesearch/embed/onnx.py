"""Embed with onnxruntime: the bundled all-MiniLM-L6-v2, or a folder made like it.

texts -> word pieces -> ONNX session, a text at a time -> float32 unit vectors.

A text runs alone, on one thread, and others run beside it: its vector depends on nothing but
itself, nothing is padded, and no core waits for another. Opening reads the card only; tokenizer and
session are loaded when first used (about 30 ms each); weights are mapped where they have a file of
their own, as those of the bundled model. How that is made, what quantising it costs and what
running texts alone brings: scripts/export_model.py.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from filesearch.cores import usable_cores
from filesearch.digests import file_sha256
from filesearch.embed.card import MODEL_FILE, TOKENIZER_FILE, read_card
from filesearch.embed.pieces import Bert, know_bert, piece_offsets, read_pieces
from filesearch.embed.recent import RecentQuestions
from filesearch.embed.threads import (
    Arrangement,
    Trial,
    choice_file,
    describe_machine,
    recall,
    remember,
    usual,
)
from filesearch.errors import InvalidSetting
from filesearch.forked import tell_in_child
from filesearch.onnx_session import leave_to_parent, open_session
from filesearch.pieces import Pieces, WindowText
from filesearch.signs import join_signs, token_signs
from filesearch.types import (
    BitMatrix,
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    WindowEmbeddings,
)
from filesearch.work_sharing import share_out

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

_SPECIAL_TOKENS = 2  # [CLS] and [SEP]
_VECTORS, _TOKENS = "sentence_embedding", "token_embeddings"  # outputs of the model

# Texts tokenised and sorted together: 20 KB each while they wait, so 20 MB.
_SLAB_TEXTS = 1024
# Fewer word pieces are done (in 40 ms of one core) before other threads would be of much help.
SHARED_PIECES = 256

_Keep: TypeAlias = Callable[[int, int, list[FloatMatrix]], None]
"""Takes the row of a text, how many tokens it has, and the outputs of its run."""


class OnnxEmbedder:
    """An Embedder over `model.onnx`, `tokenizer.json` and `card.json` of one folder.

    Safe to use from several threads at once. A text always gives the same vector, whatever it is
    embedded with and by however many threads. A question runs in the calling thread at once,
    whatever is being embedded beside it; the last ones are remembered.

    Args:
        directory: The folder; the bundled model when None.
        threads: Texts embedded at once by one call. 0 means what was measured to be best on this
            machine (see threads.py), and one for each usable core before that.

    Raises:
        InvalidSetting: A file is missing, or the card is not one.
    """

    def __init__(self, directory: Path | None = None, *, threads: int = 0) -> None:
        bundled = resources.files("filesearch") / "data" / "all-MiniLM-L6-v2"
        self._directory = directory or Path(str(bundled))
        self._card = read_card(self._directory)
        self._cores = threads or usable_cores()
        # Set once it is known; nothing is measured where it was said.
        self._arrangement = Arrangement(threads) if threads else None
        self._trial: Trial | None = None
        self.begin_anew()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Make what threads share; in a forked child without those of its parent, see forked.py."""
        self._loading = threading.Lock()
        self._trying = threading.Lock()
        self._recent = RecentQuestions()
        wide = self.__dict__.pop("_wide_session", None)
        if wide is not None:
            leave_to_parent(wide)

    @property
    def name(self) -> str:
        """As the card says, such as "all-MiniLM-L6-v2"."""
        return str(self._card["name"])

    @cached_property
    def fingerprint(self) -> str:
        """Name and the first 16 hex digits of a SHA-256 over what the card says of the files.

        A model that makes the vectors of an earlier one has its fingerprint: the card says so in
        `vectors_of`. The files themselves are not read; `verify` does.
        """
        digests = dict(self._card["sha256"])
        tokenizer = digests.pop(TOKENIZER_FILE)
        model = self._card.get("vectors_of") or " ".join(digests[name] for name in sorted(digests))
        parts = [model, tokenizer, str(self.dimension), str(self.max_tokens)]
        return f"{self.name}@{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._card["dimension"])

    @property
    def max_tokens(self) -> int:
        """Word pieces the model reads of one text, [CLS] and [SEP] not counted."""
        return int(self._card["max_tokens"])

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes the model was trained for; empty means any."""
        return frozenset(self._card["languages"])

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word piece of `text` stands in it, as `piece_offsets` does.

        Offsets are characters of `text` as given, though the model reads it lower-cased and
        without accents.

        Returns:
            int64, shape (n_pieces, 2); never truncated.
        """
        return piece_offsets(self._offset_tokenizer, text)

    def read_pieces(self, text: str) -> Pieces:
        """Return the offsets of `token_offsets`; for a model of BERT's kind the ids as well."""
        return read_pieces(self._offset_tokenizer, text, self._bert)

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text, in the order given.

        Texts longer than `max_tokens` are cut. An empty text gives a unit vector like any other.

        Returns:
            float32, shape (len(texts), dimension), C-contiguous.
        """
        vectors = np.empty((len(texts), self.dimension), np.float32)

        def keep(row: int, _length: int, found: list[FloatMatrix]) -> None:
            vectors[row] = found[0][0]

        self._embed_all([WindowText(text) for text in texts], [_VECTORS], keep)
        return vectors

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a question: float32, shape (dimension,); it is read-only."""
        return self.embed_question(text).vector

    def embed_windows(self, texts: Sequence[str]) -> WindowEmbeddings:
        """Return the vectors of `embed_texts` and the token signs of the same texts."""
        return self.embed_pieces([WindowText(text) for text in texts])

    def embed_pieces(
        self, windows: Sequence[WindowText], *, has_signs: bool = True
    ) -> WindowEmbeddings:
        """Return the vectors of windows and, if wanted, their token signs.

        This is how much text is embedded, so it is here that thread settings are measured.
        """
        vectors = np.empty((len(windows), self.dimension), np.float32)
        signs: list[BitMatrix] = [np.empty((0, self.dimension // 8), np.uint8)] * len(windows)

        def keep(row: int, length: int, found: list[FloatMatrix]) -> None:
            vectors[row] = found[0][0]
            if has_signs:
                [signs[row]] = token_signs(found[1], np.array([length], np.int64))

        outputs = [_VECTORS, _TOKENS] if has_signs else [_VECTORS]
        self._embed_all(windows, outputs, keep, may_measure=True)
        return WindowEmbeddings(vectors, join_signs(signs, self.dimension) if has_signs else None)

    def embed_question(self, text: str) -> QuestionEmbedding:
        """Return the vector of `embed_query` and those of the word pieces; they are read-only."""
        return self._recent.get(text, lambda: self._embed_question(text))

    def _embed_question(self, text: str) -> QuestionEmbedding:
        [encoding] = self._tokenizer.encode_batch([text])
        ids = np.array(encoding.ids, np.int64)
        vectors, tokens = self._run(self._session, ids, [_VECTORS, _TOKENS])
        pieces = tokens[0, 1:-1]
        return QuestionEmbedding(
            vector=vectors[0],
            tokens=pieces / np.linalg.norm(pieces, axis=1, keepdims=True),
            offsets=np.array(encoding.offsets[1:-1], np.int64).reshape(-1, 2),
        )

    def verify(self) -> None:
        """Compare the files with the digests on the card; takes about 20 ms.

        Raises:
            InvalidSetting: A file was altered.
        """
        for file, expected in self._card["sha256"].items():
            digest = file_sha256(self._directory / file)
            if digest != expected:
                raise InvalidSetting(
                    f"'{self._directory / file}' has SHA-256 {digest}, its card says {expected}; "
                    f"reinstall filesearch, or export the model again: scripts/export_model.py"
                )

    def _embed_all(
        self,
        windows: Sequence[WindowText],
        outputs: list[str],
        keep: _Keep,
        *,
        may_measure: bool = False,
    ) -> None:
        """Run every text and hand the outputs to `keep`, in any order, from several threads."""
        for start in range(0, len(windows), _SLAB_TEXTS):
            inputs = self._inputs(windows[start : start + _SLAB_TEXTS])
            lengths = np.array([len(ids) for ids in inputs], np.int64)
            # Longest first: what is left for the last thread to finish is short.
            order = np.argsort(-lengths, kind="stable").tolist()

            def run(session: onnxruntime.InferenceSession, row: int) -> None:
                found = self._run(session, inputs[row], outputs)  # noqa: B023
                keep(start + row, len(inputs[row]), found)  # noqa: B023

            self._share_out(run, order, lengths, may_measure)

    def _share_out(
        self,
        run: Callable[[onnxruntime.InferenceSession, int], None],
        order: list[int],
        lengths: IntArray,
        may_measure: bool,
    ) -> None:
        """Run rows as this machine does it best; find out how, where that may be and is unknown."""
        pieces = int(lengths.sum())
        if pieces < SHARED_PIECES or self._cores == 1:
            self._run_rows(run, order, Arrangement(1))
            return
        if may_measure and self._arrangement is None and self._trying.acquire(blocking=False):
            try:
                trial = self._open_trial()
                if trial is not None and pieces >= trial.min_pieces:
                    self._measure(trial, run, order, lengths)
                    return
            finally:
                self._trying.release()
        self._run_rows(run, order, self._arrangement or usual(self._cores))

    def _run_rows(
        self,
        run: Callable[[onnxruntime.InferenceSession, int], None],
        rows: Sequence[int],
        arrangement: Arrangement,
    ) -> None:
        session = self._wide_session if arrangement.threads > 1 else self._session
        share_out(lambda row: run(session, row), rows, arrangement.runs)

    def _open_trial(self) -> Trial | None:
        """Return what is being tried; None where it is known what is best."""
        if self._trial is None:
            known = recall(choice_file(), self._machine, self._cores)
            if known is not None:
                self._arrangement = known
                return None
            self._trial = Trial(self._cores)
        return self._trial

    def _measure(
        self,
        trial: Trial,
        run: Callable[[onnxruntime.InferenceSession, int], None],
        order: list[int],
        lengths: IntArray,
    ) -> None:
        """Run rows, an equal share of long and short ones in each way, and note what that took."""
        for number, choice in enumerate(trial.choices):
            rows = order[number :: len(trial.choices)]
            if choice.threads > 1:
                _ = self._wide_session  # opening it is no part of what is measured
            started = time.perf_counter()
            self._run_rows(run, rows, choice)
            seconds = time.perf_counter() - started
            trial.note(choice, pieces=int(lengths[rows].sum()), seconds=seconds)
        if trial.is_over:
            self._arrangement, self._trial = remember(choice_file(), self._machine, trial), None
            if self._arrangement.threads == 1:
                self.__dict__.pop("_wide_session", None)

    @cached_property
    def _machine(self) -> str:
        return describe_machine(self._card["sha256"][MODEL_FILE][:16], self._cores)

    def _inputs(self, windows: Sequence[WindowText]) -> list[IntArray]:
        """Return the word pieces of each window, the special one at either end included."""
        unread = [window.text for window in windows if window.ids is None]
        read = iter(self._tokenizer.encode_batch_fast(unread) if unread else ())
        return [
            np.array(next(read).ids, np.int64)
            if window.ids is None
            else self._between_special(window.ids[: self.max_tokens])
            for window in windows
        ]

    def _between_special(self, ids: IntArray) -> IntArray:
        first, last = self._special_ids
        return np.concatenate([first, ids, last])

    def _run(
        self, session: onnxruntime.InferenceSession, ids: IntArray, outputs: list[str]
    ) -> list[FloatMatrix]:
        """Return the named outputs for one text, one row each.

        Args:
            session: Of this model.
            ids: int64, shape (n,): as `_inputs` returns them.
            outputs: Their names.
        """
        feed = {"input_ids": ids[np.newaxis]}
        if self._takes_mask:
            feed["attention_mask"] = np.ones_like(feed["input_ids"])
        found: list[FloatMatrix] = session.run(outputs, feed)
        return found

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """Cuts at `max_tokens`. Its settings never change after this: threads share it."""
        tokenizer = self._load_tokenizer()
        tokenizer.enable_truncation(self.max_tokens + _SPECIAL_TOKENS)
        return tokenizer

    @cached_property
    def _offset_tokenizer(self) -> Tokenizer:
        tokenizer = self._load_tokenizer()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _bert(self) -> Bert | None:
        return know_bert(self._offset_tokenizer)

    @cached_property
    def _special_ids(self) -> tuple[IntArray, IntArray]:
        """What stands before and behind every text: int64, shape (1,) each."""
        ids = np.array(self._offset_tokenizer.encode("").ids, np.int64)
        return ids[:1], ids[1:]

    def _load_tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._directory / TOKENIZER_FILE))
        tokenizer.no_padding()
        return tokenizer

    @property
    def _session(self) -> onnxruntime.InferenceSession:
        """Runs in the calling thread, as many at once as there are."""
        with self._loading:
            return self._loaded_session

    @cached_property
    def _loaded_session(self) -> onnxruntime.InferenceSession:
        return open_session(self._directory / MODEL_FILE, is_fused=True, threads=1)

    @cached_property
    def _wide_session(self) -> onnxruntime.InferenceSession:
        """Runs one text with every core; opened where that is tried, kept where it is best."""
        return open_session(self._directory / MODEL_FILE, is_fused=True, threads=self._cores)

    @cached_property
    def _takes_mask(self) -> bool:
        """Whether the model wants to be told that nothing is padding: older exports do."""
        return len(self._session.get_inputs()) > 1
