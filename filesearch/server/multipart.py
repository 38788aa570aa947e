"""Multipart: a form with one file, written to disk as it arrives.

Request -> UploadedForm. Neither the file nor the request is ever whole in memory, and a file that
is too large is refused when the byte that is too many arrives, whatever its headers said.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from filesearch.protocols import IncomingBlob
from filesearch.server.errors import ApiError

# What is handed to a thread at once: large enough that the hand-over costs little.
_FEED_BYTES = 1 << 18
_MAX_FIELD_BYTES = 1 << 16
_MAX_PARTS = 100
# Room for boundaries, headers and fields beside the file.
_OVERHEAD_BYTES = 1 << 20
_BRACKETED = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
# What clients write for these three characters in a file's name, and for no other: WHATWG's HTML,
# "multipart/form-data encoding algorithm". A "%" itself stays as it is.
_ESCAPED = re.compile("%(22|0D|0A)")

# What is wrong with a form is told to who sent it; the parser would tell the log as well.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

Incoming = TypeVar("Incoming", bound=IncomingBlob)


@dataclass
class UploadedForm(Generic[Incoming]):
    """What a form held.

    Attributes:
        fields: The other fields; `expires_after[seconds]` stands in a dict of its own, and whole
            numbers in such a one are numbers.
        filename: As the client sent it; empty when it gave none.
        incoming: The bytes of the file; deleted with the end of `receive_form` unless kept.
    """

    filename: str
    incoming: Incoming
    fields: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def receive_form(
    request: Request, *, file_field: str, receive: Callable[[], Incoming], max_bytes: int
) -> AsyncIterator[UploadedForm[Incoming]]:
    """Read a form whose field `file_field` is a file.

    Args:
        request: Its body is read to the end.
        file_field: The name of the field; other files are passed over.
        receive: Returns where its bytes go; called from another thread when the first ones come.
        max_bytes: Of the file.

    Raises:
        ApiError: 413 for a file that is too large; 400 where there is no form, it is broken, or
            it holds no such file.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > max_bytes + _OVERHEAD_BYTES:
        raise _too_large(file_field, max_bytes)
    with ExitStack() as stack:

        def begin() -> Incoming:
            incoming = receive()
            stack.push(incoming.__exit__)
            return incoming

        reader = _FormReader(request, file_field, begin, max_bytes)
        waiting = bytearray()
        try:
            async for block in request.stream():
                waiting += block
                if len(waiting) >= _FEED_BYTES:
                    await run_in_threadpool(reader.feed, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(reader.feed, bytes(waiting))
        except ClientDisconnect:
            raise ApiError(400, "The connection was closed before the form was complete.") from None
        yield reader.result()


class _FormReader(Generic[Incoming]):
    def __init__(
        self, request: Request, file_field: str, receive: Callable[[], Incoming], max_bytes: int
    ) -> None:
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise ApiError(
                400,
                "The request must be a form: give it the content type 'multipart/form-data' "
                f"with a boundary, not '{request.headers.get('content-type', '')}'.",
            )
        self._file_field = file_field
        self._receive = receive
        self._max_bytes = max_bytes
        self._fields: dict[str, Any] = {}
        self._filename = ""
        self._incoming: Incoming | None = None
        self._part_count = self._total_bytes = 0
        self._is_complete = False
        self._start_part()
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._start_part,
                    "on_header_field": self._take_header_name,
                    "on_header_value": self._take_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open_part,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _broken(error) from error

    def feed(self, block: bytes) -> None:
        """Take some more of the body."""
        self._total_bytes += len(block)
        if self._total_bytes > self._max_bytes + _OVERHEAD_BYTES:
            raise _too_large(self._file_field, self._max_bytes)
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise _broken(error) from error

    def result(self) -> UploadedForm[Incoming]:
        """Return what the whole body held."""
        if not self._is_complete:
            raise _broken("it ends without its last boundary")
        if self._incoming is None:
            if self._file_field in self._fields:
                raise ApiError(
                    400,
                    f"Invalid '{self._file_field}': expected a file with a file name, "
                    "but got a field without one.",
                    param=self._file_field,
                    code="invalid_value",
                )
            raise ApiError(
                400,
                f"Missing required parameter: '{self._file_field}'.",
                param=self._file_field,
                code="missing_required_parameter",
            )
        return UploadedForm(self._filename, self._incoming, self._fields)

    # What the parser calls

    def _start_part(self) -> None:
        self._part_count += 1
        if self._part_count > _MAX_PARTS:
            raise _broken(f"it has more than {_MAX_PARTS} parts")
        self._header_name, self._header_value, self._disposition = b"", b"", b""
        self._name = ""
        self._value = bytearray()
        self._is_file = self._is_passed_over = False

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def _open_part(self) -> None:
        _kind, options = parse_options_header(self._disposition)
        self._name = _decode(options.get(b"name", b""), "name")
        filename = options.get(b"filename")
        self._is_file = filename is not None and self._name == self._file_field
        self._is_passed_over = filename is not None and not self._is_file
        if filename is not None and self._is_file:
            if self._incoming is not None:
                raise ApiError(
                    400,
                    f"Invalid '{self._name}': expected one file, but got several.",
                    param=self._name,
                    code="invalid_value",
                )
            # A name that is not UTF-8 is no reason to refuse the bytes.
            self._filename = _ESCAPED.sub(_unescape, filename.decode(errors="replace"))
            self._incoming = self._receive()

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_passed_over:
            return
        if self._is_file and self._incoming is not None:
            if self._incoming.size_bytes + end - start > self._max_bytes:
                raise _too_large(self._file_field, self._max_bytes)
            self._incoming.write(data[start:end])
        else:
            self._value += data[start:end]
            if len(self._value) > _MAX_FIELD_BYTES:
                raise ApiError(
                    400,
                    f"Invalid '{self._name}': longer than {_MAX_FIELD_BYTES} bytes.",
                    param=self._name,
                    code="string_above_max_length",
                )

    def _end_part(self) -> None:
        if self._is_file or self._is_passed_over:
            return
        value = _decode(bytes(self._value), self._name)
        nested = _BRACKETED.fullmatch(self._name)
        if nested is None:
            self._fields[self._name] = value
            return
        inner = self._fields.setdefault(nested[1], {})
        if isinstance(inner, dict):
            is_number = value.isascii() and value.isdigit() and len(value) < 19
            inner[nested[2]] = int(value) if is_number else value

    def _end(self) -> None:
        self._is_complete = True


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ApiError(
            400, f"Invalid '{name}': not in UTF-8.", param=name, code="invalid_value"
        ) from None


def _broken(reason: object) -> ApiError:
    return ApiError(400, f"The form cannot be read: {reason}.")


def _too_large(name: str, max_bytes: int) -> ApiError:
    return ApiError(
        413, f"Invalid '{name}': larger than {max_bytes} bytes, the most that is taken.", param=name
    )
