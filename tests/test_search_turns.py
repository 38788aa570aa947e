"""Search turns: one search computes at a time, and questions are embedded meanwhile."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from filesearch.search_turns import SearchTurns
from filesearch.testing import HashingEmbedder


@contextmanager
def searching(turns, question, embedder):
    with turns.search() as search:
        yield turns.embed(search, question, embedder)


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
        with searching(turns, "returns", lambda: noted) as embedded:
            told.append(embedded()[1].vector)

    thread = threading.Thread(target=search)
    with searching(turns, "mugs", HashingEmbedder) as embedded:
        thread.start()
        assert noted.has_embedded.wait(30)
        assert embedded()[1] is not None
        assert not told
    thread.join(30)
    assert told[0].tolist() == noted.embed_query("returns").tolist()


def test_a_search_without_vectors_embeds_nothing():
    with searching(SearchTurns(), "mugs", None) as embedded:
        assert embedded() == (1.0, None)


def test_several_questions_take_turns_and_come_in_order():
    turns, at_once, most = SearchTurns(), [], []

    def search(question):
        with searching(turns, question, None):
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


def test_others_compute_while_a_search_waits_for_its_embedding():
    turns, slow, told = SearchTurns(), Slow(), []

    def search():
        with searching(turns, "returns", lambda: slow) as embedded:
            told.append(embedded()[1].vector)
            told.append(turns._computing.is_taken)

    thread = threading.Thread(target=search)
    thread.start()
    assert slow.has_begun.wait(30)
    with searching(turns, "mugs", None) as embedded:  # would wait for good
        assert embedded() == (1.0, None)
        assert not told
    slow.may_end.set()
    thread.join(30)
    assert told[0].tolist() == slow.embed_query("returns").tolist()
    assert told[1]
    assert not turns._computing.is_taken


def test_an_embedder_may_search_itself():
    turns = SearchTurns()

    class Searching(HashingEmbedder):
        def embed_query(self, text):
            with searching(turns, "mugs", None) as embedded:
                assert embedded() == (1.0, None)
            return super().embed_query(text)

    with searching(turns, "returns", Searching) as embedded:
        assert embedded()[1] is not None
    assert not turns._computing.is_taken


def test_an_embedder_that_fails_gives_the_turn_back():
    turns = SearchTurns()

    class Failing(HashingEmbedder):
        def embed_query(self, text):
            raise OSError(text)

    with (
        pytest.raises(OSError, match="returns"),
        searching(turns, "returns", Failing) as embedded,
    ):
        embedded()
    assert not turns._computing.is_taken
