"""Formats: the samples and what their tests hold -> the table of the README."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from samples import SAMPLES, Sample

from filesearch.load import sniff
from filesearch.load.media_types import BY_EXTENSION

BEGIN, END = "<!-- formats-table -->", "<!-- /formats-table -->"
_MOST_EXTENSIONS = 6


def render() -> str:
    """Return the table as Markdown: a row for each sample, as test_formats.py finds it."""
    lines = [
        "| format | extensions | file | text found in it | a citation names |",
        "| --- | --- | --- | --- | --- |",
    ]
    for sample in SAMPLES:
        cells = (
            sample.format,
            extensions(sample),
            f"`{sample.filename}`",
            sample.text,
            cited(sample),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def extensions(sample: Sample) -> str:
    """Return the extensions that mean the format of a sample, its own first."""
    own = Path(sample.filename).suffix.lower()
    by_type: defaultdict[str, list[str]] = defaultdict(list)
    for extension, media_type in BY_EXTENSION.items():
        # What an extension of source code means is its language.
        name = (
            "code" if media_type.startswith("text/x-") and media_type not in _NAMED else media_type
        )
        by_type[name].append(extension)
    media_type = sniff(sample.make(), sample.filename)
    is_code = media_type not in by_type or own == ".js"
    others = by_type["code" if is_code else media_type]
    names = [own, *sorted(name for name in others if name != own)]
    shown = " ".join(f"`{name}`" for name in names[:_MOST_EXTENSIONS])
    more = len(names) - _MOST_EXTENSIONS
    return f"{shown} and {more} more" if more > 0 else shown


_NAMED = frozenset(
    BY_EXTENSION[extension]
    for extension in (".py", ".rst", ".tex", ".adoc", ".org")
    if extension in BY_EXTENSION
)


def cited(sample: Sample) -> str:
    """Return what a citation of a sample's text names."""
    names = [sample.place] if sample.place else []
    if sample.needs_ocr:
        names.append("how sure OCR is")
    return ", ".join(names) or "the file"


def write_table(path: Path) -> None:
    """Put the table between the two markers of a Markdown file.

    Raises:
        ValueError: The file has no such markers.
    """
    text = path.read_text(encoding="utf-8")
    path.write_text(replace_table(text, render()), encoding="utf-8")


def replace_table(text: str, table: str) -> str:
    """Return a text with the table between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} ... {END} in the text")
    return f"{before}{BEGIN}\n{table}{END}{after}"
