"""Ids: how objects are named, in the shapes of the hosted service.

Behind the prefix stand letters and digits only, because clients look for nothing else there.
"""

from __future__ import annotations

import secrets
import string

_ALPHANUMERIC = string.ascii_letters + string.digits
# Prefix -> how many characters follow; hexadecimal where the hosted service's are.
_SHORT = 24
_HEX = {"vs": 32, "vsfb": 32, "resp": 48, "conv": 48, "fs": 48, "fc": 48, "rs": 48}
_HYPHENED = ("file", "chatcmpl", "cmpl")


def new_id(prefix: str) -> str:
    """Return a fresh id: `run_` and 24 letters or digits, `file-...`, `vs_` and 32 hex digits."""
    if prefix in _HEX:
        return f"{prefix}_{secrets.token_hex(_HEX[prefix] // 2)}"
    mark = "-" if prefix in _HYPHENED else "_"
    drawn, letters = secrets.randbits(8 * 32), ""  # far more than 62 ** 24
    for _ in range(_SHORT):
        drawn, place = divmod(drawn, len(_ALPHANUMERIC))
        letters += _ALPHANUMERIC[place]
    return prefix + mark + letters
