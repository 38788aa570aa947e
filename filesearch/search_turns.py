"""Search turns: which of many searches computes, and who embeds its question.

Python runs one thread at a time, and every call of numpy lets go of it and waits to get it back.
Two searches at once lose by that what a second core gives: of 16 clients of a server with 300
files, on 2 cores, one search at a time had 103 to 113 answered a second, two at a time 95, and
each cost 10.0 ms of processor in place of 12.5. On 69,000 windows both answered 62. What runs
without the interpreter for long is embedding a question, so that is done before a search has its
turn, while another one computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from filesearch.candidates import Embedded, embed_question
from filesearch.forked import tell_in_child
from filesearch.protocols import Embedder
from filesearch.turns import Turns

# Questions that are embedded at once. More than there are cores, as a model behind a server takes
# its time without any of them; not as many as there are clients, for each takes memory.
EMBEDDED_AT_ONCE = 8

_Asked = TypeVar("_Asked")
_Result = TypeVar("_Result")


class SearchTurns:
    """Lets the searches of one retriever compute one after another; safe to use from threads.

    Its threads end when nobody has it any more.
    """

    def __init__(self) -> None:
        self.begin_anew()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Have threads of its own, in a forked child as well; see forked.py."""
        self._computing = Turns(1)
        self._embedding = Turns(EMBEDDED_AT_ONCE)
        self._query_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="filesearch-query")

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for a turn."""
        return self._computing.is_wanted

    @contextmanager
    def searching(
        self, question: str, embedder: Callable[[], Embedder] | None
    ) -> Iterator[Embedded]:
        """Embed a question, wait for a turn, and have it for the block; gives the embedding.

        Args:
            question, embedder: See candidates.embed_question. An embedder may search by these
                turns itself, but not with vectors: it would wait for a place among those at once.
        """
        with self._embedding.turn() if embedder else nullcontext():
            embedded = embed_question(question, embedder)
        with self._computing.turn():
            yield embedded

    def going_on(self) -> AbstractContextManager[None]:
        """Return what waits for another turn, before those who have not begun; see Turns.turn."""
        return self._computing.turn(goes_on=True)

    def map(self, search: Callable[[_Asked], _Result], asked: Iterable[_Asked]) -> list[_Result]:
        """Return what `search`, which waits for its turn, gives for several questions."""
        return list(self._query_pool.map(search, asked))
