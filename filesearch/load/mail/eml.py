"""Eml: a mail (RFC 5322, MIME), or a web page saved as one (mht) -> Document.

Its headers are the first lines, its body follows (plain text before HTML), attachments and mails
within the mail are parts. Pictures shown within the body are left out.
"""

from __future__ import annotations

import codecs
import mimetypes
import re
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from typing import cast

from filesearch.errors import UnsupportedFile
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.containers.members import Members
from filesearch.load.mail.letters import Letter, add_letter, iso_date, letter_attributes
from filesearch.load.media_types import EML, HTML, PLAIN
from filesearch.load.options import LoadOptions
from filesearch.load.sniff import is_mail, sniff
from filesearch.load.text.decode import decode
from filesearch.load.web.html import decode_html
from filesearch.types import Document

_STATEFUL = ("iso2022", "hz", "utf_7", "utf-7")
"""Encodings whose bytes are all ASCII, so that only the label tells."""
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-si")
_SOFT_BREAK = re.compile(r"(?<!^--) \n(?![> ]|\n)", re.MULTILINE)
"""RFC 3676, 4.2: a space before the line end goes on in the next line; "-- " is a signature."""
_MAX_PARTS = 10_000


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a mail, with its attachments as parts.

    A file that has no mail headers is read as what else it looks like, with a warning.

    Raises:
        InvalidFile: Without any text, or nested too deeply.
    """
    if not is_mail(data):
        return _other(data, filename, options)
    return compose_message(message_from_bytes(data, policy=policy.default), filename, options)


def _other(data: bytes, filename: str, options: LoadOptions) -> Document:
    from dataclasses import replace

    from filesearch.load.text import plain as text
    from filesearch.load.web import html

    media_type = HTML if sniff(data, "") == HTML else PLAIN
    reader = html.parse if media_type == HTML else text.parse
    document = reader(data, filename, media_type, options)
    warning = f"it has no mail headers; it was read as {media_type}"
    return replace(document, warnings=(*document.warnings, warning))


def compose_message(message: Message, filename: str, options: LoadOptions) -> Document:
    """Return the Document of a parsed mail; raises as `parse`."""
    composer = Composer(filename)
    members = Members(composer, options)
    body = _Body()
    body.collect(message)
    letter = Letter(
        sender=header(message, "From"),
        to=header(message, "To"),
        cc=header(message, "Cc"),
        date=header(message, "Date"),
        subject=header(message, "Subject"),
        sent=iso_date(header(message, "Date")),
        plain="\n\n".join(body.plain),
        html="\n".join(body.html),
    )
    add_letter(composer, letter)
    if body.is_cut:
        composer.warn(f"only its first {_MAX_PARTS:,} MIME parts were read")
    for number, part in enumerate(body.attached, 1):
        _attach(members, part, number)
    members.finish()
    return composer.build(EML, title=letter.subject, attributes=letter_attributes(letter))


def header(message: Message, name: str) -> str:
    """Return a header's text: encoded words (RFC 2047) and raw bytes of any encoding decoded.

    Not through the policy: its parser of addresses fails on headers that real mails have.
    """
    raw = next((str(v) for key, v in message.raw_items() if key.lower() == name.lower()), "")
    raw = re.sub(r"\r?\n[ \t]?", " ", raw)
    if any("\ud800" <= character <= "\udfff" for character in raw):
        return clean_line(_text(raw.encode("utf-8", "surrogateescape"), ""))
    try:
        words = decode_header(raw)
    except (HeaderParseError, ValueError):
        return clean_line(raw)
    # The first form is returned alone, as str, where nothing was encoded.
    pieces = [w if isinstance(w, str) else _text(w, charset or "") for w, charset in words]
    return clean_line("".join(pieces))


def _text(data: bytes, charset: str) -> str:
    """Decode a piece of a mail: by its label where only that can tell, else as any file."""
    try:
        encoding = codecs.lookup(charset).name if charset else ""
        if encoding.startswith(_STATEFUL):
            return data.decode(encoding, "replace")
        return decode(data, "mail", declared=charset).text
    except (LookupError, ValueError):
        return decode(data, "mail").text
    except UnsupportedFile:
        return data.decode("latin-1")


class _Body:
    """Sorts the parts of a mail: text to read, files to attach, ornaments to leave out."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.html: list[str] = []
        self.attached: list[Message] = []
        self.is_cut = False

    def collect(self, message: Message) -> None:
        waiting, seen = [message], 0
        while waiting:
            part = waiting.pop()
            seen += 1
            if seen > _MAX_PARTS:
                self.is_cut = True
                return
            if part.is_multipart() and part.get_content_type() != "message/rfc822":
                waiting += reversed(cast(list[Message], part.get_payload()))
            elif not part.is_multipart() or part is not message:
                self._sort(part)

    def _sort(self, part: Message) -> None:
        kind = part.get_content_type()
        is_attached = part.get_content_disposition() == "attachment" or bool(_filename(part))
        if kind in _SIGNATURES or (kind.startswith("image/") and _is_shown_inside(part)):
            return
        if kind == "text/html" and not is_attached:
            self.html.append(_part_text(part, kind))
        elif kind in ("text/plain", "message/delivery-status") and not is_attached:
            self.plain.append(_part_text(part, kind))
        else:
            self.attached.append(part)


def _is_shown_inside(part: Message) -> bool:
    return part.get_content_disposition() != "attachment" and bool(
        part.get("Content-ID") or part.get("Content-Location") or not _filename(part)
    )


def _part_text(part: Message, kind: str) -> str:
    data = _payload(part)
    charset = _parameter(part, "charset")
    if kind == "text/html" and not charset:
        return decode_html(data, "mail").text
    text = _text(data, charset).replace("\r\n", "\n")
    return _SOFT_BREAK.sub(" ", text) if _parameter(part, "format") == "flowed" else text


def _parameter(part: Message, name: str) -> str:
    value = part.get_param(name, "")
    return (value[2] if isinstance(value, tuple) else str(value)).lower()


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _filename(part: Message) -> str:
    try:
        return _decoded_name(part.get_filename() or "")
    except (LookupError, TypeError, ValueError):  # parameters that RFC 2231 does not know
        return ""


def _decoded_name(name: str) -> str:
    if "=?" not in name:
        return clean_line(name)
    pieces = decode_header(name)
    return clean_line(
        "".join(w if isinstance(w, str) else _text(w, charset or "") for w, charset in pieces)
    )


def _attach(members: Members, part: Message, number: int) -> None:
    """Read one attachment as a part."""
    name = _filename(part).replace("\\", "/").rpartition("/")[2]
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        inner = cast(list[Message], part.get_payload())[0]
        label = name or header(inner, "Subject") or f"attached mail {number}"
        document = members.compose(label, 0, lambda: compose_message(inner, label, members.options))
    else:
        ending = mimetypes.guess_extension(part.get_content_type()) or ""
        label = name or f"attachment {number}{ending}"
        document = members.read(label, _payload(part))
    if document is not None:
        members.add(label, document)
