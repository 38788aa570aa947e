"""Search turns: one search computes at a time, and questions are embedded meanwhile."""

from __future__ import annotations

import threading

import pytest

from filesearch.search_turns import EMBEDDED_AT_ONCE, SearchTurns
from filesearch.testing import HashingEmbedder


class Noted(HashingEmbedder):
    """Tells when it has embedded a question."""

    def __init__(self):
        super().__init__()
        self.has_embedded = threading.Event()

    def embed_query(self, text):
        vector = super().embed_query(text)
        self.has_embedded.set()
        return vector


def test_a_question_is_embedded_while_another_search_computes():
    turns, noted, told = SearchTurns(), Noted(), []

    def search():
        with turns.searching("returns", lambda: noted) as embedded:
            told.append(embedded[1].vector)

    thread = threading.Thread(target=search)
    with turns.searching("mugs", HashingEmbedder) as embedded:
        thread.start()
        assert noted.has_embedded.wait(30)
        assert embedded[1] is not None
        assert not told
    thread.join(30)
    assert told[0].tolist() == noted.embed_query("returns").tolist()


def test_a_search_without_vectors_embeds_nothing():
    with SearchTurns().searching("mugs", None) as embedded:
        assert embedded == (1.0, None)


def test_several_questions_take_turns_and_come_in_order():
    turns, at_once, most = SearchTurns(), [], []

    def search(question):
        with turns.searching(question, None):
            at_once.append(question)
            most.append(len(at_once))
            at_once.clear()
        return question.upper()

    assert turns.map(search, "abcdefgh") == list("ABCDEFGH")
    assert max(most) == 1


class Slow(HashingEmbedder):
    """Embeds a question when it is told to."""

    def __init__(self):
        super().__init__()
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def embed_query(self, text):
        self.has_begun.set()
        assert self.may_end.wait(30)
        return super().embed_query(text)


def test_others_compute_while_searches_wait_for_their_embeddings():
    turns, told = SearchTurns(), []
    waiting = [Slow() for _ in range(EMBEDDED_AT_ONCE)]

    def search(slow):
        with turns.searching("returns", lambda: slow) as embedded:
            told.append(embedded[1].vector.tolist())
            assert turns._computing._free == 0

    threads = [threading.Thread(target=search, args=[slow]) for slow in waiting]
    for thread, slow in zip(threads, waiting, strict=True):
        thread.start()
        assert slow.has_begun.wait(30)
    with turns.searching("mugs", None) as embedded:  # would wait for good
        assert embedded == (1.0, None)
        assert not told
    for thread, slow in zip(threads, waiting, strict=True):
        slow.may_end.set()
        thread.join(30)
    assert told == [HashingEmbedder().embed_query("returns").tolist()] * len(waiting)
    assert turns._computing._free == 1


def test_so_many_questions_are_embedded_at_once_and_no_more():
    turns = SearchTurns()
    waiting = [Slow() for _ in range(EMBEDDED_AT_ONCE + 1)]

    def search(slow):
        with turns.searching("returns", lambda: slow):
            pass

    threads = [threading.Thread(target=search, args=[slow]) for slow in waiting]
    for thread, slow in zip(threads[:-1], waiting, strict=False):
        thread.start()
        assert slow.has_begun.wait(30)
    threads[-1].start()
    assert not waiting[-1].has_begun.wait(0.05)
    waiting[0].may_end.set()
    assert waiting[-1].has_begun.wait(30)
    for thread, slow in zip(threads, waiting, strict=True):
        slow.may_end.set()
        thread.join(30)


def test_an_embedder_may_search_by_words_itself():
    turns = SearchTurns()

    class Searching(HashingEmbedder):
        def embed_query(self, text):
            with turns.searching("mugs", None) as embedded:
                assert embedded == (1.0, None)
            return super().embed_query(text)

    with turns.searching("returns", Searching) as embedded:
        assert embedded[1] is not None
    assert turns._computing._free == 1


def test_an_embedder_that_fails_gives_the_turn_back():
    turns = SearchTurns()

    class Failing(HashingEmbedder):
        def embed_query(self, text):
            raise OSError(text)

    with (
        pytest.raises(OSError, match="returns"),
        turns.searching("returns", Failing),
    ):
        pytest.fail("there is nothing to search with")
    assert turns._computing._free == 1
