"""Letters: what mails of any format have in common -> the first lines of a Document, attributes.

Letter -> lines "From: ...", an empty line, the body. eml, mbox and msg differ in how they keep it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from filesearch.load.clean import clean_line, clean_text
from filesearch.load.compose import Composer
from filesearch.load.stated import fit_attributes
from filesearch.load.web.html import add_html, parse_html
from filesearch.types import Attributes

_MAX_HEADER_CHARACTERS = 1000
"""A mail to a whole company names thousands; the first ones do."""
_LITTLE_TEXT = 100
"""Plain text below this may only say that the mail is HTML."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its attachments.

    Attributes:
        sender, to, cc, date, subject: Decoded, as people read them; empty where there is none.
        sent: The date as ISO 8601; empty where it cannot be read.
        plain: The body as text.
        html: The body as HTML.
    """

    sender: str = ""
    to: str = ""
    cc: str = ""
    date: str = ""
    subject: str = ""
    sent: str = ""
    plain: str = ""
    html: str = ""


def add_letter(composer: Composer, letter: Letter) -> None:
    """Append header lines and body: the plain text, or HTML where that says much more."""
    headers = (
        ("From", letter.sender),
        ("To", letter.to),
        ("Cc", letter.cc),
        ("Date", letter.date),
        ("Subject", letter.subject),
    )
    for name, value in headers:
        line = clean_line(value)
        if len(line) > _MAX_HEADER_CHARACTERS:
            line = line[:_MAX_HEADER_CHARACTERS].rpartition(",")[0] + ", ..."
        if line:
            composer.add(f"{name}: {line}")
    plain = clean_text(letter.plain).strip()
    if letter.html and len(plain) < _LITTLE_TEXT:
        root = parse_html(letter.html)
        body = Composer(composer.filename)
        if root is not None:
            add_html(body, root, keep_furniture=True)
        if body.position > 2 * len(plain):
            composer.add_document(body.build("text/html"))
            return
    composer.add(plain, separator="\n\n")


def letter_attributes(letter: Letter) -> Attributes:
    """Return sender, recipients, date and subject for filters, as far as they fit."""
    pairs = (
        ("from", letter.sender),
        ("to", letter.to),
        ("date", letter.sent),
        ("subject", letter.subject),
    )
    return fit_attributes(pairs)[0]


def iso_date(text: str) -> str:
    """Return a mail's date (RFC 5322, 3.3) as ISO 8601, or "" where it is none."""
    try:
        date: datetime.datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""
    return date.isoformat()
