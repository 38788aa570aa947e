"""Shared fixtures: a folder of documents, and an index that needs no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filesearch import FileSearch
from filesearch.testing import HashingEmbedder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No fsearch.toml and no FSEARCH_ variable of the machine may reach a test."""
    import os

    for name in os.environ:
        if name.startswith("FSEARCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with three small documents on different things."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mugs.md").write_text(
        "# Returns\n\nA mug may be returned within 30 days of delivery.\n\n"
        "## Wholesale\n\nWholesale orders cannot be returned.\n"
    )
    (folder / "kiln.txt").write_text("The kiln reaches 1280 degrees in nine hours.\n")
    (folder / "staff.md").write_text("Noor runs the studio. Tomas teaches the evening class.\n")
    return folder


@pytest.fixture
def make_fs(tmp_path: Path) -> Iterator[Callable[..., FileSearch]]:
    """Opens the test's index, again and again if asked, and closes all at the end."""
    opened = []

    def make(**overrides: object) -> FileSearch:
        overrides.setdefault("embedder", HashingEmbedder())
        fs = FileSearch(tmp_path / "index", **overrides)  # type: ignore[arg-type]
        opened.append(fs)
        return fs

    yield make
    for fs in opened:
        fs.close()


@pytest.fixture
def fs(make_fs: Callable[..., FileSearch]) -> FileSearch:
    """The test's index, opened once."""
    return make_fs()
