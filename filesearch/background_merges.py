"""Background merges: a thread that merges segments while files go on being embedded.

    commits -> note(store) -> [here: has it many segments? merge] -> a store of few segments
    no commit for a while  -> [here: merge the small ones too]    -> one segment, where it is small

It shares the process with whoever ingests: numpy and FAISS let other threads run meanwhile, and a
window is merged some four times, twenty where every file comes alone, each time at a
three-hundredth of what embedding it costs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any

from filesearch.merge_policy import MERGE_FACTOR
from filesearch.merging import Merger

# How long an ingest that ends before its time waits for the step that is under way.
_PATIENCE_S = 5.0
_log = logging.getLogger("filesearch.merge")


def warn_of_failure(store_id: str, error: Exception) -> None:
    """Tell the log that a merge failed, where what it came after is done all the same."""
    _log.warning(
        "segments of store %s could not be merged (%s: %s); searches go on in more "
        "segments, and later commits try again",
        store_id,
        type(error).__name__,
        error,
    )


class _Cancelled(Exception):
    """The merge under way is not wanted any more."""


class BackgroundMerges:
    """Merges the segments of stores that grow, in a thread of its own, while the block runs.

    A merge that fails is logged and changes nothing: the store stays as it is, in more segments,
    and is tried again after `MERGE_FACTOR` more commits.

    Args:
        merger: Of the index.
        finish: Whether leaving the block waits until the stores that were noted are merged as at
            rest, and files that were removed count as well. An exception never waits for that.
        rest_s: How long after its last commit a store is at rest while the block runs; without it
            none is before its end.
    """

    def __init__(
        self, merger: Merger, *, finish: bool, rest_s: float = threading.TIMEOUT_MAX
    ) -> None:
        self._merger = merger
        self._finish = finish
        self._rest_s = rest_s
        self._changed = threading.Condition()
        self._due: dict[str, None] = {}  # in order
        # Not merged at rest since: when each was noted last (monotonic), longest ago first.
        self._noted: dict[str, float] = {}
        self._pause: Counter[str] = Counter()  # commits until a store is tried again
        self._is_closing = False
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> BackgroundMerges:
        return self

    def note(self, store_id: str) -> None:
        """Take notice of a commit to a store."""
        with self._changed:
            if self._pause[store_id] > 0:
                self._pause[store_id] -= 1
                return
            self._noted.pop(store_id, None)
            self._noted[store_id] = time.monotonic()
            self._due[store_id] = None
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="filesearch-merge", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def __exit__(
        self,
        error: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        try:
            if self._finish and error is None:
                self._finish_all()
        finally:
            self._cancelled.set()
            if self._thread is not None:
                self._thread.join(_PATIENCE_S)

    def _finish_all(self) -> None:
        if self._thread is not None:
            self._thread.join()
        for store_id in list(self._noted):
            self._merge(store_id, at_rest=True)

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            store_id, at_rest = taken
            self._merge(store_id, at_rest=at_rest)

    def _take(self) -> tuple[str, bool] | None:
        """Wait for a store to merge; returns it and whether it is at rest, None in the end."""
        with self._changed:
            while not self._cancelled.is_set():
                rest_in_s = self._seconds_to_rest()
                if self._due:
                    return _pop_first(self._due), False
                if self._is_closing:
                    return None
                if rest_in_s <= 0:
                    return _pop_first(self._noted), True
                self._changed.wait(rest_in_s)
        return None

    def _seconds_to_rest(self) -> float:
        """Return in how many seconds a store is at rest, if no commit comes."""
        if not self._noted:
            return threading.TIMEOUT_MAX
        return next(iter(self._noted.values())) + self._rest_s - time.monotonic()

    def _merge(self, store_id: str, *, at_rest: bool) -> None:
        # The worker loop: whatever is wrong with merging (a full disk, a damaged segment), the
        # files that are being ingested come first; searches do without the merge.
        try:
            if at_rest:
                if self._merger.merge_at_rest(store_id, on_block=self._check) is None:
                    self._put_off(store_id)
            elif self._merger.has_tier(store_id):
                self._merger.merge_due(store_id, on_block=self._check)
        except _Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 - as said above
            with self._changed:
                self._pause[store_id] = MERGE_FACTOR
                self._noted.pop(store_id, None)
            warn_of_failure(store_id, error)

    def _put_off(self, store_id: str) -> None:
        """Have a store that another process merges looked at again, unless a commit notes it."""
        with self._changed:
            self._noted.setdefault(store_id, time.monotonic())

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise _Cancelled


def _pop_first(stores: dict[str, Any]) -> str:
    store_id = next(iter(stores))
    del stores[store_id]
    return store_id
