"""Maintain: merging, verifying, repairing."""

import shutil
from functools import partialmethod

import pytest
from sqlalchemy import select, update

from filesearch import Document, FileSearch, NamedDocument
from filesearch.catalog import Catalog
from filesearch.errors import IndexDamaged
from filesearch.merge_policy import MergePolicy
from filesearch.merging import Merger
from filesearch.schema import segments, vector_stores
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings

from .support_stores import fill, upload


def segment_paths(fs):
    return sorted((fs.directory / "segments").iterdir())


def make_segments(fs, docs, count):
    """Ingest files one by one, each into a segment of its own."""
    with fs._index.merging():  # so that nobody else merges
        ingest_one_by_one(fs, docs, count)


def ingest_one_by_one(fs, docs, count):
    """Ingest files of one window each, with the merges that come of it."""
    for number in range(count):
        path = docs / f"note{number}.md"
        path.write_text(f"Note {number} is about subject{number}.")
        fs.ingest(path)


def test_many_small_segments_are_merged_and_stay_searchable(fs, docs):
    make_segments(fs, docs, 6)
    assert fs.stats().segments == 6
    ingest_one_by_one(fs, docs, 9)
    assert fs.stats().segments == 2  # eight together, and the last one
    assert len(segment_paths(fs)) == fs.stats().segments
    assert [fs.search(f"subject{n}")[0].filename for n in range(9)] == [
        f"note{n}.md" for n in range(9)
    ]
    assert fs.verify().damages == ()


def test_no_segment_is_made_larger_than_the_policy_allows(fs, docs, monkeypatch):
    policy = MergePolicy(exact_windows=3, max_windows=5)
    monkeypatch.setattr(Merger, "__init__", partialmethod(Merger.__init__, policy=policy))
    ingest_one_by_one(fs, docs, 12)
    fs.compact()
    with fs._index.catalog.database.reading() as sql:
        counts = sql.execute(select(segments.c.window_count)).scalars().all()
    assert sum(counts) == 12
    assert sorted(counts) == [4, 4, 4]
    assert fs.verify().damages == ()


def test_compact_makes_one_segment_without_the_removed(fs, docs):
    make_segments(fs, docs, 5)
    fs.remove(["note1.md", "note3.md"])
    scores = {hit.filename: hit.score for hit in fs.search("note subject2")}
    fs.compact()
    assert fs.stats().segments == 1
    assert {hit.filename: hit.score for hit in fs.search("note subject2")} == pytest.approx(scores)
    assert fs.verify().damages == ()


def test_an_index_in_order_verifies_clean(fs, docs):
    fs.ingest(docs)
    found = fs.verify()
    assert (found.files, found.damages, found.orphans) == (3, (), 0)
    assert found.chunks == fs.stats().chunks


@pytest.mark.parametrize("name", ["vectors.faiss", "chunks.npy", "rows.npy", "manifest.json"])
def test_an_altered_file_is_found_and_repaired(make_fs, docs, name):
    make_fs().ingest(docs)
    before = [(hit.filename, hit.score) for hit in make_fs().search("kiln degrees")]
    path = segment_paths(make_fs())[0] / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    path.write_bytes(data)
    assert make_fs().verify().damages
    repaired = make_fs().verify(should_repair=True)
    assert (repaired.damages, repaired.repaired) == ((), 1)
    assert [(hit.filename, hit.score) for hit in make_fs().search("kiln degrees")] == before


def test_a_lost_segment_is_named_and_rebuilt(make_fs, docs):
    make_fs().ingest(docs)
    shutil.rmtree(segment_paths(make_fs())[0])
    with pytest.raises(IndexDamaged, match="fsearch verify --repair"):
        make_fs().search("kiln")
    assert make_fs().verify(should_repair=True).damages == ()
    assert make_fs().search("kiln degrees")[0].filename == "kiln.txt"


def meanwhile(monkeypatch, act):
    """Let `act` happen right after the next picture of a store is taken."""
    picture = Catalog.picture

    def picture_then_act(self, store_id):
        monkeypatch.setattr(Catalog, "picture", picture)
        seen = picture(self, store_id)
        act()
        return seen

    monkeypatch.setattr(Catalog, "picture", picture_then_act)


def test_what_a_merge_replaces_while_it_is_verified_is_no_damage(make_fs, docs, monkeypatch):
    make_segments(make_fs(), docs, 3)
    merged = []
    meanwhile(monkeypatch, lambda: merged.append(make_fs().compact()))
    found = make_fs().verify()
    assert merged == [3]
    assert (found.segments, found.files, found.chunks, found.damages) == (1, 3, 3, ())


def test_a_file_removed_meanwhile_hides_no_damage_elsewhere(make_fs, docs, monkeypatch):
    fs = make_fs()
    make_segments(fs, docs, 3)
    picture = fs._index.catalog.picture(fs._index.open_store().id)
    segment_names = {record.id: record.name for record in picture.segments}
    names = {entry.filename: segment_names[entry.segment_id] for entry in picture.entries}
    table = fs.directory / "segments" / names["note1.md"] / "chunks.npy"
    table.write_bytes(table.read_bytes()[:-1])
    meanwhile(monkeypatch, lambda: make_fs().remove(["note0.md"]))
    found = make_fs().verify()
    assert found.files == 2
    assert {damage.segment for damage in found.damages} == {names["note1.md"]}


def test_a_leftover_segment_is_reported_and_swept_by_the_next_writer(fs, docs):
    fs.ingest(docs)
    shutil.copytree(segment_paths(fs)[0], fs.directory / "segments" / "0123456789abcdef")
    assert fs.verify().orphans == 1
    fs.ingest(docs)
    assert fs.verify().orphans == 0
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"


def test_a_reader_keeps_its_segments_through_a_merge(make_fs, docs):
    reader, writer = make_fs(), make_fs()
    make_segments(writer, docs, 3)
    assert reader.search("subject1")[0].filename == "note1.md"
    assert writer.compact() == 3
    writer.remove(["note0.md"])
    assert reader.search("subject1")[0].filename == "note1.md"
    assert not [hit for hit in reader.search("subject0") if hit.filename == "note0.md"]


def test_nothing_stays_on_disk_of_an_index_of_which_all_was_removed(fs, docs):
    fs.ingest(docs)
    assert fs.stats().late_interaction_bytes > 0
    fs.remove(["*"])
    assert segment_paths(fs) == []
    assert (fs.stats().segments, fs.stats().late_interaction_bytes) == (0, 0)
    assert fs.verify().orphans == 0


def test_a_reader_goes_on_with_what_was_removed(make_fs, docs):
    fs, reader = make_fs(), make_fs()
    fs.ingest(docs)
    snapshot = reader._index.snapshot(reader._index.open_store())
    fs.remove(["*"])
    assert segment_paths(fs) == []
    assert snapshot.top_keyword(["kiln"], 1, snapshot.everything)[0].size == 1
    assert reader.search("kiln") == []


def test_compact_clears_what_killed_processes_left(fs, docs):
    fs.ingest(docs)
    (fs.directory / "segments" / "0123456789abcdef").mkdir()
    assert fs.compact() == 0
    assert fs.verify().orphans == 0


def test_what_late_interaction_takes_is_that_of_the_store(fs, docs):
    fs.ingest(docs)
    alone = fs.stats().late_interaction_bytes
    default, other = fs.stats().stores[0].id, fs.stores.create().id
    fill(fs, other, upload(fs, "other.txt", "A file in another store."))
    (fs.directory / "segments" / "leftover").mkdir()
    (fs.directory / "segments" / "leftover" / "signs.npy").write_bytes(bytes(1000))
    assert fs.stats(default).late_interaction_bytes == alone
    both = alone + fs.stats(other).late_interaction_bytes
    assert fs.stats().late_interaction_bytes == both > alone


@pytest.mark.parametrize("way", ["detach", "delete", "attach anew"])
def test_what_leaves_a_store_leaves_the_disk(fs, docs, way):
    fs.ingest(docs)
    store, file_id = fs.stores.create(), upload(fs, "a.txt", "It is about subject0.")
    fill(fs, store.id, file_id)
    assert len(segment_paths(fs)) == 2
    if way == "detach":
        fs.stores.detach(store.id, file_id)
    elif way == "delete":
        fs.file_objects.delete(file_id)
    else:
        fill(fs, store.id, file_id, chunk_settings=ChunkSettings(200, 100))
        fs.ingest_queue.stop()
    assert len(segment_paths(fs)) == (2 if way == "attach anew" else 1)
    assert fs.verify().orphans == 0


class PlainEmbedder:
    """An Embedder that is no TokenEmbedder."""

    def __init__(self):
        made = HashingEmbedder()
        for name in ("name", "fingerprint", "dimension", "max_tokens", "languages"):
            setattr(self, name, getattr(made, name))
        self.token_offsets, self.embed_query = made.token_offsets, made.embed_query
        self.embed_texts = made.embed_texts


def ingest_without_signs(make_fs, docs):
    """Ingest a folder as an embedder would that makes no token signs."""
    make_fs(embedder=PlainEmbedder()).ingest(docs)


def test_a_segment_without_token_signs_is_found_and_repaired(make_fs, docs, caplog):
    ingest_without_signs(make_fs, docs)
    fs = make_fs()
    make_segments(fs, docs, 2)
    [damage] = fs.verify().damages
    assert damage.problem == "lacks the token signs that late interaction needs"
    assert fs.verify(should_repair=True).damages == ()
    assert fs.compact() == 3
    [segment] = fs._index.snapshot(fs._index.open_store()).segments
    assert segment.has_signs
    assert "verify --repair" not in caplog.text


def test_token_signs_are_not_lost_to_a_segment_without(make_fs, docs, caplog):
    ingest_without_signs(make_fs, docs)
    fs = make_fs()
    make_segments(fs, docs, 3)
    assert fs.compact() == 3
    segments = fs._index.snapshot(fs._index.open_store()).segments
    assert [segment.has_signs for segment in segments] == [False, True]
    assert caplog.text.count("1 of 4 segments of store") == 1
    assert "run: fsearch verify --repair" in caplog.text
    assert fs.search("subject1")[0].filename == "note1.md"


def test_an_embedder_that_makes_no_token_signs_is_no_damage(make_fs, docs, caplog):
    fs = make_fs(embedder=PlainEmbedder())
    make_segments(fs, docs, 3)
    assert fs.verify().damages == ()
    assert fs.compact() == 3
    assert caplog.text == ""


def test_token_signs_that_are_not_wanted_any_more_go_with_a_merge(make_fs, docs):
    make_segments(make_fs(), docs, 2)
    fs = make_fs()
    with fs.database.writing() as sql:
        sql.execute(update(vector_stores).values(late_interaction=False))
    ingest_without_signs(make_fs, docs)
    assert fs.verify().damages == ()
    fs.compact()
    [segment] = fs._index.snapshot(fs._index.open_store()).segments
    assert not segment.has_signs


def test_an_index_is_verified_where_its_embedder_cannot_be_had(make_fs, docs, monkeypatch):
    ingest_without_signs(make_fs, docs)
    monkeypatch.setenv("FSEARCH_EMBEDDER", "no such model")
    with FileSearch(make_fs().directory) as fs:
        assert fs.verify().damages == ()


def test_bytes_that_are_missing_are_counted(make_fs, docs):
    fs = make_fs()
    fs.ingest(docs)
    upload(fs, "a.txt", b"Never read.")
    kept = len(list(fs._index.blobs.digests()))
    shutil.rmtree(fs.directory / "blobs")
    for found in (fs.verify(), fs.verify(should_repair=True)):
        assert found.without_bytes == kept
        assert found.damages == ()  # the text is whole


def test_files_that_keep_no_bytes_do_not_lack_them(make_fs, docs):
    """Text that was given, what could not be read, and copies, which share theirs."""
    fs = make_fs()
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (docs / "copy.md").write_bytes((docs / "mugs.md").read_bytes())
    fs.ingest(docs)
    fs.ingest_documents([NamedDocument("given.txt", Document("A given text."))])
    assert fs.stats().files > len(list(fs._index.blobs.digests()))
    assert fs.verify().without_bytes == 0
