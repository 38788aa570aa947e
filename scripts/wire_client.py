"""Wire client: HTTP/1.1 over one kept connection, as little as a load test needs.

The usual clients cost more time than the server that is to be measured; hundreds of these fit
beside it on two cores.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

_LIMIT = 1 << 22


class WireClient:
    """One client, one connection; not to be used by two tasks at once.

    Args:
        base_url: With /v1.
        timeout_s: Longest silence of the server.
    """

    def __init__(self, base_url: str, timeout_s: float = 60.0) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> WireClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and decoded JSON."""
        status, headers, reader = await self._send(method, path, body)
        data = b"".join([chunk async for chunk in self._body(headers, reader)])
        return status, json.loads(data) if data else None

    async def upload(self, filename: str, data: bytes) -> tuple[int, Any]:
        """Return status and decoded JSON of POST /files."""
        form = (
            b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b\r\n'
            b'Content-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n--b--\r\n'
        ) % (filename.encode(), data)
        kind = "multipart/form-data; boundary=b"
        status, headers, reader = await self._send("POST", "/files", form, kind)
        return status, json.loads(b"".join([c async for c in self._body(headers, reader)]))

    async def events(self, path: str, body: Any) -> AsyncIterator[tuple[str, Any]]:
        """POST and yield (event name, data) until the stream ends; `[DONE]` stays a string.

        Raises:
            RuntimeError: The answer is no stream.
        """
        status, headers, reader = await self._send("POST", path, body)
        chunks = self._body(headers, reader)
        if status != 200 or "event-stream" not in headers.get("content-type", ""):
            said = b"".join([chunk async for chunk in chunks])
            raise RuntimeError(f"POST {path} answered {status}: {said[:500]!r}")
        waiting = b""
        async for chunk in chunks:
            waiting += chunk
            *blocks, waiting = waiting.split(b"\n\n")
            for block in blocks:
                fields = dict(
                    line.split(b": ", 1) for line in block.split(b"\n") if line[:1] != b":"
                )
                if b"data" in fields:
                    data = fields[b"data"]
                    yield (
                        fields.get(b"event", b"").decode(),
                        "[DONE]" if data == b"[DONE]" else json.loads(data),
                    )

    async def _send(
        self, method: str, path: str, body: Any, kind: str = "application/json"
    ) -> tuple[int, dict[str, str], asyncio.StreamReader]:
        if self._writer is None or self._writer.is_closing():
            opened = asyncio.open_connection(self._host, self._port, limit=_LIMIT)
            self._reader, self._writer = await asyncio.wait_for(opened, self._timeout_s)
        assert self._reader is not None
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        head = (
            f"{method} {self._prefix}{path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        self._writer.write(head.encode() + data)
        await self._writer.drain()
        lines = (await self._wait(self._reader.readuntil(b"\r\n\r\n"))).decode("latin-1")
        first, *rest = lines.strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
        return int(first.split(" ", 2)[1]), headers, self._reader

    async def _body(
        self, headers: dict[str, str], reader: asyncio.StreamReader
    ) -> AsyncIterator[bytes]:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await self._wait(reader.readline()), 16):
                yield (await self._wait(reader.readexactly(size + 2)))[:-2]
            await self._wait(reader.readline())
        elif int(headers.get("content-length", "0")):
            yield await self._wait(reader.readexactly(int(headers["content-length"])))
        if headers.get("connection") == "close":
            self.close()

    async def _wait(self, reading: Any) -> bytes:
        data: bytes = await asyncio.wait_for(reading, self._timeout_s)
        return data
