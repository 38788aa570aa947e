"""Mutations: a file -> one like it that something happened to, the same for the same seed.

Bytes are flipped, cut off, moved and doubled; lengths and numbers made extreme; of zip containers
a member is changed and packed again, so that the change reaches the parser behind the checksum;
of PDFs objects are exchanged, and of markup elements.
"""

from __future__ import annotations

import io
import random
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePath

from samples import SAMPLES

SAMPLE_DOCS = Path(__file__).parents[2] / "sample_docs"
_MOST_BYTES = 200_000
"""Larger files are left out of the corpus: time goes into reading them, not into new paths."""
_EXTREMES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\xff\xff")
_NUMBERS = (b"0", b"-1", b"65536", b"2147483647", b"4294967296", b"99999999999999999999", b"1e308")
_TOKENS = (
    b"<", b">", b"</", b"&", b"&#0;", b"&#x110000;", b"]]>", b"<!--", b"<![CDATA[", b"{", b"}",
    b"[", b"]", b'"', b"\\", b"\\bin99999999 ", b"\\u-1 ", b"(", b"<<", b">>", b"endobj",
    b"stream\n", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n\n", b"\n--", b"PK\x03\x04",
    b"%PDF-1.7", b"\xe2\x80\xae", b"=?utf-8?b?", b"%00", b"../" * 8, b",", b"\t",
)  # fmt: skip
Mutation = Callable[[bytes, random.Random], bytes]


def corpus() -> list[tuple[str, bytes]]:
    """Return the files to start from, (name, bytes): every sample and what we ship."""
    files = [(sample.filename, _undated(sample.make())) for sample in SAMPLES]
    for path in sorted(SAMPLE_DOCS.iterdir()):
        if path.is_file() and path.stat().st_size <= _MOST_BYTES:
            files.append((path.name, path.read_bytes()))
    return files


def _undated(data: bytes) -> bytes:
    """Return a file without the time at which it was made, which its library put there."""
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(entry, archive.read(entry)) for entry in archive.infolist()]
        time = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        return _zipped([(e, time.sub(b"2026-01-01T00:00:00Z", member)) for e, member in members])
    if data.startswith(b"\x1f\x8b"):
        return data[:4] + bytes(4) + data[8:]
    return re.sub(rb"D:\d{14}", b"D:20260101000000", data)


def _zipped(members: list[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two members may have one name
        for entry, member in members:
            undated = zipfile.ZipInfo(entry.filename)
            undated.compress_type = entry.compress_type
            archive.writestr(undated, member)
    return out.getvalue()


def mutate(name: str, data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Return the name and bytes of a file after one to four mutations.

    Args:
        name: One in 25 files gets the extension of another format.
        draw: Decides everything.
    """
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
        data = _choose(data, draw)(data, draw)
    if draw.random() < 0.04:
        other = draw.choice(SAMPLES).filename
        name = PurePath(name).stem + PurePath(other).suffix
    return name, data


def _choose(data: bytes, draw: random.Random) -> Mutation:
    if data.startswith(b"PK\x03\x04") and draw.random() < 0.7:
        return change_member
    if data.startswith(b"%PDF") and draw.random() < 0.6:
        return change_pdf
    if data[:200].lstrip().startswith(b"<") and draw.random() < 0.5:
        return change_markup
    return draw.choice((flip, cut, move, double, overwrite, insert, renumber))


# Any bytes


def flip(data: bytes, draw: random.Random) -> bytes:
    """Flip up to 64 bits."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 8, 64))):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut(data: bytes, draw: random.Random) -> bytes:
    """Cut the file off, or a stretch out of it."""
    start, end = _stretch(data, draw)
    return data[:start] if draw.random() < 0.5 else data[:start] + data[end:]


def move(data: bytes, draw: random.Random) -> bytes:
    """Exchange two stretches."""
    a, b, c = sorted(draw.randrange(len(data) + 1) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def double(data: bytes, draw: random.Random) -> bytes:
    """Repeat a stretch, up to 200 times."""
    start, end = _stretch(data, draw)
    times = draw.choice((2, 2, 10, 200))
    return data[:start] + data[start:end] * times + data[end:]


def overwrite(data: bytes, draw: random.Random) -> bytes:
    """Write an extreme number over some bytes: lengths and offsets are such."""
    extreme = draw.choice(_EXTREMES)
    at = draw.randrange(len(data) + 1)
    return data[:at] + extreme + data[at + len(extreme) :]


def insert(data: bytes, draw: random.Random) -> bytes:
    """Put what means something to a parser where it does not belong."""
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(_TOKENS) * draw.choice((1, 1, 2, 500)) + data[at:]


def renumber(data: bytes, draw: random.Random) -> bytes:
    """Make a number in digits extreme."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return flip(data, draw)
    number = draw.choice(found)
    return data[: number.start()] + draw.choice(_NUMBERS) + data[number.end() :]


def _stretch(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(data) + 1)
    return start, min(len(data), start + draw.choice((1, 16, 256, 4096)))


# By format


def change_member(data: bytes, draw: random.Random) -> bytes:
    """Change one member of a zip container, drop it or give it twice, and pack all again."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(entry, archive.read(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        return flip(data, draw)  # an earlier mutation broke it
    if not members:
        return flip(data, draw)
    at = draw.randrange(len(members))
    entry, member = members[at]
    deed = draw.random()
    if deed < 0.05:
        del members[at]
    elif deed < 0.1:
        members[at] = (members[draw.randrange(len(members))][0], member)
    else:
        members[at] = (entry, _choose(member, draw)(member, draw))
    return _zipped(members)


def change_markup(data: bytes, draw: random.Random) -> bytes:
    """Exchange, drop, nest or repeat a tag, or change an attribute."""
    tags = list(re.finditer(rb"<[^<>]{1,300}>", data))
    if not tags:
        return insert(data, draw)
    tag, other = draw.choice(tags), draw.choice(tags)
    values = list(re.finditer(rb'"[^"]*"', tag[0]))
    new = draw.choice((b"", other[0], tag[0] * 2, tag[0] * 300, b"<x>" + tag[0]))
    if values and draw.random() < 0.5:
        value = draw.choice(values)
        extreme = b'"' + draw.choice((*_NUMBERS, b"", b"x" * 10_000)) + b'"'
        new = tag[0][: value.start()] + extreme + tag[0][value.end() :]
    return data[: tag.start()] + new + data[tag.end() :]


def change_pdf(data: bytes, draw: random.Random) -> bytes:
    """Point a reference elsewhere, exchange two objects, or change what a stream holds."""
    references = list(re.finditer(rb"(\d+) 0 R", data))
    streams = list(re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL))
    objects = list(re.finditer(rb"\d+ 0 obj(.*?)endobj", data, re.DOTALL))
    deed = draw.random()
    if references and deed < 0.3:
        one, other = draw.choice(references), draw.choice(references)
        return data[: one.start()] + other[0] + data[one.end() :]
    if len(objects) > 1 and deed < 0.5:
        one, other = draw.choice(objects), draw.choice(objects)
        return data[: one.start(1)] + other[1] + data[one.end(1) :]
    if streams and deed < 0.9:
        return _change_stream(data, draw.choice(streams), draw)
    return renumber(data, draw)


def _change_stream(data: bytes, found: re.Match[bytes], draw: random.Random) -> bytes:
    change = draw.choice((flip, cut, double, insert, renumber))
    try:
        new = zlib.compress(change(zlib.decompress(found[1]), draw))
    except zlib.error:
        new = change(found[1], draw)
    return data[: found.start(1)] + new + data[found.end(1) :]
