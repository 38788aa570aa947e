"""Chunks: the SDK's answer to a request -> the JSON in it, and whether that was all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from filesearch.chat.reading import Unreadable

if TYPE_CHECKING:
    import openai

_MAX_STRAY_BYTES = 1 << 20


class Chunks:
    """What a server streams; a whole reply from one that does not stream is one chunk.

    Args:
        stream: Of the class `stream_class`.

    Attributes:
        is_whole: Nothing more comes: the server said `[DONE]`, or sent a whole reply. A connection
            that was closed says less.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - the SDK's
        self._stream = stream
        self.is_whole = False

    def __iter__(self) -> Iterator[object]:
        response = self._stream.response
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not kind.endswith("json") and kind != "text/html":
            yield from self._stream
            self.is_whole = self._stream.is_done
            return
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MAX_STRAY_BYTES:
                raise Unreadable(f"is {kind} of more than {_MAX_STRAY_BYTES} bytes")
        self.is_whole = True
        yield json.loads(body)


@cache
def stream_class() -> type[openai.Stream[object]]:
    """Return the SDK's stream of objects, as one that tells whether `[DONE]` came."""
    import openai

    class WatchedStream(openai.Stream[object]):
        is_done = False

        def _iter_events(self) -> Iterator[Any]:
            for event in super()._iter_events():
                self.is_done = event.data.startswith("[DONE]")
                yield event

    return WatchedStream


def read_json(body: object) -> object:
    """Return an answer as JSON: the SDK leaves it a text where the server calls it one."""
    return json.loads(body) if isinstance(body, str) else body
