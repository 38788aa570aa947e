"""Bombs end as indexed or refused, soon, in bounded memory, and cost their file alone."""

from __future__ import annotations

import io
import re
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import bombs
import pytest

from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import load
from filesearch.load.containers.archives import read_part
from filesearch.load.process.isolation import Loader
from filesearch.types import Document

WITHIN_S = 30.0
"""Longest for one bomb on a busy machine; half the limit that a file has."""
PEAK_BYTES = 1200 << 20
TEXTS = {
    "laughs.docx": "Before.",
    "deep.html": "Deep.",
    "giant.xlsx": "corner",
    "cyclic_outline.pdf": "Words on the page.",
    "cyclic_forms.pdf": "Words on the page.",
    "cyclic_type3.pdf": "Words on the page.",
}
"""Bombs that harm nobody who does not set them off: their text comes out."""


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with Loader(timeout_s=WITHIN_S) as loader:
        yield loader


def outcome(loader: Loader, data: bytes, name: str) -> Document | str:
    try:
        return loader.load(data, name)
    except (InvalidFile, UnsupportedFile) as error:
        return str(error)


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_a_bomb_ends_soon_and_the_next_file_is_read(loader: Loader, name: str) -> None:
    data = bombs.BOMBS[name]()
    start = time.monotonic()
    found = outcome(loader, data, name)
    assert time.monotonic() - start < WITHIN_S
    assert loader.peak_bytes < PEAK_BYTES
    if isinstance(found, str):
        assert repr(name) in found
        assert not re.search("crashed its parser|took over", found), found
    assert loader.load(b"<p>next", "next.html").text == "next"


@pytest.mark.parametrize("name", TEXTS)
def test_a_bomb_that_needs_not_go_off_gives_its_text(loader: Loader, name: str) -> None:
    found = loader.load(bombs.BOMBS[name](), name)
    assert TEXTS[name] in found.text
    assert len(found.text) < 100_000


@pytest.mark.parametrize("name", ["deep.docx", "deep.json", "deep.ipynb"])
def test_what_is_nested_too_deeply_to_be_read_whole_is_refused_for_that(
    loader: Loader, name: str
) -> None:
    with pytest.raises(InvalidFile, match="nested too deeply"):
        loader.load(bombs.BOMBS[name](), name)


def test_a_member_gives_no_more_than_it_declares() -> None:
    """ZipFile.read unpacks a gigabyte before it looks at the hundred bytes that were declared."""
    with zipfile.ZipFile(io.BytesIO(bombs.lying_zip("word/document.xml"))) as archive:
        tracemalloc.start()
        assert read_part(archive, "word/document.xml") is None  # its checksum is another
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 4 * bombs.MIB


def test_the_overlapping_zip_unpacks_42_kilobytes_to_4_gigabytes() -> None:
    data = bombs.overlapping_zip()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) > 3.9 * bombs.GIB
    assert len(data) < 43_000


@pytest.mark.parametrize("kind", ["SYSTEM 'file://{}'", "PUBLIC 'x' 'file://{}'"])
@pytest.mark.parametrize("name", ["a.docx", "a.xml", "a.html", "a.xhtml"])
def test_an_external_entity_brings_nothing_in(
    loader: Loader, tmp_path: Path, kind: str, name: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of this machine")
    entity = f"<!ENTITY file {kind.format(secret)}>"
    if name == "a.docx":
        data = bombs.docx_with(entity, "Before. &file; After.")
    else:
        data = f"<!DOCTYPE html [{entity}]><html><body>Before. &file; After.</body></html>".encode()
    found = outcome(loader, data, name)
    assert "secret of this machine" not in str(found)
    assert isinstance(found, str) or "Before." in found.text


def test_macros_are_not_read() -> None:
    source = 'Attribute VB_Name = "Module1"\nSub AutoOpen()\nShell "calc"\nEnd Sub'
    members = zipfile.ZipFile(io.BytesIO(bombs.docx_with("", "Words.")))
    parts = [(name, members.read(name)) for name in members.namelist()]
    data = bombs.make_zip([*parts, ("word/vbaProject.bin", source.encode())])
    assert load(data, "a.docm").text == "Words."
