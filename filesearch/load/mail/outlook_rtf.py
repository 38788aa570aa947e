"""Outlook RTF: the compressed rich text of an Outlook message ([MS-OXRTFCP]) -> RTF.

An LZ77 with a window of 4096 bytes that begins filled with words of RTF.
"""

from __future__ import annotations

import struct

from filesearch.errors import InvalidFile

_START = (  # [MS-OXRTFCP] 2.1.3.1.1
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_HEADER = struct.Struct("<II4sI")
_WINDOW = 4096


def unpack_rtf(data: bytes) -> bytes:
    """Return the RTF in a compressed (LZFu) or stored (MELA) stream, as far as it goes.

    Raises:
        InvalidFile: It is neither.
    """
    if len(data) < _HEADER.size:
        raise InvalidFile("'body.rtf' is cut off")
    _, raw_size, kind, _ = _HEADER.unpack_from(data)
    if kind == b"MELA":
        return data[_HEADER.size : _HEADER.size + raw_size]
    if kind != b"LZFu":
        raise InvalidFile(f"'body.rtf' is packed in an unknown way ({kind!r})")
    return _unpack(data, _HEADER.size)


def _unpack(data: bytes, place: int) -> bytes:
    window = bytearray(_WINDOW)
    window[: len(_START)] = _START
    at = len(_START)
    out = bytearray()
    while place < len(data):
        flags, place = data[place], place + 1
        for bit in range(8):
            if not flags >> bit & 1:
                if place >= len(data):
                    return bytes(out)
                piece, place = data[place : place + 1], place + 1
            else:
                if place + 2 > len(data):
                    return bytes(out)
                reference = int.from_bytes(data[place : place + 2], "big")
                place += 2
                start, length = reference >> 4, (reference & 15) + 2
                if start == at:  # the mark of the end
                    return bytes(out)
                for step in range(length):  # it may reach into what it writes
                    byte = window[(start + step) % _WINDOW]
                    out.append(byte)
                    window[at] = byte
                    at = (at + 1) % _WINDOW
                continue
            out += piece
            window[at] = piece[0]
            at = (at + 1) % _WINDOW
    return bytes(out)
