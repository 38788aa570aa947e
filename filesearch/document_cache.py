"""Document cache: the documents that searches looked at last, so that their text is read once.

A document never changes under its load key (content, media type, loader version), so what is kept
under it is never stale; row ids may come again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping

from filesearch.types import Document

MAX_CHARACTERS = 16_000_000


class DocumentCache:
    """Documents by load key, the most recently used ones. Safe to use from several threads.

    Args:
        max_characters: Of text that is kept; one document alone may be longer.
    """

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def get(
        self,
        keys: Mapping[int, str],
        fetch: Callable[[Collection[int]], Mapping[int, Document]],
    ) -> dict[int, Document]:
        """Return documents by row id; those that `fetch` does not find are left out.

        Args:
            keys: Row id -> load key of every document that is wanted.
            fetch: Reads the documents of some row ids.
        """
        with self._lock:
            found = {number: self._touch(key) for number, key in keys.items() if key in self._kept}
        missing = keys.keys() - found.keys()
        if missing:
            fetched = fetch(missing)
            found.update(fetched)
            with self._lock:
                for number, document in fetched.items():
                    self._keep(keys[number], document)
        return found

    def _touch(self, key: str) -> Document:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: str, document: Document) -> None:
        if key in self._kept:
            return
        self._kept[key] = document
        self._characters += len(document.text)
        while self._characters > self._max_characters and len(self._kept) > 1:
            _key, dropped = self._kept.popitem(last=False)
            self._characters -= len(dropped.text)
