"""Background merges: a thread that merges segments while files go on being embedded.

    commits -> note(store) -> [here: has it many segments? merge] -> a store of few segments

It shares the process with whoever ingests: numpy and FAISS let other threads run meanwhile, and a
window is merged some four times at a hundredth of what embedding it costs.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from types import TracebackType

from filesearch.merge_policy import MERGE_FACTOR
from filesearch.merging import Merger

# How long an ingest that ends before its time waits for the step that is under way.
_PATIENCE_S = 5.0
_log = logging.getLogger("filesearch.merge")


class _Cancelled(Exception):
    """The merge under way is not wanted any more."""


class BackgroundMerges:
    """Merges the segments of stores that grow, in a thread of its own, while the block runs.

    A merge that fails is logged and changes nothing: the store stays as it is, in more segments,
    and is tried again after `MERGE_FACTOR` more commits.

    Args:
        merger: Of the index.
        finish: Whether leaving the block waits until nothing is due in the stores that were noted,
            and files that were removed count as well. An exception never waits for that.
    """

    def __init__(self, merger: Merger, *, finish: bool) -> None:
        self._merger = merger
        self._finish = finish
        self._changed = threading.Condition()
        self._due: dict[str, None] = {}  # in order
        self._noted: dict[str, None] = {}
        self._pause: Counter[str] = Counter()  # commits until a store is tried again
        self._is_closing = False
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> BackgroundMerges:
        return self

    def note(self, store_id: str) -> None:
        """Take notice of a commit to a store."""
        with self._changed:
            self._noted[store_id] = None
            if self._pause[store_id] > 0:
                self._pause[store_id] -= 1
                return
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
        for store_id in self._noted:
            if not self._pause[store_id]:
                self._merge(store_id)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._due or self._is_closing)
                if not self._due or self._cancelled.is_set():
                    return
                store_id = next(iter(self._due))
                del self._due[store_id]
            self._merge(store_id, only_tiers=True)

    def _merge(self, store_id: str, *, only_tiers: bool = False) -> None:
        # The worker loop: whatever is wrong with merging (a full disk, a damaged segment), the
        # files that are being ingested come first; searches do without the merge.
        try:
            if not only_tiers or self._merger.has_tier(store_id):
                self._merger.merge_due(store_id, on_block=self._check)
        except _Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 - as said above
            with self._changed:
                self._pause[store_id] = MERGE_FACTOR
            _log.warning(
                "segments of store %s could not be merged (%s: %s); searches go on in more "
                "segments, and later commits try again",
                store_id,
                type(error).__name__,
                error,
            )

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise _Cancelled
