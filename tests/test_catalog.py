"""Catalog: one contract, on SQLite and on a real PostgreSQL; and a whole round on PostgreSQL."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, event, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from filesearch.catalog import Catalog
from filesearch.database import Database, sqlite_url
from filesearch.errors import IndexProblem, InvalidSetting, NotFound
from filesearch.event_log import EventLog
from filesearch.file_notes import FileNotes
from filesearch.records import NewFile, SegmentRecord
from filesearch.schema import meta, vector_stores
from filesearch.types import Chunk, ChunkSettings, Document, Span

SETTINGS = ChunkSettings(200, 100)


@pytest.fixture
def catalog(url):
    found = Catalog(url)
    yield found
    found.close()


@pytest.fixture
def store(catalog):
    return catalog.create_store(
        "s", embedder="e-1", dimension=8, chunk_settings=SETTINGS, late_interaction=True
    )


def new_file(name, text=None, **more):
    """A file with one chunk, or a failed one when `text` is None."""
    given = {
        "filename": name,
        "path": f"/docs/{name}",
        "content_hash": f"hash of {text}",
        "size_bytes": 7,
        "attributes": {},
        "chunk_settings": SETTINGS,
    }
    if text is None:
        given |= {"error_code": "invalid_file", "error": "it is broken"}
    else:
        given |= {
            "load_key": f"key of {text}",
            "document": Document(text),
            "chunks": [Chunk(0, 0, len(text), 3)],
            "window_count": 1,
        }
    return NewFile(**(given | more))


def segment(name, slots):
    return SegmentRecord(name, "manifest", slots, slots, slots, 100)


def test_a_store_is_made_once_and_keeps_what_it_was_made_with(catalog, store):
    again = catalog.create_store(
        "s", embedder="e-2", dimension=9, chunk_settings=ChunkSettings(), late_interaction=False
    )
    assert again == store == catalog.find_store("s")
    assert (store.embedder, store.dimension, store.chunk_settings) == ("e-1", 8, SETTINGS)


def test_a_missing_store_is_none_and_has_no_generation(catalog):
    assert catalog.find_store("nowhere") is None
    with pytest.raises(NotFound, match="'vs_none' does not exist"):
        catalog.generation("vs_none")


def test_opening_again_finds_what_was_committed(url, catalog, store):
    catalog.commit(store.id, [new_file("a.md", "alpha")], segment=segment("s1", 1))
    again = Catalog(url)
    assert again.files(store.id) == catalog.files(store.id)
    assert again.picture(store.id) == catalog.picture(store.id)
    again.close()


def test_a_catalog_of_another_version_is_refused(url, catalog):
    database = Database(url)
    with database.writing() as sql:
        sql.execute(update(meta).values(value="99"))
    database.close()
    with pytest.raises(IndexProblem, match=r"schema 99.*upgrade filesearch"):
        Catalog(url)


def test_files_and_the_segment_they_lie_in_become_visible_together(catalog, store):
    files = [new_file("a.md", "alpha"), new_file("bad.md"), new_file("b.md", "beta")]
    catalog.commit(store.id, files, segment=segment("s1", 2))
    picture = catalog.picture(store.id)
    assert [(e.filename, e.slot) for e in picture.entries] == [("a.md", 0), ("b.md", 1)]
    assert {e.segment_id for e in picture.entries} == {picture.segments[0].id}
    assert [r.status for r in catalog.files(store.id)] == ["completed", "failed", "completed"]
    assert picture.generation == store.generation + 1 == catalog.generation(store.id)


def test_a_record_gives_back_everything_that_was_given(catalog, store):
    document = Document(
        "Hällo 漢字 😀", (Span("page", 0, 5, 1, "i"),), "T", "text/x", ("lost a page",)
    )
    new = new_file(
        "a.md", "x", document=document, attributes={"a": 1, "b": "1", "c": True, "d": 1.5}
    )
    catalog.commit(store.id, [new], segment=segment("s1", 1))
    [record] = catalog.files(store.id)
    assert (record.id, record.path, record.size_bytes) == (new.id, "/docs/a.md", 7)
    assert (record.title, record.media_type, record.char_count) == ("T", "text/x", 10)
    assert (record.warnings, record.chunk_count, record.window_count) == (("lost a page",), 1, 1)
    assert [(k, type(v)) for k, v in record.attributes.items()] == [
        ("a", int), ("b", str), ("c", bool), ("d", float),
    ]  # fmt: skip
    assert catalog.file_name_and_document(new.id) == ("a.md", document)


def test_a_failed_file_is_listed_with_its_reason_and_has_no_text(catalog, store):
    bad = new_file("bad.md")
    catalog.commit(store.id, [bad])
    [record] = catalog.files(store.id)
    assert (record.error_code, record.error) == ("invalid_file", "it is broken")
    assert catalog.picture(store.id).entries == ()
    with pytest.raises(NotFound, match=bad.id):
        catalog.file_name_and_document(bad.id)


def test_text_that_two_files_share_is_kept_until_the_last_one_goes(catalog, store):
    first, second = new_file("a.md", "same"), new_file("b.md", "same")
    catalog.commit(store.id, [first, second], segment=segment("s1", 2))
    one, two = catalog.picture(store.id).entries
    assert one.document_id == two.document_id
    catalog.commit(store.id, [], removed=[first.id])
    assert catalog.find_document("key of same") == Document("same")
    assert catalog.has_content("hash of same")
    catalog.commit(store.id, [], removed=[second.id])
    assert catalog.find_document("key of same") is None
    assert not catalog.has_content("hash of same")


def test_a_new_version_takes_the_place_of_the_old_in_one_commit(catalog, store):
    old = new_file("a.md", "old")
    catalog.commit(store.id, [old], segment=segment("s1", 1))
    new = new_file("a.md", "new", replaces=old.id)
    catalog.commit(store.id, [new], segment=segment("s2", 1))
    assert [e.file_id for e in catalog.picture(store.id).entries] == [new.id]
    assert catalog.find_document("key of old") is None
    assert [s.name for s in catalog.segments()] == ["s2"]  # nothing of s1 is alive


def test_a_segment_stays_while_one_of_its_files_is_alive(catalog, store):
    files = [new_file("a.md", "alpha"), new_file("b.md", "beta")]
    catalog.commit(store.id, files, segment=segment("s1", 2))
    catalog.commit(store.id, [], removed=[files[0].id])
    assert [(e.filename, e.slot) for e in catalog.picture(store.id).entries] == [("b.md", 1)]
    catalog.commit(store.id, [], removed=[files[1].id])
    assert catalog.segments() == []


def test_chunks_go_with_their_file(catalog, store):
    new = new_file("a.md", "alpha")
    catalog.commit(store.id, [new], segment=segment("s1", 1))
    [entry] = catalog.picture(store.id).entries
    assert catalog.chunks(entry.store_file_id) == [Chunk(0, 0, 5, 3)]
    catalog.commit(store.id, [], removed=[new.id])
    assert catalog.chunks(entry.store_file_id) == []


def test_a_commit_that_fails_changes_nothing(catalog, store):
    old = new_file("a.md", "old")
    catalog.commit(store.id, [old], segment=segment("s1", 1))
    before = (catalog.files(store.id), catalog.picture(store.id))
    twice = new_file("b.md", "beta")
    with pytest.raises(IntegrityError):
        catalog.commit(store.id, [twice, twice], segment=segment("s2", 2), removed=[old.id])
    assert (catalog.files(store.id), catalog.picture(store.id)) == before


@pytest.mark.parametrize("start", [0, 1, 5, 9])
def test_passages_are_cut_by_characters_in_any_script(catalog, store, start):
    text = "aé漢字😀👩‍👩‍👧‍👦\u0301z\U00020000end"
    document = Document(text, (Span("page", 0, len(text), 4),))
    new = new_file("a.md", "x", document=document)
    catalog.commit(store.id, [new], segment=segment("s1", 1))
    [entry] = catalog.picture(store.id).entries
    places = [(entry.document_id, start, end) for end in range(start + 1, len(text) + 1)]
    assert catalog.passages(places) == [(text[s:e], document.spans) for _, s, e in places]


def test_a_passage_of_a_removed_document_is_none(catalog, store):
    assert catalog.passages([(12345, 0, 3)]) == [None]
    with pytest.raises(NotFound, match="12345"):
        catalog.document(12345)


def test_new_attributes_are_a_change_that_searches_see(catalog, store):
    new = new_file("a.md", "alpha", attributes={"year": 1})
    catalog.commit(store.id, [new], segment=segment("s1", 1))
    before = catalog.generation(store.id)
    catalog.set_attributes(store.id, new.id, {"year": 2, "名": "值"})
    assert catalog.picture(store.id).entries[0].attributes == {"year": 2, "名": "值"}
    assert catalog.generation(store.id) > before


def test_a_stale_note_is_set_and_taken_back(catalog, store):
    new = new_file("a.md", "alpha")
    catalog.commit(store.id, [new], segment=segment("s1", 1))
    catalog.note(store.id, FileNotes(errors={new.id: ("invalid_file", "half written")}))
    [record] = catalog.files(store.id)
    assert (record.status, record.error_code) == ("completed", "invalid_file")
    catalog.note(store.id, FileNotes(errors={new.id: (None, "")}))
    assert catalog.files(store.id)[0].error == ""


def test_segments_are_replaced_with_new_chunks_and_settings_at_once(catalog, store):
    files = [new_file("a.md", "alpha"), new_file("b.md", "beta")]
    for number, new in enumerate(files):
        catalog.commit(store.id, [new], segment=segment(f"s{number}", 1))
    picture = catalog.picture(store.id)
    owners = [entry.store_file_id for entry in reversed(picture.entries)]
    smaller = replace(store, embedder="e-2", dimension=4, chunk_settings=ChunkSettings(100, 0))
    catalog.replace_segments(
        store.id,
        [record.id for record in picture.segments],
        [(segment("merged", 2), owners)],
        rechunked={owner: ([Chunk(0, 0, 2, 1), Chunk(1, 2, 4, 1)], 5) for owner in owners},
        store=smaller,
    )
    after = catalog.picture(store.id)
    assert [record.name for record in after.segments] == ["merged"]
    assert [entry.store_file_id for entry in after.entries] == owners
    assert {entry.chunk_settings for entry in after.entries} == {ChunkSettings(100, 0)}
    assert [chunk.end for chunk in catalog.chunks(owners[0])] == [2, 4]
    assert {(r.chunk_count, r.window_count) for r in catalog.files(store.id)} == {(2, 5)}
    found = catalog.find_store("s")
    assert (found.embedder, found.dimension, found.generation) == ("e-2", 4, after.generation)


def test_readers_are_not_blocked_by_an_open_change_and_do_not_see_it(url, catalog, store):
    database = Database(url)
    with database.writing() as sql:
        sql.execute(update(vector_stores).values(generation=777))
        assert catalog.generation(store.id) == store.generation
    assert catalog.generation(store.id) == 777
    database.close()


def test_a_reading_transaction_sees_one_picture(url, catalog, store):
    database = Database(url)
    with database.reading() as sql:
        before = sql.execute(vector_stores.select()).one()
        catalog.commit(store.id, [new_file("a.md", "alpha")], segment=segment("s1", 1))
        assert sql.execute(vector_stores.select()).one() == before
    database.close()


@pytest.mark.parametrize("bad", ["nosuch://x", "no url at all", "postgresql+nodriver://x/y"])
def test_a_url_that_cannot_be_used_is_refused(bad):
    with pytest.raises(InvalidSetting, match="cannot be used"):
        Catalog(bad)


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "catalog.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE meta (a INT)")
        other.execute("CREATE TABLE songs (b INT)")
    with pytest.raises(IndexProblem, match="another program"):
        Catalog(sqlite_url(path))
    with contextlib.closing(sqlite3.connect(path)) as other:
        names = [name for (name,) in other.execute("SELECT name FROM sqlite_master")]
    assert names == ["meta", "songs"]


@pytest.fixture
def foreign(url):
    """Another program's database, to be looked into once the catalog was refused."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def fill(foreign, *statements):
    with foreign.begin() as sql:
        for statement in statements:
            sql.execute(text(statement))


def read_all(foreign):
    """Every table there is, with its rows."""
    with foreign.connect() as sql:
        return {
            name: sql.execute(text(f"SELECT * FROM {name}")).all()
            for name in inspect(sql).get_table_names()
        }


@pytest.mark.parametrize(
    ("statements", "name"),
    [
        (["CREATE TABLE events (id INT, created_at INT)", "INSERT INTO events VALUES (1, 5)"],
         "events"),
        (["CREATE TABLE meta (key VARCHAR, value VARCHAR)"], "meta"),
        (["CREATE TABLE meta (key VARCHAR, value VARCHAR)",
          "INSERT INTO meta VALUES ('schema_version', '1')"], "meta"),
        (["CREATE TABLE meta (name VARCHAR)", "CREATE TABLE files (id INT)"], "files, meta"),
    ],
)  # fmt: skip
def test_tables_of_another_program_with_our_names_are_refused_and_left_alone(
    url, foreign, statements, name
):
    fill(foreign, *statements)
    before = read_all(foreign)
    with pytest.raises(IndexProblem, match=rf"another program.* names: {name}; (give|choose)"):
        Catalog(url)
    assert read_all(foreign) == before


def test_tables_that_an_earlier_catalog_would_make_of_another_program_are_refused(url, foreign):
    Catalog(url).close()
    fill(
        foreign,
        *(f"DROP TABLE {name}" for name in ("objects", "tombstones", "events")),
        "UPDATE meta SET value = '2'",
        "CREATE TABLE events (id INT, created_at INT)",
        "INSERT INTO events VALUES (1, 5)",
    )
    with pytest.raises(IndexProblem, match=r"another program.* names: events;"):
        Catalog(url)
    assert read_all(foreign)["events"] == [(1, 5)]


def test_other_tables_of_a_postgresql_database_may_stay(postgres_url):
    engine = create_engine(postgres_url)
    fill(engine, "CREATE TABLE songs (id INT)")
    Catalog(postgres_url).close()
    engine.dispose()


def test_a_catalog_in_a_schema_of_its_own_leaves_those_behind_it_alone(make_postgres_url):
    ours, theirs = make_postgres_url(), make_postgres_url()
    other = create_engine(theirs)
    fill(other, "CREATE TABLE events (id INT)", "INSERT INTO events VALUES (1)")
    catalog = Catalog(f"{ours}%2C{theirs.rpartition('%3D')[2]}")
    EventLog(catalog.database).purge(before=2**40)
    catalog.close()
    assert read_all(other) == {"events": [(1,)]}
    other.dispose()


def test_tables_that_another_process_has_just_made_are_ours(url):
    """It did so after this one had seen none."""
    database = Database(url)
    with database.writing() as sql:
        database._make_tables(sql)
    database.close()
    Catalog(url).close()


def test_a_database_that_cannot_be_opened_is_an_index_problem(tmp_path):
    with pytest.raises(IndexProblem, match="cannot be opened"):
        Catalog(sqlite_url(tmp_path / "missing folder" / "catalog.db"))
    (tmp_path / "text.db").write_text("this is no database, whatever its name says\n" * 100)
    with pytest.raises(IndexProblem, match=r"cannot be opened.*not a database"):
        Catalog(sqlite_url(tmp_path / "text.db"))


def test_a_server_that_is_away_is_an_index_problem_that_hides_the_password(tmp_path):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(IndexProblem, match="cannot be opened") as caught:
        Catalog(f"postgresql+psycopg://me:s3cret@/db?host={tmp_path}")
    assert "s3cret" not in str(caught.value)


def test_a_postgresql_url_needs_no_driver_in_it(postgres_url):
    Catalog(postgres_url.replace("postgresql+psycopg://", "postgresql://")).close()


def test_a_whole_round_works_on_postgresql(postgres_url, make_fs, docs):
    fs = make_fs(db=postgres_url)
    assert len(fs.ingest(docs, attributes={"year": 2025}).added) == 3
    assert fs.search("kiln degrees")[0].filename == "kiln.txt"
    (docs / "kiln.txt").write_text("The furnace burns gas.\n")
    assert len(fs.ingest(docs).updated) == 1
    assert "furnace" in make_fs(db=postgres_url).search("furnace burns gas")[0].text
    fs.remove(["staff.md"])
    assert {hit.filename for hit in fs.search("studio evening class")} <= {"mugs.md", "kiln.txt"}
    shutil.rmtree(next((fs.directory / "segments").iterdir()))
    assert fs.verify(should_repair=True).damages == ()
    assert (fs.stats().files, fs.stats().catalog_bytes) == (2, 0)


def test_an_empty_postgresql_catalog_is_not_found(postgres_url, make_fs):
    with pytest.raises(NotFound, match="fsearch ingest"):
        make_fs(db=postgres_url).search("kiln")


@pytest.mark.parametrize("name", ["what?", "a#b", "100%41", "a b", "漢字", "x&y=z;w"])
def test_an_index_directory_may_have_any_name(tmp_path, name):
    (tmp_path / name).mkdir()
    catalog = Catalog(sqlite_url(tmp_path / name / "catalog.db"))
    catalog.close()
    assert (tmp_path / name / "catalog.db").exists()


@pytest.mark.parametrize("value", [None, [1], float("nan"), float("inf"), "\ud800"], ids=repr)
def test_an_attribute_that_cannot_be_kept_is_refused_and_harms_nothing(make_fs, docs, value):
    fs = make_fs()
    fs.ingest(docs)
    with pytest.raises(InvalidSetting, match="attribute 'a'"):
        fs.ingest(docs, attributes={"a": value})
    assert [record.attributes for record in fs.files()] == [{}, {}, {}]


def test_a_write_that_an_interrupt_ended_keeps_nobody_out(url):
    """As Ctrl-C in an ingest, which then commits what it has while the error is on its way."""
    with contextlib.closing(Database(url)) as database:

        def interrupt(*_args):
            raise KeyboardInterrupt

        def write(value):
            with database.writing() as sql:
                sql.execute(update(meta).where(meta.c.key == "schema_version").values(value=value))
                if value == "interrupted":
                    event.listen(database._engine, "after_cursor_execute", interrupt, once=True)
                sql.execute(select(meta).union_all(select(meta))).all()  # has more rows to give

        try:
            write("interrupted")
        except KeyboardInterrupt:  # its traceback holds what the statement was executed with
            write("written")  # it took 30 s to fail
        with database.reading() as sql:
            query = select(meta.c.value).where(meta.c.key == "schema_version")
            assert sql.scalars(query).all() == ["written"]
