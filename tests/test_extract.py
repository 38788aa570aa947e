from __future__ import annotations

from dataclasses import replace

import pytest

from filesearch.extract import is_read_otherwise, ocr_part
from filesearch.load import LoadOptions
from filesearch.load.media_types import DOCX, EML, MARKDOWN, PDF, PNG, ZIP
from filesearch.load.ocr import engine as ocr


@pytest.fixture
def engine(monkeypatch):
    """Names the engine that is installed."""

    def install(name):
        monkeypatch.setattr(ocr, "describe_engine", lambda options: name)

    return install


@pytest.mark.parametrize("media_type", [PDF, PNG, ZIP, EML])
def test_a_document_is_kept_for_the_engine_that_read_it(engine, media_type):
    engine("")
    without = ocr_part(media_type, LoadOptions())
    engine("tesseract 5.3.0 (eng)")
    english = ocr_part(media_type, LoadOptions())
    engine("tesseract 5.3.0 (chi_sim, eng)")
    both = ocr_part(media_type, LoadOptions())
    assert len({without, english, both, ocr_part(media_type, LoadOptions(ocr="all"))}) == 4


def test_what_holds_no_pictures_is_kept_for_any_engine(engine):
    engine("tesseract 5.3.0 (eng)")
    assert ocr_part(MARKDOWN, LoadOptions(ocr="all")) == ""


def test_documents_with_pictures_depend_on_the_engine_on_request_alone(engine):
    engine("tesseract 5.3.0 (eng)")
    assert ocr_part(DOCX, LoadOptions()) == ""
    assert "tesseract" in ocr_part(DOCX, LoadOptions(ocr="all"))


@pytest.mark.parametrize(
    ("before", "mode", "warnings", "is_otherwise"),
    [
        ("", "auto", (), False),  # no warning: every page had text
        ("", "auto", ("page 3 has no text",), True),
        ("tesseract 5.3.0 (eng)", "auto", ("page 3 has no text",), False),
        ("tesseract 5.3.0 (eng)", "all", (), True),
    ],
)
def test_a_file_is_read_again_where_ocr_may_find_more(
    engine, make_fs, tmp_path, before, mode, warnings, is_otherwise
):
    engine(before)
    key = f"digest:{PDF}:3{ocr_part(PDF, LoadOptions())}"
    (tmp_path / "a.md").write_text("Some text.")
    fs = make_fs()
    fs.ingest(tmp_path / "a.md")
    known = replace(fs.files()[0], load_key=key, media_type=PDF, warnings=warnings)
    engine("tesseract 5.3.0 (eng)")
    assert is_read_otherwise(known, LoadOptions(ocr=mode)) is is_otherwise
