"""Extract: the bytes of a file -> its document, read once for all files with the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

from filesearch.catalog import Catalog
from filesearch.load import LOADER_VERSION, LoadOptions, sniff
from filesearch.load.media_types import (
    DOCX,
    EML,
    IMAGES,
    MBOX,
    MSG,
    PDF,
    PPTX,
    TAR,
    ZIP,
)
from filesearch.load.process.isolation import Loader
from filesearch.records import FileRecord
from filesearch.types import Document

_READ_BY_OCR = IMAGES | {PDF, ZIP, TAR, EML, MBOX, MSG}
"""What is read by OCR, or may hold such files."""
_WITH_PICTURES = frozenset((DOCX, PPTX))
"""What holds pictures that are read on request."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The document of a file, and the key under which the catalog keeps it.

    Attributes:
        is_kept: The catalog has it already.
    """

    load_key: str
    document: Document
    is_kept: bool = False


def extract(
    data: bytes, filename: str, *, digest: str, catalog: Catalog, loader: Loader
) -> Extracted:
    """Return the document of a file: the one that the catalog has, else as `loader` reads it.

    Args:
        data: The whole file.
        filename: Its name, for the extension and for messages.
        digest: SHA-256 of `data`.
        catalog, loader: Where the document is looked for, in this order.

    Raises:
        UnsupportedFile, InvalidFile: As Loader.load.
    """
    media_type = sniff(data, filename)
    load_key = f"{digest}:{media_type}:{LOADER_VERSION}{ocr_part(media_type, loader.options)}"
    document = catalog.find_document(load_key)
    if document is not None:
        return Extracted(load_key, document, is_kept=True)
    return Extracted(load_key, loader.load(data, filename))


def ocr_part(media_type: str, options: LoadOptions) -> str:
    """Return what a load key says of OCR: a document is kept for the engine that read it alone.

    Empty for media types in which nothing is read by OCR.
    """
    in_text = media_type in _WITH_PICTURES and options.ocr == "all"
    if media_type not in _READ_BY_OCR and not in_text:
        return ""
    from filesearch.load.ocr.engine import (
        describe_engine,  # an engine is looked for when one is wanted
    )

    return f":{options.ocr}:{describe_engine(options)}"


def is_read_otherwise(known: FileRecord, options: LoadOptions) -> bool:
    """Return whether OCR would now read something of a file that it did not when it was read.

    An engine that came or went changes nothing of a document that was read without a warning.
    """
    before = known.load_key.split(":", 3)[3:]
    now = ocr_part(known.media_type, options).split(":", 1)[1:]
    if not known.load_key or before == now:
        return False
    modes = {part.partition(":")[0] for part in (*before, *now)}
    return "all" in modes or bool(known.warnings)


def find_given(digest: str, catalog: Catalog) -> Extracted | None:
    """Return a document that was given as text, without bytes; None when there is none."""
    load_key = given_key(digest)
    document = catalog.find_document(load_key)
    return Extracted(load_key, document) if document else None


def given_key(digest: str) -> str:
    """Return the key of a document that was given as text."""
    return f"{digest}:document"
