r"""Terminal: names and sentences from elsewhere -> text that a terminal shows and does not obey.

The name of a file may hold what colours, moves or hides the text around it, and line ends.
"""

from __future__ import annotations

import re

# The controls C0, DEL and C1, and what turns the direction of writing around (UAX 9, 2.1 to 2.4).
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def escaped(text: str) -> str:
    r"""Return `text` on one line, with escapes for what a terminal obeys: `\x1b[31mred.md`."""
    return _OBEYED.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
