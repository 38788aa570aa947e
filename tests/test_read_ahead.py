"""Reading ahead: order, back-pressure, and how it ends."""

from __future__ import annotations

import threading
import time

import pytest

from filesearch.load.process.isolation import Loader
from filesearch.read_ahead import Limits, ReadAhead


def read_ahead(read, items, *, readers=3, most_items=100, most_weight=10**9):
    """A ReadAhead over numbers that weigh as much as they are, before and after."""
    return ReadAhead(
        lambda item, _loader: read(item),
        items,
        make_loader=Loader,
        readers=readers,
        weigh_given=lambda item: item,
        weigh=lambda made: made,
        limits=Limits(most_items, most_weight),
    )


def wait_until(is_so, timeout_s=30.0):
    ends = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.005)
    assert is_so()


def test_results_come_in_the_order_of_the_items_whichever_is_done_first():
    first_may_end = threading.Event()

    def read(item):
        if item == 0:
            assert first_may_end.wait(30)
        elif item == 9:
            first_may_end.set()
        return item

    with read_ahead(read, range(10)) as results:
        assert list(results) == list(range(10))


def test_no_items_give_no_results():
    with read_ahead(lambda item: item, []) as results:
        assert list(results) == []


@pytest.mark.parametrize(
    ("limits", "taken"),
    [({"most_items": 4}, 4), ({"most_weight": 30}, 3)],
    ids=["by number", "by weight"],
)
def test_no_more_is_read_than_the_limits_allow_until_the_caller_fetches(limits, taken):
    read = []
    with read_ahead(lambda item: read.append(item) or item, [10] * 20, **limits) as results:
        wait_until(lambda: len(read) == taken)
        time.sleep(0.05)
        assert len(read) == taken
        next(results)
        wait_until(lambda: len(read) == taken + 1)
        assert len(list(results)) == 19


def test_an_item_heavier_than_the_limit_is_read_all_the_same():
    with read_ahead(lambda item: item, [1, 500, 1], most_weight=2) as results:
        assert list(results) == [1, 500, 1]


def test_the_weight_of_a_result_counts_in_the_place_of_that_of_its_item():
    """A small archive may hold much text."""
    read = []
    swells = ReadAhead(
        lambda item, _loader: read.append(item) or item,
        [1] * 9,
        make_loader=Loader,
        readers=1,
        weigh_given=lambda _item: 1,
        weigh=lambda _made: 1000,
        limits=Limits(100, 1000),
    )
    with swells as results:
        wait_until(lambda: read == [1])
        time.sleep(0.05)
        assert read == [1]
        assert len(list(results)) == 9


def test_an_exception_is_raised_when_its_turn_comes():
    def read(item):
        if item == 2:
            raise ValueError("two")
        return item

    seen = []
    with pytest.raises(ValueError, match="two"), read_ahead(read, range(5)) as results:
        seen.extend(results)
    assert seen == [0, 1]


def test_an_exception_of_the_items_is_raised_after_the_results_before_it():
    def items():
        yield 1
        raise OSError("gone")

    seen = []
    with pytest.raises(OSError, match="gone"), read_ahead(lambda item: item, items()) as results:
        seen.extend(results)
    assert seen == [1]


def test_leaving_the_block_early_ends_the_threads():
    before = set(threading.enumerate())
    with read_ahead(lambda item: item, iter(range(10**6)), most_items=5) as results:
        assert next(results) == 0
        started = set(threading.enumerate()) - before
    assert len(started) >= 3
    assert not started & set(threading.enumerate())
