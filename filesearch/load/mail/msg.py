"""Msg: a mail as Outlook saves it -> Document, laid out as eml's are.

An OLE container ([MS-CFB], read by olefile) whose streams are the mail's properties ([MS-OXMSG]):
`__substg1.0_` and eight hexadecimal digits, the property's id ([MS-OXPROPS]) and its type.
"""

from __future__ import annotations

import codecs
import datetime
import io
import struct
from typing import TYPE_CHECKING

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.clean import clean_line
from filesearch.load.compose import Composer
from filesearch.load.containers.members import Members
from filesearch.load.mail.letters import Letter, add_letter, letter_attributes
from filesearch.load.mail.outlook_rtf import unpack_rtf
from filesearch.load.media_types import MSG
from filesearch.load.options import LoadOptions
from filesearch.load.text.decode import decode
from filesearch.load.web.html import decode_html
from filesearch.types import Document

if TYPE_CHECKING:
    from olefile import OleFileIO

_UNICODE, _BYTES, _BINARY, _STORAGE = "001F", "001E", "0102", "000D"
_SUBJECT, _SENDER, _SENDER_SMTP, _SENDER_MAIL = "0037", "0C1A", "5D01", "0C1F"
_TO, _CC, _BODY, _RTF, _HTML = "0E04", "0E03", "1000", "1009", "1013"
_SUBMITTED, _DELIVERED = 0x0039, 0x0E06
_CODE_PAGES = (0x3FFD, 0x3FDE)
_FILE_NAMES, _FILE, _CONTENT_ID, _HIDDEN = ("3707", "3704", "3001"), "3701", "3712", 0x7FFE
_ENTRY = struct.Struct("<HHI8s")
"""Type, id, flags and value of a property of fixed length: [MS-OXMSG] 2.4.2."""
_HEADERS = {"message": 32, "embedded": 24, "attachment": 8}
"""Bytes before the first entry: [MS-OXMSG] 2.4.1."""
_EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of an Outlook message, with its attachments as parts.

    Raises:
        InvalidFile: Damaged, nested too deeply, or without any text.
    """
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            return _compose(_Properties(container, [], "message"), filename, options)
    except (OSError, struct.error, IndexError) as error:  # what olefile raises on a damaged file
        raise InvalidFile(
            f"{filename!r} is damaged, it cannot be opened as an Outlook message ({error}); "
            "save it again, or as eml"
        ) from error


class _Properties:
    """The properties of a message or an attachment: a storage of the container.

    Args:
        container: The whole file.
        path: Of the storage.
        kind: A key of `_HEADERS`.
    """

    def __init__(self, container: OleFileIO, path: list[str], kind: str) -> None:
        self.container = container
        self.path = path
        self.fixed: dict[int, bytes] = {}
        table = self._stream("__properties_version1.0")
        for start in range(_HEADERS[kind], len(table) - _ENTRY.size + 1, _ENTRY.size):
            _, number, _, value = _ENTRY.unpack_from(table, start)
            self.fixed[number] = value

    def _stream(self, name: str) -> bytes:
        place = [*self.path, name]
        if self.container.get_type(place) != 2:  # STGTY_STREAM
            return b""
        with self.container.openstream(place) as stream:
            return bytes(stream.read())

    def binary(self, number: str) -> bytes:
        return self._stream(f"__substg1.0_{number}{_BINARY}")

    def has_storage(self, number: str) -> bool:
        place = [*self.path, f"__substg1.0_{number}{_STORAGE}"]
        return bool(self.container.get_type(place) == 1)  # STGTY_STORAGE

    def text(self, number: str) -> str:
        if found := self._stream(f"__substg1.0_{number}{_UNICODE}"):
            return found.decode("utf-16-le", "replace").rstrip("\x00")
        found = self._stream(f"__substg1.0_{number}{_BYTES}").rstrip(b"\x00")
        return self._decoded(found) if found else ""

    def _decoded(self, data: bytes) -> str:
        for number in _CODE_PAGES:
            page = int.from_bytes(self.fixed.get(number, b"")[:4], "little")
            try:
                encoding = "utf-8" if page == 65001 else codecs.lookup(f"cp{page}").name
                return data.decode(encoding)
            except (LookupError, UnicodeDecodeError):
                continue
        try:
            return decode(data, "mail").text
        except UnsupportedFile:
            return data.decode("latin-1")

    def date(self, number: int) -> datetime.datetime | None:
        """Return a FILETIME: 100 ns since 1601, in UTC."""
        ticks = int.from_bytes(self.fixed.get(number, b""), "little")
        try:
            return _EPOCH + datetime.timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def is_set(self, number: int) -> bool:
        return any(self.fixed.get(number, b"")[:1])

    def attachments(self) -> list[list[str]]:
        """Return the paths of the storages of its attachments, in order."""
        depth = len(self.path)
        found = {
            tuple(path[: depth + 1])
            for path in self.container.listdir(streams=True, storages=True)
            if path[:depth] == self.path
            and len(path) > depth
            and path[depth].startswith("__attach_version1.0_")
        }
        return [list(path) for path in sorted(found)]


def _compose(message: _Properties, filename: str, options: LoadOptions) -> Document:
    composer = Composer(filename)
    members = Members(composer, options)
    sent = message.date(_SUBMITTED) or message.date(_DELIVERED)
    html = message.text(_HTML)
    if not html and (data := message.binary(_HTML)):
        html = decode_html(data, filename).text
    name = clean_line(message.text(_SENDER))
    address = message.text(_SENDER_SMTP) or message.text(_SENDER_MAIL)
    # Within one Exchange server the address is a path of its directory ("/O=...").
    address = f"<{address}>" if "@" in address and address != name else ""
    letter = Letter(
        sender=f"{name} {address}".strip(),
        to=message.text(_TO),
        cc=message.text(_CC),
        date=sent.strftime("%Y-%m-%d %H:%M UTC") if sent else "",
        subject=message.text(_SUBJECT),
        sent=sent.replace(microsecond=0).isoformat() if sent else "",
        plain=message.text(_BODY),
        html=html,
    )
    add_letter(composer, letter)
    if not letter.plain.strip() and not html:
        _add_rtf(composer, message.binary(_RTF), members)
    for number, path in enumerate(message.attachments(), 1):
        _attach(members, _Properties(message.container, path, "attachment"), number)
    members.finish()
    return composer.build(MSG, title=letter.subject, attributes=letter_attributes(letter))


def _add_rtf(composer: Composer, packed: bytes, members: Members) -> None:
    """Append a body that exists as rich text alone."""
    if not packed:
        return
    try:
        body = load(unpack_rtf(packed), "body.rtf", members.options)
    except (InvalidFile, UnsupportedFile) as error:
        composer.warn(f"its body is rich text that cannot be read ({error})")
    else:
        composer.add_document(body)


def _attach(members: Members, attachment: _Properties, number: int) -> None:
    """Read one attachment as a part; pictures shown within the body are left out."""
    name = next(filter(None, (clean_line(attachment.text(n)) for n in _FILE_NAMES)), "")
    if attachment.has_storage(_FILE):
        path = [*attachment.path, f"__substg1.0_{_FILE}{_STORAGE}"]
        inner = _Properties(attachment.container, path, "embedded")
        label = name or clean_line(inner.text(_SUBJECT)) or f"attached mail {number}"
        document = members.compose(label, 0, lambda: _compose(inner, label, members.options))
    else:
        data = attachment.binary(_FILE)
        if not data or attachment.text(_CONTENT_ID) or attachment.is_set(_HIDDEN):
            return
        label = name or f"attachment {number}"
        document = members.read(label, data)
    if document is not None:
        members.add(label, document)
