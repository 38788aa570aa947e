"""Formats: of each a real file is found by what it says, and a citation says where."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import formats
import pytest
from samples import SAMPLES, Sample

from filesearch import FileSearch, IngestReport
from filesearch.cite import PATH_SEPARATOR, headings_beside, place_name
from filesearch.errors import UnsupportedFile
from filesearch.load import LoadOptions
from filesearch.load.ocr.engine import find_engine

ROOT = Path(__file__).parents[2]


def why_no_ocr() -> str:
    try:
        find_engine(LoadOptions())
    except UnsupportedFile as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FileSearch, IngestReport]]:
    """An index of all samples, made with the bundled model, and what became of them."""
    folder = tmp_path_factory.mktemp("formats")
    docs = folder / "docs"
    docs.mkdir()
    for sample in SAMPLES:
        if not (sample.needs_ocr and why_no_ocr()):
            (docs / sample.filename).write_bytes(sample.make())
    with FileSearch(folder / "index") as fs:
        yield fs, fs.ingest(docs)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.filename)
def test_a_file_of_each_format_is_found_and_its_place_named(
    index: tuple[FileSearch, IngestReport], sample: Sample
) -> None:
    if sample.needs_ocr and (reason := why_no_ocr()):
        pytest.skip(reason)
    fs, report = index
    assert [o.error for o in report.failed if Path(o.filename).name == sample.filename] == []
    best = fs.search(sample.question, top_k=1)[0]
    assert best.filename == sample.filename
    text = fs.document(best.file_id).text.replace("\n", " ")
    assert sample.text in text
    start = text.index(sample.text)
    where = fs.locate(best.file_id, start, start + len(sample.text))
    assert (where.ocr_confidence is not None) == sample.needs_ocr
    where = dataclasses.replace(where, ocr_confidence=None)
    names = [place_name("", where).removeprefix(PATH_SEPARATOR).removeprefix(", ")]
    names.append(PATH_SEPARATOR.join(headings_beside(where)))
    assert ", ".join(filter(None, names)) == sample.place


def test_at_least_25_formats_are_shown() -> None:
    assert len({sample.format for sample in SAMPLES}) == len(SAMPLES) >= 25


def test_the_table_of_the_readme_is_what_the_tests_hold() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert formats.replace_table(text, formats.render()) == text, "run scripts/formats_table.py"
