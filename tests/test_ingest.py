"""Ingest: what becomes of files, the first time and again."""

import os

import pytest

from filesearch.errors import IndexMismatch, NotFound
from filesearch.testing import HashingEmbedder


def statuses(report):
    return {outcome.filename: outcome.status for outcome in report.outcomes}


def test_every_file_of_a_folder_becomes_searchable(fs, docs):
    report = fs.ingest(docs)
    assert statuses(report) == dict.fromkeys(("kiln.txt", "mugs.md", "staff.md"), "added")
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"


def test_unchanged_files_are_neither_read_nor_embedded_again(make_fs, docs):
    make_fs().ingest(docs)
    embedder = HashingEmbedder()
    embedder.embed_texts = None  # calling it would fail
    again = make_fs(embedder=embedder).ingest(docs)
    assert set(statuses(again).values()) == {"unchanged"}


def test_a_changed_file_takes_the_place_of_its_old_content(fs, docs):
    fs.ingest(docs)
    old_id = next(record.id for record in fs.files() if record.filename == "kiln.txt")
    (docs / "kiln.txt").write_text("The furnace burns gas.\n")
    assert statuses(fs.ingest(docs))["kiln.txt"] == "updated"
    assert "furnace" in fs.search("furnace burns gas")[0].text
    assert not [hit for hit in fs.search("kiln reaches 1280 degrees") if "1280" in hit.text]
    with pytest.raises(NotFound):
        fs.document(old_id)


def test_prune_removes_what_is_gone_from_the_folder_and_nothing_else(fs, docs, tmp_path):
    other = tmp_path / "other.md"
    other.write_text("Another file that stays.")
    fs.ingest([docs, other])
    (docs / "kiln.txt").unlink()
    assert statuses(fs.ingest(docs))  # without prune it stays
    assert len(fs.files()) == 4
    assert statuses(fs.ingest(docs, prune=True))["kiln.txt"] == "removed"
    assert {record.filename for record in fs.files()} == {"mugs.md", "other.md", "staff.md"}


def test_bad_files_fail_with_a_reason_and_the_rest_goes_on(fs, docs):
    (docs / "empty.md").write_text("  \n")
    (docs / "zipped.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    report = fs.ingest(docs)
    codes = {outcome.filename: outcome.error_code for outcome in report.failed}
    assert codes == {
        "broken.pdf": "invalid_file",
        "empty.md": "invalid_file",
        "zipped.7z": "unsupported_file",
    }
    assert all(outcome.error for outcome in report.failed)
    assert len(report.added) == 3


def test_a_failed_file_is_tried_again(fs, docs):
    (docs / "late.md").write_text("")
    assert statuses(fs.ingest(docs))["late.md"] == "failed"
    assert statuses(fs.ingest(docs))["late.md"] == "failed"
    (docs / "late.md").write_text("Now it says something.")
    assert statuses(fs.ingest(docs))["late.md"] == "updated"
    assert len([record for record in fs.files() if record.filename == "late.md"]) == 1


def test_a_file_that_breaks_keeps_its_good_version_and_says_so(fs, docs):
    fs.ingest(docs)
    good = (docs / "kiln.txt").read_text()
    (docs / "kiln.txt").write_text("")
    assert "stays searchable" in fs.ingest(docs).failed[0].error
    assert "1280" in fs.search("kiln degrees")[0].text
    assert [record.error_code for record in fs.files() if record.error] == ["invalid_file"]
    (docs / "kiln.txt").write_text(good)
    fs.ingest(docs)
    assert not [record for record in fs.files() if record.error]


def test_attributes_are_set_kept_and_changed(fs, docs):
    fs.ingest(docs, attributes={"year": 2025})
    fs.ingest(docs)
    assert {record.attributes["year"] for record in fs.files()} == {2025}
    fs.ingest(docs / "kiln.txt", attributes={"year": 2026})
    hits = fs.search("the", filters={"type": "eq", "key": "year", "value": 2026})
    assert fs.search("kiln")[0].filename == "kiln.txt"
    assert {hit.filename for hit in hits} <= {"kiln.txt"}


def test_a_missing_path_changes_nothing(fs, docs):
    with pytest.raises(NotFound, match="nowhere"):
        fs.ingest([docs, docs / "nowhere"])
    with pytest.raises(NotFound, match="no index"):
        fs.files()


def test_another_embedder_is_refused_with_the_way_out_and_rebuild_is_it(make_fs, docs):
    make_fs().ingest(docs)
    other = make_fs(embedder=HashingEmbedder(dimension=32))
    with pytest.raises(IndexMismatch, match=r"64-d.*makes 32-d; run: fsearch ingest --rebuild"):
        other.search("kiln")
    assert other.rebuild() == 3
    assert other.search("kiln degrees")[0].filename == "kiln.txt"
    assert other.verify().damages == ()


def test_other_chunk_settings_are_refused_until_rebuilt(make_fs, docs):
    (docs / "long.md").write_text("\n\n".join(f"Paragraph {i} on clay." for i in range(400)))
    first = make_fs()
    first.ingest(docs)
    smaller = make_fs(chunk_size=100, chunk_overlap=50)
    with pytest.raises(IndexMismatch, match="chunks of 800 tokens with 400 overlap"):
        smaller.ingest(docs)
    before = first.stats().chunks
    smaller.rebuild()
    assert first.stats().chunks > 3 * before
    assert make_fs().verify().damages == ()  # no settings given: those recorded hold


def test_late_interaction_can_be_left_out_and_brought_back(make_fs, docs):
    without = make_fs(late_interaction=False)
    without.ingest(docs)
    assert without.stats().late_interaction_bytes == 0
    assert without.search("kiln degrees")[0].filename == "kiln.txt"
    with pytest.raises(IndexMismatch, match="does not keep what late interaction needs"):
        make_fs(late_interaction=True).ingest(docs)
    make_fs(late_interaction=True).rebuild()
    assert make_fs().stats().late_interaction_bytes > 0
    assert make_fs().verify().damages == ()


def test_the_same_text_under_two_names_is_stored_once(fs, docs):
    (docs / "copy.txt").write_text((docs / "kiln.txt").read_text())
    fs.ingest(docs)
    hit = fs.search("kiln degrees")[0]
    assert {hit.filename, *hit.also_in} == {"copy.txt", "kiln.txt"}
    fs.remove(["copy.txt"])
    hit = fs.search("kiln degrees")[0]
    assert (hit.filename, hit.also_in) == ("kiln.txt", ())
    assert (
        fs.stats().blob_bytes
        == sum(path.stat().st_size for path in docs.iterdir()) - (docs / "copy.txt").stat().st_size
    )


def test_progress_counts_up_to_all_files_and_windows(fs, docs):
    seen = []
    report = fs.ingest(docs, on_progress=seen.append)
    assert [p.files_done for p in seen] == sorted(p.files_done for p in seen)
    assert (seen[-1].files_done, seen[-1].files_total) == (3, 3)
    assert seen[-1].bytes_done == seen[-1].bytes_total
    assert seen[-1].windows_done == sum(outcome.windows for outcome in report.outcomes)


def test_a_file_of_more_bytes_than_are_taken_is_refused(fs, docs, monkeypatch):
    monkeypatch.setattr("filesearch.source_reader.MAX_FILE_BYTES", 50)
    outcome = next(o for o in fs.ingest(docs).outcomes if o.filename == "mugs.md")
    assert (outcome.status, outcome.error_code) == ("failed", "invalid_file")
    assert "split the file" in outcome.error


def test_a_pipe_is_refused_and_not_waited_for(fs, docs):
    os.mkfifo(docs / "pipe.txt")
    [outcome] = fs.ingest(docs / "pipe.txt").outcomes
    assert (outcome.status, outcome.error_code) == ("failed", "invalid_file")
    assert "no regular file" in outcome.error


def test_a_text_that_breaks_our_code_costs_that_file_alone(make_fs, docs):
    embedder = HashingEmbedder()
    token_offsets = embedder.token_offsets

    def fail_on_kilns(text):
        if "1280" in text:
            raise IndexError("a kiln")
        return token_offsets(text)

    embedder.token_offsets = fail_on_kilns
    report = make_fs(embedder=embedder).ingest(docs)
    assert [(o.filename, o.error_code) for o in report.failed] == [("kiln.txt", "server_error")]
    assert len(report.added) == 2


def test_the_report_says_how_much_each_file_holds(fs, docs):
    report = fs.ingest(docs)
    kiln = report.outcomes[0]
    assert (kiln.characters, kiln.chunks, kiln.pages, kiln.tables) == (45, 1, 0, 0)
    assert kiln.seconds > 0
    again = fs.ingest(docs).outcomes[0]
    assert (again.status, again.characters, again.seconds) == ("unchanged", 45, 0.0)


def test_an_interrupted_ingest_keeps_what_was_finished(make_fs, docs, monkeypatch):
    monkeypatch.setattr("filesearch.ingest.EMBED_WINDOWS", 1)
    fs = make_fs()

    def stop(progress):
        if progress.files_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fs.ingest(docs, on_progress=stop)
    assert len(fs.files()) == 2
    assert len(fs.ingest(docs).added) == 1
    assert fs.verify().damages == ()
