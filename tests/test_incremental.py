"""Ingest again: what is not read, what is not embedded, and what a moved file keeps."""

import io
import os
import shutil

import pytest

from filesearch import source_reader
from filesearch.errors import InvalidFile, InvalidSetting
from filesearch.file_stamp import GRAIN_NS, lasting_stamp
from filesearch.testing import HashingEmbedder


def statuses(report):
    return {outcome.filename: outcome.status for outcome in report.outcomes}


class CountingEmbedder(HashingEmbedder):
    """Counts the windows that it embeds."""

    windows = 0

    def embed_windows(self, texts):
        self.windows += len(texts)
        return super().embed_windows(texts)


@pytest.fixture
def old_clock(monkeypatch):
    """Files as they are made are old enough to be trusted."""
    monkeypatch.setattr("filesearch.file_stamp.GRAIN_NS", 0)


@pytest.fixture
def read_names(monkeypatch):
    """Names of the files that are read."""
    read = []
    real = source_reader.read_bytes

    def note(source):
        read.append(source.filename)
        return real(source)

    monkeypatch.setattr(source_reader, "read_bytes", note)
    return read


def test_a_file_whose_stamp_is_the_same_is_not_read(fs, docs, old_clock, read_names):
    fs.ingest(docs)
    read_names.clear()
    assert set(statuses(fs.ingest(docs)).values()) == {"unchanged"}
    assert read_names == []


def test_checksum_reads_all_the_same(fs, docs, old_clock, read_names):
    fs.ingest(docs)
    read_names.clear()
    assert set(statuses(fs.ingest(docs, checksum=True)).values()) == {"unchanged"}
    assert sorted(read_names) == ["kiln.txt", "mugs.md", "staff.md"]


def test_a_file_written_as_it_was_ingested_is_read_again(fs, docs, read_names, monkeypatch):
    """Its next version could have the same size and the same time."""
    monkeypatch.setattr("filesearch.file_stamp.GRAIN_NS", 3600 * 10**9)  # however slow it is here
    fs.ingest(docs)
    read_names.clear()
    fs.ingest(docs)
    assert len(read_names) == 3


def test_a_file_put_in_the_place_of_one_with_its_size_and_time_is_noticed(fs, docs, old_clock):
    fs.ingest(docs)
    before = (docs / "kiln.txt").stat()
    other = docs / "kiln.new"
    other.write_text((docs / "kiln.txt").read_text().replace("1280", "1190"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(docs / "kiln.txt")
    after = (docs / "kiln.txt").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert statuses(fs.ingest(docs))["kiln.txt"] == "updated"


def test_a_stamp_is_noted_once_it_can_be_trusted(fs, docs, monkeypatch, read_names):
    fs.ingest(docs)
    monkeypatch.setattr("filesearch.file_stamp.GRAIN_NS", 0)
    fs.ingest(docs)
    read_names.clear()
    fs.ingest(docs)
    assert read_names == []


def test_a_stamp_lasts_only_if_it_is_old_enough_and_did_not_change(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("one")
    before = path.stat()
    stamp = max(before.st_mtime_ns, before.st_ctime_ns)
    assert lasting_stamp(before, before, stamp + GRAIN_NS + 1) == stamp
    assert lasting_stamp(before, before, stamp + GRAIN_NS) is None
    assert lasting_stamp(before, before, stamp - GRAIN_NS) is None  # from the future
    path.write_text("longer")
    assert lasting_stamp(before, path.stat(), stamp + 10 * GRAIN_NS) is None


# Moved files


def test_a_moved_file_keeps_its_id_and_is_not_embedded_again(make_fs, docs):
    embedder = CountingEmbedder()
    fs = make_fs(embedder=embedder)
    fs.ingest(docs, attributes={"year": 2025})
    was = {record.filename: record for record in fs.files()}["kiln.txt"]
    embedder.windows = 0
    (docs / "oven").mkdir()
    (docs / "kiln.txt").rename(docs / "oven" / "manual.txt")
    report = fs.ingest(docs)
    [moved] = report.renamed
    assert (moved.filename, moved.renamed_from) == ("oven/manual.txt", "kiln.txt")
    now = {record.filename: record for record in fs.files()}
    assert sorted(now) == ["mugs.md", "oven/manual.txt", "staff.md"]
    assert now["oven/manual.txt"].id == moved.file_id == was.id
    assert now["oven/manual.txt"].created_at == was.created_at
    assert now["oven/manual.txt"].attributes == {"year": 2025}
    assert embedder.windows == 0
    assert fs.verify().damages == ()


def test_a_moved_file_is_found_by_its_new_name(fs, docs):
    fs.ingest(docs)
    (docs / "kiln.txt").rename(docs / "zirconium.txt")
    fs.ingest(docs)
    assert fs.search("zirconium")[0].filename == "zirconium.txt"
    assert "1280" in fs.search("kiln degrees")[0].text


def test_a_folder_that_was_moved_keeps_its_files(fs, docs):
    fs.ingest(docs)
    ids = {record.filename: record.id for record in fs.files()}
    moved = docs.rename(docs.with_name("papers"))
    assert set(statuses(fs.ingest(moved, prune=True)).values()) == {"renamed"}
    assert {record.filename: record.id for record in fs.files()} == ids
    assert all("/papers/" in record.path for record in fs.files())


def test_a_copy_is_added_while_the_first_is_there_and_renamed_once_that_is_gone(fs, docs):
    fs.ingest(docs)
    shutil.copy(docs / "kiln.txt", docs / "copy.txt")
    assert statuses(fs.ingest(docs))["copy.txt"] == "added"
    (docs / "kiln.txt").unlink()
    (docs / "copy.txt").rename(docs / "last.txt")
    report = fs.ingest(docs, prune=True)
    assert len(report.renamed) == len(report.removed) == 1
    assert sorted(record.filename for record in fs.files()) == ["last.txt", "mugs.md", "staff.md"]


def test_a_moved_and_changed_file_is_another_file(fs, docs):
    fs.ingest(docs)
    (docs / "kiln.txt").unlink()
    (docs / "oven.txt").write_text("The oven reaches 300 degrees.")
    report = fs.ingest(docs, prune=True)
    assert (statuses(report)["oven.txt"], statuses(report)["kiln.txt"]) == ("added", "removed")


def test_two_files_that_swap_their_names_are_both_updated(make_fs, docs):
    embedder = CountingEmbedder()
    fs = make_fs(embedder=embedder)
    fs.ingest(docs)
    embedder.windows = 0
    (docs / "kiln.txt").rename(docs / "x")
    (docs / "staff.md").rename(docs / "kiln.txt")
    (docs / "x").rename(docs / "staff.md")
    assert list(statuses(fs.ingest(docs, prune=True)).values()) == [
        "updated",
        "unchanged",
        "updated",
    ]
    assert "Noor" in fs.search("studio evening class")[0].text
    assert fs.verify().damages == ()


# The same content


def test_content_that_is_there_twice_is_embedded_once(make_fs, docs):
    embedder = CountingEmbedder()
    fs = make_fs(embedder=embedder)
    shutil.copy(docs / "kiln.txt", docs / "again.txt")
    shutil.copy(docs / "kiln.txt", docs / "once-more.txt")
    report = fs.ingest(docs)
    assert len(report.added) == 5
    assert embedder.windows == sum(outcome.windows for outcome in report.added) - 2
    shutil.copy(docs / "kiln.txt", docs / "later.txt")
    embedder.windows = 0
    assert statuses(fs.ingest(docs))["later.txt"] == "added"
    assert embedder.windows == 0
    assert fs.verify().damages == ()


def test_content_that_is_there_twice_is_found_once_and_names_all(fs, docs):
    shutil.copy(docs / "kiln.txt", docs / "again.txt")
    fs.ingest(docs)
    hits = [hit for hit in fs.search("kiln degrees hours") if "1280" in hit.text]
    assert len(hits) == 1
    assert {hits[0].filename, *hits[0].also_in} == {"kiln.txt", "again.txt"}


def test_copies_that_cannot_be_read_fail_each(fs, docs):
    for name in ("one.md", "two.md"):
        (docs / name).write_text("  \n")
    report = fs.ingest(docs)
    assert sorted(outcome.filename for outcome in report.failed) == ["one.md", "two.md"]


# What would happen


def test_a_dry_run_tells_what_an_ingest_then_does(fs, docs, tmp_path):
    fs.ingest(docs)
    (docs / "kiln.txt").rename(docs / "oven.txt")
    (docs / "mugs.md").write_text("Mugs are sold out.")
    (docs / "new.md").write_text("A new one.")
    (docs / "song.mp3").write_bytes(b"ID3\x03\x00\x00\x00")
    shutil.copy(docs / "staff.md", docs / "team.md")
    (docs / "staff.md").unlink()
    (docs / "team.md").write_text("Nobody.")
    before = fs.files()
    foreseen = statuses(fs.ingest(docs, prune=True, dry_run=True))
    assert fs.files() == before
    assert foreseen == statuses(fs.ingest(docs, prune=True))
    assert set(foreseen.values()) == {"added", "failed", "removed", "renamed", "updated"}


def test_a_dry_run_makes_no_index(make_fs, docs, tmp_path):
    report = make_fs().ingest(docs, dry_run=True)
    assert set(statuses(report).values()) == {"added"}
    assert not (tmp_path / "index").exists()


# Streams and URLs


def test_a_stream_is_a_file_with_the_name_it_is_given(fs):
    def give(text):
        return statuses(fs.ingest([], streams={"notes.md": io.BytesIO(text)}))

    assert give(b"# Glazes\n\nCeladon is green.") == {"notes.md": "added"}
    assert give(b"# Glazes\n\nCeladon is green.") == {"notes.md": "unchanged"}
    assert give(b"# Glazes\n\nTenmoku is brown.") == {"notes.md": "updated"}
    assert fs.search("tenmoku")[0].filename == "notes.md"


def test_a_url_must_be_allowed(fs, docs):
    with pytest.raises(InvalidSetting, match=r"example\.com.*--allow-url"):
        fs.ingest([docs, "https://example.com/a.md"])
    assert fs.ingest(docs, dry_run=True).added  # nothing was ingested


def test_a_url_that_cannot_be_fetched_fails_alone(fs, docs):
    report = fs.ingest([docs, "http://127.0.0.1:9/a.md"], allow_url=True)
    assert len(report.added) == 3
    [failed] = report.failed
    assert failed.filename == "http://127.0.0.1:9/a.md"
    assert "not a public address" in failed.error


def test_a_file_that_could_never_be_read_can_be_pruned(fs, docs, monkeypatch):
    def vanish(source):
        raise InvalidFile("No such file or directory")

    with monkeypatch.context() as patch:
        patch.setattr(source_reader, "read_bytes", vanish)
        assert len(fs.ingest(docs).failed) == 3
    (docs / "kiln.txt").unlink()
    assert statuses(fs.ingest(docs, prune=True))["kiln.txt"] == "removed"


def test_pruning_leaves_alone_what_it_cannot_see(fs, docs, monkeypatch):
    (docs / "shut").mkdir()
    (docs / "shut" / "a.md").write_text("Behind a door.")
    fs.ingest(docs)
    scan = os.scandir

    def refuse(folder):
        if str(folder).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr("filesearch.walk.os.scandir", refuse)
    report = fs.ingest(docs, prune=True)
    assert report.removed == ()
    assert [outcome.filename for outcome in report.failed] == ["shut/"]
    assert "shut/a.md" in {record.filename for record in fs.files()}
