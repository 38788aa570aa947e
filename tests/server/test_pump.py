"""Pump: what a thread reads arrives whole, in order, and ends when nobody wants it any more."""

import asyncio
import threading

import pytest

from filesearch.server.chat.pump import pump


async def collect(items, stop=None):
    return [item async for item in pump(iter(items), stop or threading.Event())]


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 5_000])
def test_every_item_arrives_in_order(count):
    assert asyncio.run(collect(range(count))) == list(range(count))


def test_an_error_comes_after_what_was_read_before_it():
    def items():
        yield from range(100)
        raise ValueError("the end")

    async def main():
        pumped = pump(items(), threading.Event())
        seen = [await anext(pumped) for _ in range(100)]
        with pytest.raises(ValueError, match="the end"):
            await anext(pumped)
        return seen

    assert asyncio.run(main()) == list(range(100))


def test_a_pump_that_is_closed_stops_and_closes_what_it_reads():
    stop, closed = threading.Event(), threading.Event()

    def items():
        try:
            while not stop.is_set():
                yield 1
        finally:
            closed.set()

    async def main():
        pumped = pump(items(), stop)
        await anext(pumped)
        await pumped.aclose()

    asyncio.run(main())
    assert stop.is_set()
    assert closed.wait(30)


def test_no_more_is_read_than_a_slow_client_may_be_behind():
    read = []

    def items():
        for number in range(1_000):
            read.append(number)
            yield number

    async def main():
        pumped = pump(items(), threading.Event())
        await anext(pumped)
        await asyncio.sleep(0.3)
        behind = len(read)
        await pumped.aclose()
        return behind

    assert asyncio.run(main()) <= 2 * 64 + 2


def test_many_are_pumped_at_once():
    all_are_read = threading.Barrier(50)

    def slow(number):
        for _ in range(5):
            all_are_read.wait(30)
            yield number

    async def main():
        return await asyncio.gather(*(collect(slow(n)) for n in range(50)))

    assert asyncio.run(main()) == [[n] * 5 for n in range(50)]
