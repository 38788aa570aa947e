"""Surrogates: halves of characters, which are no text, as they come with a question.

JSON may escape a character as two of them and a model be cut off between; a terminal gives one for
each byte that is no UTF-8. Nothing that reads text takes them.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def join_surrogates(text: str) -> str:
    """Return a text whose surrogates are joined to characters, U+FFFD for those left over."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
