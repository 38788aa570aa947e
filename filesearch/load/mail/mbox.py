"""Mbox: a mailbox in one file (RFC 4155) -> one Document, each message a part named by its subject.

Messages are told apart as mboxrd does: by a line "From " after an empty one; ">From " within a
message stands for "From ".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from filesearch.load.compose import Composer
from filesearch.load.containers.members import Members
from filesearch.load.mail import eml
from filesearch.load.media_types import EML
from filesearch.load.options import LoadOptions
from filesearch.types import Document

_START = re.compile(rb"(?:\A|(?<=\n)(?:\r?\n))From [^\r\n]*\d{4}[^\r\n]*\r?\n")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a mailbox.

    Raises:
        InvalidFile: Nested too deeply, or without a message that has text.
    """
    composer = Composer(filename)
    members = Members(composer, options)
    for number, message in enumerate(_messages(data), 1):
        name = f"message {number}"
        document = members.compose(
            name,
            len(message),
            functools.partial(eml.parse, message, name, EML, members.options),
        )
        if document is not None:
            members.add(document.title or name, document)
    members.finish()
    return composer.build(media_type)


def _messages(data: bytes) -> Iterator[bytes]:
    starts = list(_START.finditer(data))
    ends = [*(found.start() for found in starts[1:]), len(data)]
    for found, end in zip(starts, ends, strict=False):  # no start: no message
        message = data[found.end() : end]
        if message.strip():
            yield _QUOTED.sub(rb"\1", message)
