"""Recent: what was embedded of the last questions, so that asking again costs nothing.

question -> QuestionEmbedding. A question comes back when a search is paged, refined by a filter,
run over several stores, or answered after it was searched. One cache belongs to one embedder, so
that no other model's vectors can come out of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from filesearch.types import QuestionEmbedding

MAX_QUESTIONS = 256
# A question of 12 word pieces takes 20 KB, one of 254 takes 400 KB.
MAX_BYTES = 8 << 20


class RecentQuestions:
    """The embeddings of the questions that were asked last; safe to use from several threads.

    Args:
        max_questions, max_bytes: What is kept, at most; the one not asked for longest goes first.
            A single embedding above `max_bytes` is not kept.
    """

    def __init__(self, *, max_questions: int = MAX_QUESTIONS, max_bytes: int = MAX_BYTES) -> None:
        self._max_questions = max_questions
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        # Both only with `_lock` held.
        self._kept: OrderedDict[str, QuestionEmbedding] = OrderedDict()
        self._bytes = 0

    def get(self, text: str, embed: Callable[[], QuestionEmbedding]) -> QuestionEmbedding:
        """Return the embedding of `text`, made by `embed` where it is not kept.

        Threads that ask for the same new question at once may each make it. The arrays that come
        back are shared and cannot be written to.
        """
        with self._lock:
            found = self._kept.get(text)
            if found is not None:
                self._kept.move_to_end(text)
                return found
        made = embed()
        for array in (made.vector, made.tokens, made.offsets):
            array.flags.writeable = False
        size = _size(text, made)
        with self._lock:
            if text not in self._kept and size <= self._max_bytes:
                self._kept[text] = made
                self._bytes += size
                while self._bytes > self._max_bytes or len(self._kept) > self._max_questions:
                    self._bytes -= _size(*self._kept.popitem(last=False))
        return made


def _size(text: str, made: QuestionEmbedding) -> int:
    return len(text) + made.vector.nbytes + made.tokens.nbytes + made.offsets.nbytes
