"""Text: plain text, Markdown, reStructuredText, AsciiDoc, Org, TeX and source code -> Document.

The text stays as it is, apart from `clean_text`: a position in the Document is a position in the
file. Two formats begin with what nobody asks for, which is left out (and shifts positions):
Markdown's front matter and TeX's preamble and comments.
Headings (and Python's classes and functions) become heading spans.
"""

from __future__ import annotations

from filesearch.errors import InvalidFile
from filesearch.load.clean import clean_text
from filesearch.load.compose import require_length
from filesearch.load.media_types import MARKDOWN, ORG, PYTHON, TEX
from filesearch.load.options import LoadOptions
from filesearch.load.text.decode import decode
from filesearch.load.text.front_matter import FrontMatter, split_front_matter
from filesearch.load.text.headings import find_headings, org_title, sections, tex_title
from filesearch.load.text.tex import strip_tex
from filesearch.types import Document


def parse(data: bytes, filename: str, media_type: str, options: LoadOptions) -> Document:
    """Return the Document of a text file.

    Raises:
        UnsupportedFile: The bytes are no text.
        InvalidFile: Blank, or longer than is taken.
    """
    decoded = decode(data, filename)
    text = clean_text(decoded.text)
    require_length(len(text), filename)
    if not text or text.isspace():
        raise InvalidFile(f"{filename!r} is empty; there is nothing to search in it")
    stated = FrontMatter(text)
    if media_type == MARKDOWN:
        stated = split_front_matter(text)
    elif media_type == TEX:
        stated = FrontMatter(strip_tex(text), tex_title(text))
    elif media_type == ORG:
        stated = FrontMatter(text, org_title(text))
    headings = find_headings(stated.body, media_type)
    title = stated.title
    if not title and headings and media_type != PYTHON:
        title = headings[0].label
    return Document(
        text=stated.body,
        spans=sections(headings, len(stated.body)),
        title=title,
        media_type=media_type,
        warnings=((decoded.warning,) if decoded.warning else ()) + stated.warnings,
        attributes=stated.attributes,
    )
