"""Warm up: what a first search would wait for is there before it, and nothing depends on that."""

from __future__ import annotations

import threading

from filesearch import FileSearch
from filesearch.server.warm_up import WarmUp
from filesearch.testing import HashingEmbedder


class Noted(HashingEmbedder):
    """Tells that it has embedded something."""

    def __init__(self):
        super().__init__()
        self.has_embedded = threading.Event()

    def embed_query(self, text):
        self.has_embedded.set()
        return super().embed_query(text)


def test_the_embedder_is_loaded_before_anybody_searches(serve, tmp_path):
    embedder = Noted()
    serve(fs=FileSearch(tmp_path / "index", embedder=embedder))
    assert embedder.has_embedded.wait(30)


def test_what_cannot_be_loaded_is_said_and_ends_nothing(caplog):
    def load():
        raise OSError("no such model")

    service = WarmUp(load)
    service.start()
    service.stop()
    assert "no such model" in caplog.text


def test_the_end_waits_for_what_is_being_loaded():
    begun, go_on, told = threading.Event(), threading.Event(), []

    def load():
        begun.set()
        assert go_on.wait(30)
        told.append("loaded")

    service = WarmUp(load)
    service.start()
    assert begun.wait(30)
    threading.Timer(0.05, go_on.set).start()
    service.stop()
    assert told == ["loaded"]
