"""Raster: an encoded picture -> its pages, decoded within limits, upright, in gray.

bytes -> frames, each a PIL image of mode "L". What a file declares is checked before anything is
decoded: a picture of a few kilobytes may declare gigabytes of pixels.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from filesearch.errors import InvalidFile

MAX_PIXELS = 100_000_000
"""Largest picture that is decoded: 400 MB in colour, A1 at 300 dpi; a page has 9 million."""
MAX_FRAMES = 1_000
"""Most pages of one TIFF."""
_MIN_CONTRAST = 32
"""Shades between the darkest and the lightest spot that print has at least, of 256."""
_MIN_SIDE = 16
"""Nothing can be read on less, in pixels."""
_GOOD_SIDE = 2_300
"""The long side of a page at 200 dpi. Chinese that was rendered at 72, 96 and 150 dpi is read with
0.71, 0.975 and 0.981 similarity as it is, 0.971, 0.982 and 0.986 enlarged to about this; English
with 0.996 to 1 and 1. Still larger is worse again: 0.89 for 72 dpi three times enlarged."""
_MAX_ENLARGED = 2.0
_GOOD_PIXELS = 4_500_000
"""A4 at 215 dpi. Chinese at 300 dpi is read with 0.966 similarity as it is, 0.981 reduced to this;
English with 1 both ways."""
_GOOD_DPI = 200
_MIN_DPI = 150
"""What says less was not scanned: 72 and 96 are what programs write when they do not know."""
_MAX_READ_PIXELS = 12_000_000
"""A2 at 200 dpi; more takes too long."""

# What `sniff` lets through; Pillow would try every format it knows, some of them programs (EPS).
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
# Decoders raise whatever they like at broken data; these are what Pillow's own do.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    ZeroDivisionError,
    OverflowError,
)


class Frame(NamedTuple):
    """One page of a picture, from 1: decoded, or why it cannot be."""

    number: int
    image: Image.Image | None
    problem: str = ""


def frames(data: bytes, filename: str, *, formats: tuple[str, ...] = _FORMATS) -> Iterator[Frame]:
    """Yield the pages of a picture: all of a TIFF, the first of an animation.

    Args:
        data: The encoded picture.
        filename: For messages.
        formats: Pillow's names of the formats that may be decoded.

    Raises:
        InvalidFile: No picture, or the first page of it is damaged, cut off or over `MAX_PIXELS`.
            Later pages that cannot be decoded come with their problem instead.
    """
    with warnings.catch_warnings():
        # Pillow warns of bombs from 89 million pixels on, and of odd metadata; limits are ours.
        warnings.simplefilter("ignore")
        picture = _open(data, filename, formats)
        count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
        for number in range(1, min(count, MAX_FRAMES) + 1):
            try:
                if number > 1:
                    picture.seek(number - 1)
                frame = Frame(number, _decode(picture))
            except (InvalidFile, Image.DecompressionBombError, *_BROKEN) as error:
                if number == 1:
                    raise _invalid(filename, error) from error
                frame = Frame(number, None, _reason(error))
            yield frame
    if count > MAX_FRAMES:
        problem = f"only the first {MAX_FRAMES:,} of its {count:,} pages were read"
        yield Frame(MAX_FRAMES + 1, None, problem)


def _open(data: bytes, filename: str, formats: tuple[str, ...]) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        raise InvalidFile(
            f"{filename!r} is damaged, it cannot be opened as a picture; save it again"
        ) from error
    except (Image.DecompressionBombError, *_BROKEN) as error:
        raise _invalid(filename, error) from error


def _decode(picture: Image.Image) -> Image.Image:
    """Return the current page of a picture; raises what the decoder raises."""
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise InvalidFile(
            f"it is {width:,} x {height:,} pixels, more than the {MAX_PIXELS:,} that are "
            "decoded; scale it down or cut it up"
        )
    picture.load()
    return to_gray(ImageOps.exif_transpose(picture))


def to_gray(image: Image.Image) -> Image.Image:
    """Return a picture in mode "L", what is transparent in white.

    Args:
        image: Of any mode; it is left as it is.
    """
    if image.mode == "L" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        # 16 bits and floats: Pillow would clip at 255 where scaling is meant.
        low, high = _extrema(image)
        scale = 255.0 / (high - low) if high > low else 0.0
        return image.convert("F").point(lambda value: value * scale - low * scale).convert("L")
    if image.mode in ("P", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    if "A" not in image.getbands():
        return image.convert("L")
    gray = Image.new("L", image.size, 255)
    gray.paste(image.convert("L"), mask=image.getchannel("A"))
    gray.info = dict(image.info)
    gray.info.pop("transparency", None)
    return gray


def fit(image: Image.Image) -> Image.Image | None:
    """Return a picture in gray and in a size in which engines read well.

    None when it is too small to hold a letter.
    """
    gray = to_gray(image)
    width, height = gray.size
    if min(width, height) < _MIN_SIDE:
        return None
    dpi = _dpi(image)
    if dpi >= _MIN_DPI:  # a page of which the real size is known, and which may be a large one
        scale, most = min(_GOOD_DPI / dpi, 1.0), _MAX_READ_PIXELS
    else:
        scale, most = max(_GOOD_SIDE / max(width, height), 1.0), _GOOD_PIXELS
    scale = min(scale, _MAX_ENLARGED, (most / (width * height)) ** 0.5)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return gray if size == gray.size else gray.resize(size, Image.Resampling.LANCZOS)


def is_blank(image: Image.Image) -> bool:
    """Whether there is nothing on a picture: all of it has one shade, or nearly."""
    low, high = _extrema(to_gray(image))
    return high - low < _MIN_CONTRAST


def _dpi(image: Image.Image) -> float:
    """Return the resolution that the file of a picture states, 0 where it does not."""
    stated = image.info.get("dpi")
    try:
        return float(min(stated)) if stated else 0.0
    except (TypeError, ValueError, ZeroDivisionError):  # TIFF may say 0/0
        return 0.0


def _extrema(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    if isinstance(low, tuple) or isinstance(high, tuple):
        raise ValueError(f"pictures of mode {image.mode} are not read")  # noqa: TRY004 - broken data
    return low, high


def _invalid(filename: str, error: BaseException) -> InvalidFile:
    if isinstance(error, InvalidFile | Image.DecompressionBombError):
        return InvalidFile(f"{filename!r} cannot be read: {_reason(error)}")
    return InvalidFile(f"{filename!r} is damaged or cut off: {_reason(error)}; save it again")


def _reason(error: BaseException) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return (
            f"it has far more than the {MAX_PIXELS:,} pixels that are decoded; "
            "scale it down or cut it up"
        )
    return str(error) or type(error).__name__
