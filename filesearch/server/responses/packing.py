"""Packing: a summary <-> the content of a compaction item.

The hosted API encrypts it; here nothing leaves the machine of its owner, so it is only packed:
any server of this kind reads it again, and refuses another's. Pure.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from filesearch.server.errors import invalid

_MARK = "fs1."
_MAX_UNPACKED_BYTES = 1 << 20


def pack(summary: str) -> str:
    """Return a summary as the content of a compaction item."""
    return _MARK + base64.urlsafe_b64encode(zlib.compress(summary.encode())).decode()


def unpack(content: str) -> str:
    """Return the summary in the content of a compaction item.

    Raises:
        ApiError: 400, it was made elsewhere, or is damaged.
    """
    summary = _unpacked(content.removeprefix(_MARK)) if content.startswith(_MARK) else None
    if summary is None:
        raise invalid(
            "Invalid 'encrypted_content' of a compaction item: it was not made by this server. "
            "Compact the conversation here, with POST /v1/responses/compact.",
            "input",
            "invalid_encrypted_content",
        )
    return summary


def _unpacked(packed: str) -> str | None:
    """Return what was packed; None for what is damaged, or too long to have been packed here."""
    reader = zlib.decompressobj()
    try:
        summary = reader.decompress(base64.urlsafe_b64decode(packed), _MAX_UNPACKED_BYTES)
        return summary.decode() if reader.eof else None
    except (ValueError, binascii.Error, zlib.error):
        return None
