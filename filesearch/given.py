"""Given: paths, patterns, URLs and streams as a caller names them -> sources.

What does not lie on the disk is put into a folder of its own first, for one ingest: whatever comes
slowly comes before the index is locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filesearch.errors import InputError, InvalidFile, InvalidSetting, UnsupportedFile
from filesearch.fetch import FetchLimits, fetch, is_url
from filesearch.reports import FileOutcome
from filesearch.sources import FileSource
from filesearch.walk import Found, find_files

_STREAM_SCHEME = "stream:"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller named.

    Attributes:
        found: What is on the disk.
        sources: All that is to be ingested, each once.
        failed: URLs that could not be fetched.
    """

    found: Found
    sources: tuple[FileSource, ...]
    failed: tuple[FileOutcome, ...] = ()


def take_given(
    given: Sequence[str],
    scratch: Path,
    *,
    allow_url: bool = False,
    limits: FetchLimits | None = None,
    streams: Mapping[str, BinaryIO] | None = None,
) -> Given:
    """Return the sources that some names and streams stand for.

    Args:
        given: Paths, patterns, and URLs.
        scratch: An empty folder; it is needed until the sources are read.
        allow_url: Fetch URLs.
        limits: Of each fetch.
        streams: Name -> what to read to its end.

    Raises:
        InvalidSetting: A URL is given and not allowed; nothing is read then.
        NotFound: A path does not exist, or a pattern matches nothing.
        InvalidFile: The name of a stream is blank, or more than one line.
    """
    urls = [name for name in given if is_url(name)]
    if urls and not allow_url:
        raise InvalidSetting(
            f"'{urls[0]}' is a URL; to fetch it over the network, allow that: --allow-url"
        )
    found = find_files([name for name in given if not is_url(name)])
    sources = {source.key: source for source in found.files}
    failed = []
    for name, stream in (streams or {}).items():
        source = _save_stream(name, stream, scratch)
        sources[source.key] = source
    for url in dict.fromkeys(urls):
        try:
            sources[url] = fetch(url, scratch, limits)
        except InputError as error:
            failed.append(failed_outcome(url, error))
    return Given(found, tuple(sources.values()), tuple(failed))


def _save_stream(name: str, stream: BinaryIO, scratch: Path) -> FileSource:
    if not name.strip() or not name.isprintable():
        raise InvalidFile(f"a file cannot be named {name!r}; give it a name such as notes.md")
    path = scratch / f"stream-{len(list(scratch.iterdir()))}"
    with path.open("wb") as out:
        while block := stream.read(_BLOCK_BYTES):
            out.write(block)
    return FileSource(path, name, path.stat().st_size, given_key=_STREAM_SCHEME + name)


def failed_outcome(filename: str, error: InputError) -> FileOutcome:
    """Return a source that could not be read as what became of it."""
    is_unsupported = isinstance(error, UnsupportedFile)
    return FileOutcome(
        filename=filename,
        status="failed",
        error_code="unsupported_file" if is_unsupported else "invalid_file",
        error=str(error),
    )
