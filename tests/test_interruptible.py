import sys
import threading
import time

import pytest

from filesearch.interruptible import _AHEAD, Interrupted, call_all, interruptible


class Silent:
    """Says nothing until it is closed, from whichever thread."""

    def __init__(self):
        self.closed = threading.Event()
        self.ended = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        self.closed.wait(60)
        self.ended.set()
        raise StopIteration

    def close(self):
        self.closed.set()


def test_what_is_said_comes_through_with_its_error():
    def items():
        yield 1
        yield 2
        raise ValueError("broken")

    seen = []
    with pytest.raises(ValueError, match="broken"):
        seen.extend(interruptible(items(), threading.Event()))
    assert list(interruptible(iter([1, 2]), threading.Event())) == [1, 2]


def test_a_silent_iterator_is_closed_at_once_when_it_is_not_wanted_any_more():
    silent, stop = Silent(), threading.Event()
    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        list(interruptible(silent, stop))
    assert silent.ended.wait(30)
    assert time.monotonic() - started < 25  # it would be silent for a minute


def test_a_generator_that_is_busy_is_closed_when_it_next_moves():
    stop, moved, closed = threading.Event(), threading.Event(), threading.Event()

    def items():
        try:
            yield 1
            moved.wait(60)
            yield 2
        finally:
            closed.set()

    said = interruptible(items(), stop)
    assert next(said) == 1
    stop.set()
    with pytest.raises(Interrupted):
        next(said)
    moved.set()
    assert closed.wait(30)


def test_a_generator_that_is_slow_to_close_is_closed_once_and_without_a_word():
    """The reader, held up because nobody takes, wants to close it while it is being closed."""
    closed, said = [], []

    def items():
        try:
            while True:
                said.append(1)
                yield 1
        finally:
            time.sleep(0.3)
            closed.append(True)

    before = set(threading.enumerate())
    read = interruptible(items(), threading.Event())
    assert next(read) == 1
    deadline = time.monotonic() + 30
    while len(said) < _AHEAD + 2:  # until as much is read ahead as may be
        assert time.monotonic() < deadline
        time.sleep(0.01)
    read.close()
    for reader in set(threading.enumerate()) - before:
        reader.join(30)  # an error of it would fail the test
    assert closed == [True]


def test_calls_give_what_they_return_in_their_order_a_few_at_once():
    met = threading.Barrier(3)

    def call(number):
        met.wait(30)  # nobody comes back before three are there
        time.sleep(0.02 * (3 - number % 3))
        return number

    calls = [lambda number=number: call(number) for number in range(6)]
    assert list(call_all(calls, threading.Event(), at_once=3)) == list(range(6))
    assert list(call_all([], threading.Event(), at_once=3)) == []


def test_an_error_of_a_call_comes_through_and_those_that_wait_are_not_made():
    made, may_end = [], threading.Event()
    calls = [lambda: sys.exit(3), lambda: may_end.wait(60), lambda: made.append(1)]
    with pytest.raises(SystemExit):
        list(call_all(calls, threading.Event(), at_once=1))
    may_end.set()
    time.sleep(0.1)
    assert made == []


def test_calls_are_left_at_once_and_their_threads_end_with_them():
    stop, may_end, before = threading.Event(), threading.Event(), set(threading.enumerate())
    made = []
    calls = [lambda: may_end.wait(60)] * 2 + [lambda: made.append(1)] * 5
    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        list(call_all(calls, stop, at_once=2))
    assert time.monotonic() - started < 25
    may_end.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
        assert not thread.is_alive()
    assert made == []


def test_calls_that_have_begun_are_waited_for_with_patience():
    stop, begun, ended = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        time.sleep(0.3)
        ended.append(True)

    calls = [work] * 5
    thread = threading.Thread(target=lambda: (begun.wait(30), stop.set()))
    thread.start()
    with pytest.raises(Interrupted):
        list(call_all(calls, stop, at_once=2, patience_s=20))
    thread.join(30)
    assert len(ended) == 2
