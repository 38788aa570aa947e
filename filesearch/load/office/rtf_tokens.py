"""RTF tokens: bytes -> groups, control words and text, and the words that name places of text.

After "Rich Text Format (RTF) Specification", version 1.9.1.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""\\fcharset -> encoding; those that are not here take that of the whole file."""

CHARACTERS = {
    "tab": "\t", "line": "\n", "emdash": "\u2014", "endash": "\u2013", "emspace": "\u2003",
    "enspace": "\u2002", "qmspace": "\u2005", "bullet": "\u2022", "lquote": "\u2018",
    "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d", "~": "\xa0", "_": "\u2011",
    "{": "{", "}": "}", "\\": "\\", "nestcell": " ", "nestrow": " ",
    "shptxt": "\n", "dptxbxtext": "\n",
}  # fmt: skip
"""Control words and symbols that stand for characters."""

SKIPPED = frozenset(
    "colortbl pict fldinst objdata objclass objname filetbl template ftnsep ftnsepc ftncn aftnsep "
    "aftnsepc aftncn xe tc txe rxe bkmkstart bkmkend nonesttables nonshppict shprslt sp atnid "
    "listtable listoverridetable revtbl pn upr generator operator creatim revtim printim buptim "
    "author company comment doccomm keywords subject category manager hlinkbase nextfile private "
    "themedata colorschememapping latentstyles datastore rsidtbl xmlnstbl pgptbl mmathPict "
    "falt panose fname fontemb levelnumbers leveltext".split()
)
"""Destinations whose text is none of the document's."""

READ_THOUGH_STARRED = frozenset(
    "shpinst shptxt nesttableprops annotation atnauthor do dptxbxtext shppict".split()
)
"""Destinations that may be left out by who does not know them, and are known here."""

_TOKEN = re.compile(
    rb"\\(?:([A-Za-z]{1,32})(-?\d{1,10})? ?|'([0-9A-Fa-f]{2})|(.))|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.DOTALL,
)


class Token(NamedTuple):
    """One of four kinds.

    Attributes:
        kind: "{", "}", "word" (control words and symbols) or "bytes" (text in an encoding).
        word: Of kind "word": its name, as "par" or "~".
        number: Its parameter, None when there is none.
        data: Of kind "bytes": the text.
    """

    kind: str
    word: str = ""
    number: int | None = None
    data: bytes = b""


def tokens(data: bytes) -> Iterator[Token]:
    r"""Yield the tokens of a file in order; what follows \bin is passed over."""
    position = 0
    while (found := _TOKEN.match(data, position)) is not None:
        position = found.end()
        word, number, code, symbol, brace, text = found.groups()
        if word is not None:
            value = int(number) if number is not None else None
            if word == b"bin":
                position += max(value or 0, 0)
            else:
                yield Token("word", word.decode("ascii"), value)
        elif text is not None:
            yield Token("bytes", data=text)
        elif code is not None:
            yield Token("bytes", data=bytes.fromhex(code.decode("ascii")))
        elif brace is not None:
            yield Token(brace.decode("ascii"))
        elif symbol is not None:
            # A line end after a backslash ends a paragraph.
            yield Token("word", "par" if symbol in b"\r\n" else symbol.decode("latin-1"))


def encoding_of(code_page: int, otherwise: str) -> str:
    """Return Python's name of a Windows code page, or `otherwise` when it knows none."""
    known = {10000: "mac_roman", 65001: "utf-8", 936: "gb18030"}
    name = known.get(code_page, f"cp{code_page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return otherwise
    return name
