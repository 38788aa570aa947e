"""Read ahead: run a slow function over items in threads, while the caller works on its results.

Results come in the order of the items. Back-pressure is by number and by weight: a thread takes an
item up only while those that were taken up, and not fetched by the caller, are within both. So no
more is held than the limit and one item, however many and however large the items are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from filesearch.load.process.isolation import Loader
from filesearch.loader_threads import LoaderThreads

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be read ahead.

    Attributes:
        items: How many may be in work or wait for the caller.
        weight: No further item is taken up once those weigh as much.
    """

    items: int
    weight: int


class ReadAhead(Generic[_Given, _Made]):
    """Runs `read` over `items` in threads and hands on the results in order.

    Leaving the block stops the threads; an exception in one of them is raised from the iteration,
    when its turn comes.

    Args:
        read: Called once for each item, with the thread's own Loader.
        items: What to read; iterated by one thread at a time.
        make_loader, readers: As for LoaderThreads.
        weigh_given, weigh: Weight of an item before, and of its result after it was read.
        limits: Of what is read ahead.
    """

    def __init__(
        self,
        read: Callable[[_Given, Loader], _Made],
        items: Iterable[_Given],
        *,
        make_loader: Callable[[], Loader],
        readers: int,
        weigh_given: Callable[[_Given], int],
        weigh: Callable[[_Made], int],
        limits: Limits,
    ) -> None:
        self._read = read
        self._items = iter(items)
        self._weigh_given = weigh_given
        self._weigh = weigh
        self._limits = limits
        self._changed = threading.Condition()
        # All of these only with `_changed` held.
        self._results: dict[int, _Made | _Raised] = {}
        self._weights: dict[int, int] = {}
        self._total_weight = 0
        self._given = 0
        self._is_exhausted = self._is_stopped = False
        self._threads = LoaderThreads(self._work, make_loader, readers)

    def __enter__(self) -> Iterator[_Made]:
        self._threads.start()
        return self._in_order()

    def __exit__(self, *_exc: object) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        self._threads.join()

    def _in_order(self) -> Iterator[_Made]:
        number = 0
        while True:
            with self._changed:
                while number not in self._results:
                    if self._is_exhausted and number == self._given:
                        return
                    self._changed.wait()
                result = self._results.pop(number)
                self._total_weight -= self._weights.pop(number)
                self._changed.notify_all()
            if isinstance(result, _Raised):
                raise result.error
            yield result
            del result  # the caller may drop it before the next one is there
            number += 1

    def _work(self, loader: Loader) -> None:
        while (taken := self._take()) is not None:
            number, item = taken
            result: _Made | _Raised
            try:
                result = self._read(item, loader)
                weight = self._weigh(result)
            # Whatever went wrong here belongs to the thread that waits for the results.
            except BaseException as error:  # noqa: BLE001
                result, weight = _Raised(error), 0
            with self._changed:
                self._results[number] = result
                self._total_weight += weight - self._weights[number]
                self._weights[number] = weight
                self._changed.notify_all()
            del taken, item, result

    def _take(self) -> tuple[int, _Given] | None:
        """Return the next item and its number once there is room; None when there is no more."""
        with self._changed:
            while not self._is_stopped and not self._is_exhausted and not self._has_room():
                self._changed.wait()
            if self._is_stopped or self._is_exhausted:
                return None
            number = self._given
            try:
                item = next(self._items)
            except StopIteration:
                self._is_exhausted = True
                self._changed.notify_all()
                return None
            # As in `_work`; there is nothing to go on with after it.
            except BaseException as error:  # noqa: BLE001
                self._is_exhausted = True
                self._given, self._weights[number] = number + 1, 0
                self._results[number] = _Raised(error)
                self._changed.notify_all()
                return None
            weight = self._weigh_given(item)
            self._given, self._weights[number] = number + 1, weight
            self._total_weight += weight
            return number, item

    def _has_room(self) -> bool:
        return len(self._weights) < self._limits.items and self._total_weight < self._limits.weight


class _Raised:
    """Stands in the place of a result that there is none of."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
