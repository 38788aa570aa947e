"""Fetch: an http(s) URL -> a file on this machine, for one ingest.

The host's addresses are looked up and checked first, for every redirect anew, and the connection
goes to the very address that was checked. Size, time and redirects are bounded. No proxy, cookie,
password or header of this machine goes out.
"""

from __future__ import annotations

import codecs
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from filesearch.errors import FilesearchError, InvalidFile, NotFound
from filesearch.load.media_types import BY_EXTENSION, HTML, PLAIN
from filesearch.public_addresses import find_addresses
from filesearch.sources import FileSource

if TYPE_CHECKING:
    import httpx2

MAX_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_AGENT = "filesearch (+https://pypi.org/project/filesearch/)"
# Names that servers use for types that have another one here.
_OTHER_NAMES = {"application/xhtml+xml": HTML, "text/xml": "application/xml"}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may cost.

    Attributes:
        size_bytes: Of what comes, unpacked.
        seconds: In all, redirects included.
        silence_s: Longest wait for the next bytes.
        allow_private: Go to addresses that are not public too. For tests, and for whoever trusts
            all that writes the URLs.
    """

    size_bytes: int = 256 << 20
    seconds: float = 60.0
    silence_s: float = 10.0
    allow_private: bool = False


def is_url(given: str) -> bool:
    """Return whether what was given to be ingested is an http(s) URL."""
    return given.lower().startswith(("http://", "https://"))


def fetch(url: str, folder: Path, limits: FetchLimits | None = None) -> FileSource:
    """Fetch what is at `url` into `folder`, and return it as a file named by the URL.

    The type that the server states tells the format where the URL does not; a charset that it
    states is believed: the text is then kept as UTF-8.

    Raises:
        InvalidFile: The URL is not one that is fetched, or leads where nothing is fetched from; the
            server refuses, is too slow, or sends too much.
        NotFound: There is no such host, or nothing there.
    """
    import httpx2

    limits = limits or FetchLimits()
    deadline = time.monotonic() + limits.seconds
    timeout = httpx2.Timeout(min(limits.silence_s, limits.seconds))
    at = _check_url(url)
    try:
        with httpx2.Client(trust_env=False, timeout=timeout) as client:
            for _ in range(MAX_REDIRECTS + 1):
                with _answer(client, at, limits, deadline) as answer:
                    if answer.status_code not in _REDIRECTS:
                        return _save(answer, url, at, folder, limits, deadline)
                    at = _check_url(str(at.join(answer.headers.get("location", ""))))
    except httpx2.TimeoutException as error:
        raise InvalidFile(f"'{url}' did not answer in time; try again later") from error
    # A URL that cannot be taken apart, a connection that broke, or one that was ended in time.
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
        if time.monotonic() > deadline:
            raise _late(url, limits) from error
        raise InvalidFile(f"'{url}' cannot be fetched: {error}") from error
    raise InvalidFile(f"'{url}' leads on more than {MAX_REDIRECTS} times; give the last URL")


def _check_url(text: str) -> httpx2.URL:
    """Return a URL that may be fetched.

    Raises:
        InvalidFile: It is not of the web, names no host, or carries a password.
    """
    import httpx2

    url = httpx2.URL(text)
    if url.scheme not in _PORTS or not url.host:
        raise InvalidFile(f"'{text}' is not an http or https URL with a host; check it")
    if url.userinfo:
        raise InvalidFile(
            f"the URL of '{url.host}' carries a password, which would be kept with the index; "
            "save what is there as a file and ingest that"
        )
    return url


@contextmanager
def _answer(
    client: httpx2.Client, url: httpx2.URL, limits: FetchLimits, deadline: float
) -> Iterator[httpx2.Response]:
    """Ask for a URL at an address of its host that was checked.

    Raises:
        InvalidFile, NotFound: See `find_addresses`.
    """
    import httpx2

    port = url.port or _PORTS[url.scheme]
    addresses = find_addresses(url.host, port, allow_private=limits.allow_private)
    request = client.build_request("GET", url, headers={"user-agent": _AGENT})
    for number, address in enumerate(addresses, start=1):
        request.url = url.copy_with(host=str(address))  # the Host header keeps the name
        request.extensions["sni_hostname"] = url.host  # what the certificate must be for
        # Bytes that trickle in keep every single read within its time; this ends the whole.
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), client.close)
        timer.daemon = True
        timer.start()
        try:
            answer = client.send(request, stream=True)
        except httpx2.ConnectError:
            timer.cancel()
            if number == len(addresses):
                raise
            continue
        except BaseException:
            timer.cancel()
            raise
        try:
            yield answer
        finally:
            timer.cancel()
            answer.close()
        return


def _save(
    answer: httpx2.Response,
    url: str,
    at: httpx2.URL,
    folder: Path,
    limits: FetchLimits,
    deadline: float,
) -> FileSource:
    if answer.status_code in (404, 410):
        raise NotFound(f"there is nothing at '{url}' ({answer.status_code}); check the URL")
    if answer.status_code != 200:
        raise InvalidFile(
            f"'{url}' answers {answer.status_code} {answer.reason_phrase}; "
            "save it as a file and ingest that"
        )
    content = bytearray()
    for block in answer.iter_bytes():
        content += block
        if len(content) > limits.size_bytes:
            raise InvalidFile(
                f"'{url}' is larger than {limits.size_bytes >> 20} MiB; save it as a file"
            )
        if time.monotonic() > deadline:
            raise _late(url, limits)
    media_type, charset = _stated(answer)
    name = _name(at, media_type)
    path = folder / hashlib.sha256(url.encode()).hexdigest()
    path.write_bytes(_as_utf8(bytes(content), media_type, charset))
    return FileSource(path, url, path.stat().st_size, given_key=url, given_name=name)


def _late(url: str, limits: FetchLimits) -> FilesearchError:
    return InvalidFile(f"'{url}' took over {limits.seconds:g} s; save it as a file")


def _stated(answer: httpx2.Response) -> tuple[str, str]:
    """Return the media type and the charset that the server states; empty where it is silent."""
    stated = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return _OTHER_NAMES.get(stated, stated), answer.charset_encoding or ""


def _name(url: httpx2.URL, media_type: str) -> str:
    """Return the last part of a URL, with the extension of the type if it has none that counts."""
    name = PurePosixPath(url.path).name
    known = BY_EXTENSION.get(PurePosixPath(name).suffix.lower())
    if known is not None and (media_type != HTML or known == HTML):
        return name
    # text/plain is what servers say of all that they do not know.
    extensions = [end for end, named in BY_EXTENSION.items() if named == media_type != PLAIN]
    return f"{name or 'page'}{extensions[0]}" if extensions else name


def _as_utf8(content: bytes, media_type: str, charset: str) -> bytes:
    """Return text of a stated charset as UTF-8, marked as such; anything else as it is."""
    try:
        if not media_type.startswith("text/") or codecs.lookup(charset).name in ("utf-8", "ascii"):
            return content
        return codecs.BOM_UTF8 + content.decode(charset).encode()
    except (LookupError, ValueError):  # no such charset, or the bytes are of another
        return content
