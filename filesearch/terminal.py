r"""Terminal: names and sentences from elsewhere -> text that a terminal shows and does not obey.

The name of a file, or what a model writes, may hold what colours, moves or hides the text around
it, or fills the clipboard; a name line ends as well.
"""

from __future__ import annotations

import re

# The controls C0, DEL and C1, and what turns the direction of writing around (UAX 9, 2.1 to 2.4).
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# Of a text of several lines.
_OBEYED_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def escaped(text: str) -> str:
    r"""Return `text` on one line, with escapes for what a terminal obeys: `\x1b[31mred.md`."""
    return _OBEYED.sub(_escape, text)


def escaped_text(text: str) -> str:
    """Return `text` with its line ends and tabs, and escapes for all other controls."""
    return _OBEYED_IN_TEXT.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
