"""Large plain texts: cut into sections that are files of the index by themselves."""

from __future__ import annotations

import pytest

from filesearch import sections
from filesearch.sections import cut_large_texts
from filesearch.walk import find_sources


@pytest.fixture(autouse=True)
def _small_sections(monkeypatch):
    monkeypatch.setattr(sections, "LARGE_TEXT_BYTES", 3000)
    monkeypatch.setattr(sections, "SECTION_BYTES", 1000)


def paragraphs(first, past):
    return "".join(f"Entry {i}: kiln {i} reached {i} degrees.\n\n" for i in range(first, past))


def cut(path):
    data = path.read_bytes()
    return [data[s.start : s.start + s.size_bytes] for s in cut_large_texts(find_sources([path]))]


def statuses(report):
    return [(outcome.filename, outcome.status) for outcome in report.outcomes]


def test_sections_together_are_the_file_and_end_at_blank_lines(tmp_path):
    (tmp_path / "big.log").write_text(paragraphs(0, 150))
    found = cut(tmp_path / "big.log")
    assert b"".join(found) == (tmp_path / "big.log").read_bytes()
    assert len(found) == 6
    assert all(stretch.endswith(b".\n\n") for stretch in found)
    assert all(500 < len(stretch) < 1600 for stretch in found)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [("line\n" * 900, b"\n"), ("瓷" * 1500, "瓷".encode()), ("é" * 2500, "é".encode())],
    ids=["at lines", "between characters of three bytes", "of two"],
)
def test_a_text_without_blank_lines_is_cut_where_it_can_be(tmp_path, data, wanted):
    (tmp_path / "big.txt").write_text(data)
    found = cut(tmp_path / "big.txt")
    assert len(found) > 2
    assert "".join(stretch.decode() for stretch in found) == data
    assert all(stretch.endswith(wanted) for stretch in found)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("small.txt", b"word " * 500),
        ("big.csv", b"a,b\n" * 2000),
        ("big.html", b"<html>" + b"<p>word" * 900),
        ("big.bin", bytes(range(256)) * 20),
        ("wide.txt", ("word " * 2000).encode("utf-16")),
    ],
)
def test_other_files_stay_whole(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    [source] = cut_large_texts(find_sources([tmp_path / name]))
    assert source.filename == name


def test_every_passage_of_a_large_text_is_found_in_the_part_that_it_names(fs, tmp_path):
    (tmp_path / "big.log").write_text(paragraphs(0, 150))
    assert statuses(fs.ingest(tmp_path / "big.log")) == [
        (f"big (part {number}).log", "added") for number in range(1, 7)
    ]
    for i in (0, 70, 149):
        hit = fs.search(f"kiln {i} reached {i} degrees", top_k=1)[0]
        assert f"kiln {i} reached" in hit.text
        assert fs.document(hit.file_id).text[hit.start : hit.end] == hit.text


def test_a_text_that_grew_is_embedded_anew_at_its_end_only(fs, tmp_path):
    log = tmp_path / "big.log"
    log.write_text(paragraphs(0, 150))
    fs.ingest(log)
    log.write_text(paragraphs(0, 220))
    found = [status for _, status in statuses(fs.ingest(log))]
    assert found == ["unchanged"] * 5 + ["updated"] + ["added"] * 3
    assert "219" in fs.search("kiln 219", top_k=1)[0].text


def test_a_text_that_shrank_leaves_nothing_of_what_it_was(fs, tmp_path):
    log = tmp_path / "big.log"
    for past, names in ((150, 6), (110, 4), (20, 1), (150, 6)):
        log.write_text(paragraphs(0, past))
        fs.ingest(log)
        assert len(fs.files()) == names
    assert fs.verify().damages == ()


def test_pruning_removes_all_sections_of_a_file_that_is_gone(fs, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "big.log").write_text(paragraphs(0, 150))
    (docs / "a.txt").write_text("A note on clay.")
    fs.ingest(docs)
    (docs / "big.log").unlink()
    fs.ingest(docs, prune=True)
    assert [record.filename for record in fs.files()] == ["a.txt"]
