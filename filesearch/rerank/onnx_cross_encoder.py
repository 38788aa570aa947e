"""Rerank with onnxruntime: any cross-encoder that was exported to ONNX.

question and texts -> pairs of word pieces -> batches of like length -> session -> probabilities.

Opening reads no model; tokenizer and session are loaded when first used. No torch.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from filesearch.errors import InvalidSetting
from filesearch.forked import tell_in_child
from filesearch.onnx_session import batches, leave_to_parent, open_session
from filesearch.rerank.logits import probabilities
from filesearch.rerank.model_folder import ModelFolder, fetch_folder, open_folder
from filesearch.types import FloatVector, RerankRequest

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Encoding, Tokenizer

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class OnnxCrossEncoder:
    """A Reranker over an exported cross-encoder. Safe to use from several threads at once.

    A pair that is longer than the model reads (512 tokens at most) loses the end of its passage;
    a question may take half of the room. An int8 model scores a passage slightly differently
    beside other passages, because it quantises activations with one scale for the whole batch.

    Args:
        model: A folder (see model_folder.py), or a name on the Hugging Face hub, which is
            downloaded at the first question.
        max_candidates: How many passages it is worth giving it for one question.

    Raises:
        InvalidSetting: Neither a folder nor a name; a file is missing. At the first question:
            the model cannot be downloaded, loaded or run.
    """

    def __init__(self, model: str, *, max_candidates: int = 50) -> None:
        self._model_name = model
        self.begin_anew()
        tell_in_child(self)
        self.max_candidates = max_candidates
        if Path(model).is_dir():
            self._folder = open_folder(Path(model))  # fills the cached property
        elif not _HUB_NAME.fullmatch(model):
            raise InvalidSetting(
                f"reranker 'onnx:{model}' is neither a folder nor a name on the Hugging Face hub; "
                "give the folder of an exported model, or a name such as "
                "onnx:cross-encoder/ms-marco-MiniLM-L6-v2"
            )

    def begin_anew(self) -> None:
        """Open the model anew in a forked child; see forked.py."""
        self._loading = threading.Lock()
        session = self.__dict__.pop("_session", None)
        if session is not None:
            leave_to_parent(session)

    @property
    def name(self) -> str:
        """The last part of the model's name or folder."""
        return Path(self._model_name).name

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return the probability that each passage answers: float32 (n,), in [0, 1].

        Raises:
            InvalidSetting: The model cannot be downloaded, loaded or run, or is no reranker.
            RerankFailed: The model gives NaN.
        """
        scores = np.empty(len(request.texts), np.float32)
        if not request.texts:
            return scores
        with self._loading:
            tokenizer, session = self._tokenizer, self._session
        pairs = self._encode(tokenizer, request)
        for rows in batches(np.array([len(pair) for pair in pairs])):
            scores[rows] = self._run(session, [pairs[row] for row in rows])
        return scores

    def _encode(self, tokenizer: Tokenizer, request: RerankRequest) -> list[Encoding]:
        """Return the pairs as the model reads them, cut to its length."""
        room = self._folder.max_length - tokenizer.num_special_tokens_to_add(is_pair=True)
        [question] = _encode_within(tokenizer, [request.question], max_tokens=room // 2)
        texts = _encode_within(tokenizer, request.texts, max_tokens=room - len(question))
        return [tokenizer.post_process(question, text) for text in texts]

    def _run(self, session: onnxruntime.InferenceSession, pairs: Sequence[Encoding]) -> FloatVector:
        """Return the scores of some pairs, shape (len(pairs),)."""
        shape = len(pairs), max(len(pair) for pair in pairs)
        ids = np.full(shape, self._folder.pad_id, np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, pair in enumerate(pairs):
            ids[row, : len(pair)] = pair.ids
            mask[row, : len(pair)] = 1
            types[row, : len(pair)] = pair.type_ids
        columns = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        feed = {i.name: columns[i.name].astype(_TYPES[i.type]) for i in session.get_inputs()}
        names = [output.name for output in session.get_outputs()]
        try:
            [logits] = session.run(["logits" if "logits" in names else names[0]], feed)
        # onnxruntime has a class for every reason, and no common one.
        except Exception as error:
            raise InvalidSetting(
                f"model '{self._model_name}' cannot be run on {shape[0]} pairs of {shape[1]} "
                f"tokens: {error}; export it with dynamic axes"
            ) from error
        return probabilities(logits, count=len(pairs), model=self._model_name)

    @cached_property
    def _folder(self) -> ModelFolder:
        return open_folder(fetch_folder(self._model_name))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """Its settings never change after this: threads share it."""
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(self._folder.tokenizer))
        # The library raises nothing narrower.
        except Exception as error:
            raise InvalidSetting(
                f"'{self._folder.tokenizer}' cannot be read: {error}; export the model again"
            ) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        graph = self._folder.graph
        try:
            session = open_session(graph, is_fused=False)
        # onnxruntime has a class for every reason, and no common one.
        except Exception as error:
            raise InvalidSetting(
                f"'{graph}' cannot be loaded: {error}; export the model again"
            ) from error
        inputs = {i.name: i.type for i in session.get_inputs()}
        if not inputs.keys() <= _INPUTS or not set(inputs.values()) <= _TYPES.keys():
            raise InvalidSetting(
                f"'{graph}' takes {inputs}; a cross-encoder takes {', '.join(sorted(_INPUTS))} as "
                "integers; choose another model"
            )
        return session


def _encode_within(
    tokenizer: Tokenizer, texts: Sequence[str], *, max_tokens: int
) -> list[Encoding]:
    """Encode without special tokens, the end of long texts cut off.

    The tokenizer's own truncation refuses a question that leaves no room, and keeps what it cuts
    off: each piece of a long question is then paired with each piece of a long passage.
    """
    encodings: list[Encoding] = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    for row, text in enumerate(texts):
        kept = text
        # Again, because the last word may fall into more pieces when it is cut.
        while len(encodings[row]) > max_tokens:
            kept = kept[: encodings[row].offsets[max_tokens][0]]
            encodings[row] = tokenizer.encode(kept, add_special_tokens=False)
    return encodings
