"""Endpoint: one POST of JSON to an address that may be slow, busy or wrong.

bytes -> bytes, within a deadline, with tries again where a failure may pass.

The standard library sends the requests: one small POST per question needs no more, and whatever
HTTP library other dependencies bring may change with them.
"""

from __future__ import annotations

import http.client
import math
import ssl
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from filesearch import __version__
from filesearch.address import check_address, is_loopback, plain_words
from filesearch.errors import InvalidSetting, RerankFailed

# Pauses between tries when the server does not ask for longer.
_PAUSES_S = (0.25, 0.5, 1.0)
_PASSING = (408, 409, 425, 429)  # and all from 500
_MAX_ANSWER_BYTES = 8 << 20
_MAX_DETAIL_CHARS = 200


class Endpoint:
    """An address that takes POSTs. Safe to use from several threads.

    Answers 408, 409, 425, 429 and 5xx and broken connections are tried again, four times in all,
    after the pause that Retry-After asks for, as long as the deadline is further away.

    A key goes to the given address alone: over https or to this machine, never along a redirect.

    Args:
        url: The address; one without a path means /rerank there.
        api_key: Sent as a bearer token; empty sends none.

    Raises:
        InvalidSetting: No http(s) URL, one that carries a password, or a key that would travel
            unencrypted.
    """

    def __init__(self, url: str, *, api_key: str) -> None:
        parts = check_address(
            url,
            api_key,
            server="reranker",
            example="http://127.0.0.1:8080/rerank",
            key="FSEARCH_RERANKER_API_KEY",
        )
        self.host = parts.hostname or ""
        is_here = is_loopback(self.host)
        path = parts.path if parts.path not in ("", "/") else "/rerank"
        self.url = parts._replace(path=path).geturl()
        self._api_key = api_key
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if is_here:
            handlers.append(urllib.request.ProxyHandler({}))  # a proxy would take it elsewhere
        self._opener = urllib.request.build_opener(*handlers)

    def post(self, body: bytes, *, deadline: float) -> bytes:
        """Return the body of the answer to a POST of JSON.

        Args:
            body: JSON in UTF-8.
            deadline: When to give up, on the clock of `time.monotonic`.

        Raises:
            InvalidSetting: The server refuses the key, has no such path, redirects, or shows a
                certificate that does not hold.
            RerankFailed: No answer in time, or an error that stays.
        """
        pauses = iter(_PAUSES_S)
        while True:
            try:
                return self._send(body, deadline)
            except _MayPass as failure:
                pause_s = max(next(pauses, math.inf), failure.retry_after_s)
                if time.monotonic() + pause_s >= deadline:
                    raise RerankFailed(
                        f"reranker {self.url} {failure}; try again later, or search with the "
                        "reranker 'none'"
                    ) from failure
            time.sleep(pause_s)

    def _send(self, body: bytes, deadline: float) -> bytes:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise _MayPass("did not answer in time")
        headers = {"Content-Type": "application/json", "User-Agent": f"filesearch/{__version__}"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        # The scheme was checked: http or https.
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310
        try:
            with self._opener.open(request, timeout=left_s) as response:
                return self._read_body(response, deadline)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise InvalidSetting(
                    f"reranker {self.url} shows a certificate that does not hold: {reason}; "
                    "choose another address, or name its authority in SSL_CERT_FILE"
                ) from error
            if isinstance(reason, TimeoutError):
                raise _MayPass("did not answer in time") from error
            raise _MayPass(f"cannot be reached: {reason}") from error

    def _read_body(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        """Read within time and size: the socket's timeout holds for each read, not for all."""
        body = bytearray()
        while piece := response.read1(1 << 16):
            body += piece
            if len(body) > _MAX_ANSWER_BYTES:
                raise RerankFailed(
                    f"reranker {self.url} answers with more than {_MAX_ANSWER_BYTES} bytes; "
                    "it is no rerank endpoint"
                )
            if time.monotonic() > deadline:
                raise TimeoutError
        if response.length:  # what was announced and did not come
            raise http.client.IncompleteRead(bytes(body), response.length)
        return bytes(body)

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        """Return what an answer with an error status means."""
        says = (
            f"answers {error.code} {plain_words(error.reason, self._api_key)}{self._detail(error)}"
        )
        if error.code in _PASSING or error.code >= 500:
            return _MayPass(says, _retry_after_s(error.headers.get("Retry-After")))
        if 300 <= error.code < 400:
            place = plain_words(error.headers.get("Location", "nowhere"), self._api_key)
            return InvalidSetting(
                f"reranker {self.url} answers {error.code}, a redirect to {place}, which is not "
                "followed; give that address if you trust it"
            )
        if error.code in (401, 403):
            return InvalidSetting(f"reranker {self.url} {says}; set FSEARCH_RERANKER_API_KEY")
        if error.code in (404, 405):
            return InvalidSetting(f"reranker {self.url} {says}; give the whole path")
        return RerankFailed(f"reranker {self.url} {says}; check its model and style")

    def _detail(self, error: urllib.error.HTTPError) -> str:
        """Return the start of what the server says about it."""
        try:
            text = error.read(4 * _MAX_DETAIL_CHARS).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""
        line = plain_words(text, self._api_key)
        return f": {line}" if line else ""


class _MayPass(Exception):
    """A failure that may be gone at the next try."""

    def __init__(self, says: str, retry_after_s: float = 0.0) -> None:
        waits = f", and asks to wait {retry_after_s:.0f} s" if retry_after_s else ""
        super().__init__(says + waits)
        self.retry_after_s = retry_after_s


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Makes an error of a redirect: following one would carry the key to another server."""

    def redirect_request(self, *_about: object) -> None:
        """Follow none."""


def _retry_after_s(header: str | None) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3); 0 for none."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:  # "-0000" says UTC, from a server that does not know its zone
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
