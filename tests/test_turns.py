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
        with turns.errand() as errand:
            errand.take(**how)
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


def test_an_errand_keeps_its_turn_until_it_gives_it_back():
    turns, told = Turns(1), []
    with turns.errand() as errand:
        errand.take()
        threads = [start(turns, told, name) for name in "ab"]
        errand.take()  # has it
        assert told == []
        errand.give_back()
        errand.give_back()
        threads[0].join(30)
        assert told[0] == "a"
        errand.take()
        threads.append(start(turns, told, "c"))
        told.append("errand")
    for thread in threads:
        thread.join(30)
    assert told[-1] == "c"
    assert sorted(told) == ["a", "b", "c", "errand"]
    assert (turns._free, len(turns._line)) == (1, 0)


def test_an_errand_that_has_begun_goes_before_those_who_have_not():
    turns, told = Turns(1), []

    def work():
        with turns.errand() as errand:
            errand.take()
            errand.give_back()
            begun.set()
            assert go_on.wait(30)
            errand.take()
            told.append("begun")

    begun, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    with turns.turn():
        threads = [start(turns, told, name) for name in "ab"]
        before = len(turns._line)
        go_on.set()
        until = time.monotonic() + 30
        while len(turns._line) == before and time.monotonic() < until:
            time.sleep(0.001)
    for one in [thread, *threads]:
        one.join(30)
    assert told == ["begun", "a", "b"]


def test_an_error_within_an_errand_gives_its_turn_back():
    turns = Turns(1)

    def fail():
        with turns.errand() as errand:
            errand.take()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert turns._free == 1
