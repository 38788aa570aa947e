"""TeX: the source of a paper, without what the reader of the paper never sees.

text -> text: comments, the preamble (but title, author, date, abstract) and what follows the end
of the document go; the rest stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_VERBATIM = re.compile(r"\\(begin|end)\{(?:verbatim|Verbatim|lstlisting|minted|comment)\*?\}")
_BEGIN, _END = "\\begin{document}", "\\end{document}"
_STATED = re.compile(r"\\(?:title|author|date|abstract)\b(?:\[[^\]]{0,200}\])?\{")
_MAX_GROUP = 20_000


def strip_tex(text: str) -> str:
    """Return a clean TeX source without its noise; all of it when nothing else is left."""
    body = "\n".join(_without_comments(text))
    begin = body.find(_BEGIN)
    if begin >= 0:
        end = body.find(_END, begin)
        stated = "\n".join(_groups(body[:begin]))
        body = body[begin + len(_BEGIN) : end if end >= 0 else len(body)].strip("\n")
        body = f"{stated}\n\n{body}" if stated else body
    return body if body.strip() else text


def _without_comments(text: str) -> Iterator[str]:
    in_verbatim = False
    for line in text.split("\n"):
        mark = _VERBATIM.search(line)
        if not in_verbatim and not mark and "%" in line:
            kept = _COMMENT.sub(r"\1", line)
            if kept.strip():
                yield kept.rstrip()
            continue
        if mark:
            in_verbatim = mark[1] == "begin"
        yield line


def _groups(preamble: str) -> Iterator[str]:
    """Yield the commands of a preamble whose argument is read, with it."""
    for found in _STATED.finditer(preamble):
        depth = 0
        for place in range(found.end() - 1, min(len(preamble), found.end() + _MAX_GROUP)):
            depth += {"{": 1, "}": -1}.get(preamble[place], 0)
            if depth == 0:
                yield preamble[found.start() : place + 1]
                break
