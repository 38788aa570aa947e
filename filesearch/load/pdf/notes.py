"""PDF notes: what is written on a page but is no part of its content: form fields, annotations.

pdfium page -> lines. A filled field is shown with its name ("Date of birth: 3 May 1990"), since
what is printed beside it need not be near it in the page's text.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from filesearch.load.clean import clean_line

MAX_NOTES = 2_000
"""Annotations read of one page; large forms have some hundreds."""
_SILENT = frozenset((pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP))
"""Links say where they lead; a pop-up repeats the note that it belongs to."""
_TICKED = frozenset((pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON))
_WRITTEN = frozenset(
    (
        pdfium_c.FPDF_FORMFIELD_TEXTFIELD,
        pdfium_c.FPDF_FORMFIELD_COMBOBOX,
        pdfium_c.FPDF_FORMFIELD_LISTBOX,
    )
)
_HIDDEN = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW


def read_notes(pdf: pdfium.PdfDocument, page: pdfium.PdfPage) -> list[str]:
    """Return the filled fields and the annotations of a page, a line each, without repeats."""
    count = min(pdfium_c.FPDFPage_GetAnnotCount(page), MAX_NOTES)
    return list(dict.fromkeys(_notes(pdf, page, count))) if count > 0 else []


def _notes(pdf: pdfium.PdfDocument, page: pdfium.PdfPage, count: int) -> Iterator[str]:
    for index in range(count):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            if kind in _SILENT or pdfium_c.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            is_field = kind == pdfium_c.FPDF_ANNOT_WIDGET
            text = _field(pdf, annotation) if is_field else _contents(annotation)
            if text:
                yield text
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)


def _contents(annotation: pdfium_c.FPDF_ANNOTATION) -> str:
    return _string(
        lambda buffer, size: pdfium_c.FPDFAnnot_GetStringValue(
            annotation, b"Contents", buffer, size
        )
    )


def _field(pdf: pdfium.PdfDocument, annotation: pdfium_c.FPDF_ANNOTATION) -> str:
    """Return "name: value" of a filled or ticked field; empty for others, and for passwords."""
    form = pdf.formenv
    if form is None:
        return ""
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _TICKED:
        if not pdfium_c.FPDFAnnot_IsChecked(form, annotation):
            return ""
    elif kind not in _WRITTEN or _is_password(form, annotation):
        return ""

    def ask(function: Callable[..., int]) -> str:
        return _string(lambda buffer, size: function(form, annotation, buffer, size))

    value = ask(pdfium_c.FPDFAnnot_GetFormFieldValue)
    name = ask(pdfium_c.FPDFAnnot_GetFormFieldAlternateName) or ask(
        pdfium_c.FPDFAnnot_GetFormFieldName
    )
    if not value:
        return ""
    return f"{name}: {value}" if name else value


def _is_password(form: pdfium.PdfFormEnv, annotation: pdfium_c.FPDF_ANNOTATION) -> bool:
    flags: int = pdfium_c.FPDFAnnot_GetFormFieldFlags(form, annotation)
    return bool(flags & pdfium_c.FPDF_FORMFLAG_TEXT_PASSWORD)


def _string(fill: Callable[[Any, int], int]) -> str:
    """Return the string that a function of pdfium writes into a buffer, on one line.

    Such a function returns how many bytes it needs, the two zero bytes at the end included.
    """
    size = fill(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    fill(ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), size)
    return clean_line(buffer.raw[: size - 2].decode("utf-16-le", errors="replace"))
