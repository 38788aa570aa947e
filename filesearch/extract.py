"""Extract: the bytes of a file -> its document, read once for all files with the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

from filesearch.catalog import Catalog
from filesearch.load import LOADER_VERSION, LoadOptions, sniff
from filesearch.load.isolation import Loader
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
from filesearch.types import Document

_READ_BY_OCR = IMAGES | {PDF, ZIP, TAR, EML, MBOX, MSG}
"""What is read by OCR, or may hold such files."""
_WITH_PICTURES = frozenset((DOCX, PPTX))
"""What holds pictures that are read on request."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The document of a file, and the key under which the catalog keeps it."""

    load_key: str
    document: Document


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
    if document is None:
        document = loader.load(data, filename)
    return Extracted(load_key, document)


def ocr_part(media_type: str, options: LoadOptions) -> str:
    """Return what a load key says of OCR: a document is kept for the engine that read it alone.

    Empty for media types in which nothing is read by OCR.
    """
    in_text = media_type in _WITH_PICTURES and options.ocr == "all"
    if media_type not in _READ_BY_OCR and not in_text:
        return ""
    from filesearch.load.ocr import describe_engine  # an engine is looked for when one is wanted

    return f":{options.ocr}:{describe_engine(options)}"


def find_given(digest: str, catalog: Catalog) -> Extracted | None:
    """Return a document that was given as text, without bytes; None when there is none."""
    load_key = given_key(digest)
    document = catalog.find_document(load_key)
    return Extracted(load_key, document) if document else None


def given_key(digest: str) -> str:
    """Return the key of a document that was given as text."""
    return f"{digest}:document"
