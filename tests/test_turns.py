"""Turns: never more than so many at once, in the order in which they came."""

from __future__ import annotations

import threading
import time

import pytest

from filesearch import turns as turns_module
from filesearch.turns import Turns


def start(turns, told, name, **how):
    """Start a thread that notes its name once it has a turn; returns it once it stands in line."""
    before = len(turns._line)

    def work():
        with turns.turn(**how):
            told.append(name)

    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 30
    while len(turns._line) == before and time.monotonic() < until:
        time.sleep(0.001)
    assert len(turns._line) == before + 1
    return thread


def test_who_came_first_is_first_and_what_is_begun_goes_before():
    turns, told = Turns(1), []
    with turns.turn():
        threads = [start(turns, told, name) for name in "abc"]
        threads.append(start(turns, told, "begun", goes_on=True))
    for thread in threads:
        thread.join(30)
    assert told == ["begun", "a", "b", "c"]


def test_never_more_than_so_many_have_a_turn():
    turns, at_once, most = Turns(3), [], []

    def work():
        for _ in range(50):
            with turns.turn():
                at_once.append(1)
                most.append(len(at_once))
                time.sleep(0)
                at_once.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(most) == 400
    assert 1 <= max(most) <= 3
    assert (turns._free, len(turns._line)) == (3, 0)


def test_an_error_gives_the_turn_back():
    turns = Turns(1)
    with pytest.raises(ValueError, match="broken"), turns.turn():
        raise ValueError("broken")
    with turns.turn():
        assert turns._free == 0
    assert turns._free == 1


def test_who_is_interrupted_while_waiting_leaves_the_line(monkeypatch):
    class Interrupted:
        """A lock that is interrupted when it is waited for."""

        def __init__(self):
            self.is_taken = False

        def acquire(self):
            if self.is_taken:
                raise KeyboardInterrupt
            self.is_taken = True

    turns, told = Turns(1), []
    with turns.turn():
        with monkeypatch.context() as patch:
            patch.setattr(turns_module.threading, "Lock", Interrupted)
            with pytest.raises(KeyboardInterrupt), turns.turn():
                pass
        thread = start(turns, told, "next")
    thread.join(30)
    assert told == ["next"]
    assert (turns._free, len(turns._line)) == (1, 0)
