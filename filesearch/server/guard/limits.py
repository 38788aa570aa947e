"""Limits: how large a request may be, and how many a key may send.

Bodies are counted while they stream in, because a chunked one does not say how long it is.
Rates are counted in token buckets: a bucket holds as many requests as a minute allows and fills
up evenly, so that a client may spend a minute's requests at once and then goes on at that pace.
"""

from __future__ import annotations

import fcntl
import math
import os
import re
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException

from filesearch.server.guard.asgi import ASGIApp, Message, Receive, Scope, Send, header, refuse

MEBIBYTE = 2**20
MAX_BODY_BYTES = 32 * MEBIBYTE
MAX_UPLOAD_BYTES = 512 * MEBIBYTE  # OpenAI's limit of a file
# Boundaries, the other fields and the file's name come on top of the file.
_FORM_OVERHEAD_BYTES = MEBIBYTE
_UPLOAD = re.compile(r"(/v1)?/(files|uploads/[^/]+/parts)/?")


class BodyLimit:
    """Refuses bodies that are too large with 413, before or while they come in.

    Args:
        app: What is asked otherwise.
        max_body_bytes: Of a JSON body.
        max_upload_bytes: Of an uploaded file; its form may be a little longer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_upload_bytes: int = MAX_UPLOAD_BYTES,
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"])
        shown = self._max_upload_bytes if is_upload else self._max_body_bytes
        limit = shown + _FORM_OVERHEAD_BYTES if is_upload else shown
        message = (
            f"The request body is larger than {shown / MEBIBYTE:g} MB, the most that this "
            f"{'upload' if is_upload else 'request'} may have."
        )
        announced = header(scope, "content-length") or ""
        if announced.isdecimal() and int(announced) > limit:
            await refuse(receive, send, 413, message, code="request_too_large")
            return

        received, is_too_large, has_started = 0, False, False

        async def counted() -> Message:
            nonlocal received, is_too_large
            got = await receive()
            received += len(got.get("body", b""))
            if received > limit:
                is_too_large = True
                # An HTTPException passes through the frameworks' own handling of broken bodies.
                raise HTTPException(413, message)
            return got

        async def watched(reply: Message) -> None:
            nonlocal has_started
            if is_too_large and not has_started:
                return  # whatever the application makes of it, the answer is ours
            has_started = True
            await send(reply)

        try:
            await self._app(scope, counted, watched)
        except HTTPException:
            if not is_too_large:
                raise
        if is_too_large and not has_started:
            await refuse(receive, send, 413, message, code="request_too_large")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a bucket says to one more request.

    Attributes:
        is_allowed: Whether the request may pass.
        limit: Requests a minute.
        remaining: How many more may pass at once.
        full_in_s: When the bucket will be full again.
        retry_in_s: When the next request may pass; 0 when this one may.
    """

    is_allowed: bool
    limit: int
    remaining: int
    full_in_s: float
    retry_in_s: float

    @property
    def refusal(self) -> str:
        """What a caller is told whose request may not pass."""
        return (
            f"Rate limit reached: {self.limit} requests a minute. "
            f"Please try again in {self.retry_in_s:.3f}s."
        )


class Buckets:
    """Token buckets by name, shared by all processes that name the same directory.

    A bucket is kept as one number, the time at which it will be full again (the "theoretical
    arrival time" of the generic cell rate algorithm, ITU-T I.371, which allows exactly what a
    token bucket does). The clock is the system's monotonic one, the same in every process.

    Args:
        directory: One small file per bucket, locked while it changes; None keeps the buckets in
            this process.
        clock: Seconds, never going back.
    """

    def __init__(
        self, directory: Path | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._mine: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, name: str, per_minute: int) -> Allowance:
        """Take one request out of a bucket, if there is one.

        Args:
            name: Letters, digits, `_` and `-`.
            per_minute: At least 1; what the bucket holds and what runs into it in a minute.
        """
        with self._lock:
            if self._directory is None:
                allowance, self._mine[name] = self._decide(self._mine.get(name, 0.0), per_minute)
                return allowance
            # Microseconds, so it may be done on the event loop.
            handle = os.open(self._directory / f"{name}.bucket", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                stored = os.pread(handle, 8, 0)
                full_at = struct.unpack("d", stored)[0] if len(stored) == 8 else 0.0
                allowance, full_at = self._decide(full_at, per_minute)
                os.pwrite(handle, struct.pack("d", full_at), 0)
            finally:
                os.close(handle)  # gives the lock back too
        return allowance

    def _decide(self, full_at: float, per_minute: int) -> tuple[Allowance, float]:
        now = self._clock()
        cost_s = 60 / per_minute
        # No bucket is further from full than a minute, whatever an older clock has left there.
        after = max(now, min(full_at, now + 60)) + cost_s
        late_s = after - now - 60  # a bucket that is empty takes a minute to fill
        if late_s > 1e-9:
            return Allowance(False, per_minute, 0, full_at - now, late_s), full_at
        remaining = int((60 - (after - now)) / cost_s + 1e-9)
        return Allowance(True, per_minute, remaining, after - now, 0.0), after


def rate_headers(allowance: Allowance) -> list[tuple[str, str]]:
    """Return the headers that tell a client how much it may still send."""
    headers = [
        ("x-ratelimit-limit-requests", str(allowance.limit)),
        ("x-ratelimit-remaining-requests", str(allowance.remaining)),
        ("x-ratelimit-reset-requests", f"{allowance.full_in_s:.3f}s"),
    ]
    if not allowance.is_allowed:
        headers.append(("retry-after", str(max(1, math.ceil(allowance.retry_in_s)))))
    return headers
