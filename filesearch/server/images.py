"""Images: pictures in messages that are files of ours -> data URLs, for a model that sees.

URLs go to the model's server as they were given: nothing is fetched from elsewhere here. A picture
that cannot be shown has words in its place, so that the model can say so.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from filesearch.errors import NotFound
from filesearch.messages import Image, Message, replace_images
from filesearch.server.errors import check_id, invalid, not_found

if TYPE_CHECKING:
    from filesearch.server.context import Server

MAX_IMAGE_BYTES = 50 << 20  # OpenAI's, for all images of one request
# What OpenAI takes: the guide to images, "Image input requirements".
_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
)
_FORMATS = "PNG, JPEG, WEBP or GIF"
_HEAD_BYTES = 12
_URL = re.compile(r"(?:https?://|data:)", re.IGNORECASE)
_GONE = "[an image that is no longer there]"
_NO_IMAGE = f"[a file that is no image of the formats {_FORMATS}]"
_TOO_MUCH = f"[an image, left out: a request shows {MAX_IMAGE_BYTES >> 20} MiB of images at most]"


def check_image_url(url: str, at: str) -> None:
    """See that an image is given by a URL that a model's server may fetch, or by its data.

    Raises:
        ApiError: It is of another scheme, or none; `at` says where it stands.
    """
    if not _URL.match(url):
        raise invalid(
            f"Invalid '{at}'. Expected a URL that begins with http://, https:// or data:, but got "
            "a value with another format.",
            at,
            "invalid_value",
        )


def require_image_file(server: Server, file_id: str, at: str, scope: str | None) -> None:
    """See that a file is there and is an image.

    Raises:
        ApiError: It is not; `at` says where it stands.
    """
    check_id("file", file_id, name=at)
    try:
        with server.files.open(file_id, owner=scope) as stream:
            head = stream.read(_HEAD_BYTES)
    except NotFound as error:
        raise not_found(f"No such File object: {file_id}") from error
    if _media_type(head) is None:
        raise invalid(
            f"Invalid '{at}': the file is no image of the formats {_FORMATS}; send another file "
            "as 'input_file'.",
            at,
            "invalid_image_format",
        )


def show_images(server: Server, messages: Sequence[Message]) -> list[Message]:
    """Return messages with the bytes of those images that are files of ours.

    The newest come first: where all are more than `MAX_IMAGE_BYTES`, words stand for older ones.
    Whose the files are was asked when the messages came in.
    """
    left = MAX_IMAGE_BYTES

    def shown(image: Image) -> Image | str:
        nonlocal left
        found = image if image.url else _read(server, image, left)
        if isinstance(found, str):
            return found
        size = _data_bytes(found.url)
        if size > left:
            return _TOO_MUCH
        left -= size
        return found

    return [replace_images(message, shown) for message in reversed(messages)][::-1]


def _read(server: Server, image: Image, max_bytes: int) -> Image | str:
    try:
        with server.files.open(image.file_id) as stream:
            data = stream.read(max_bytes + 1)
    except NotFound:
        return _GONE
    if len(data) > max_bytes:
        return _TOO_MUCH
    kind = _media_type(data[:_HEAD_BYTES])
    if kind is None:
        return _NO_IMAGE
    return Image(f"data:{kind};base64,{base64.b64encode(data).decode()}", detail=image.detail)


def _data_bytes(url: str) -> int:
    """Return about how many bytes a URL brings along: base64 takes four characters for three."""
    return (len(url) - url.find(",") - 1) * 3 // 4 if url[:5].lower() == "data:" else 0


def _media_type(head: bytes) -> str | None:
    return next((kind for signature, kind in _SIGNATURES if signature.match(head)), None)
