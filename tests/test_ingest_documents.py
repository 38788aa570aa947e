"""Ingest of documents that are at hand as text."""

import pytest

from filesearch import Document, InvalidFile, NamedDocument, Span
from filesearch.testing import HashingEmbedder

TEXTS = {"t-1": "The kiln door sticks.", "t-2": "Noor ordered porcelain clay.", "t/3": "瓷土到货"}


def named(**texts):
    return [NamedDocument(name, Document(text)) for name, text in texts.items()]


def statuses(report):
    return {outcome.filename: outcome.status for outcome in report.outcomes}


def test_documents_become_searchable_under_their_names(fs):
    assert set(statuses(fs.ingest_documents(named(**TEXTS))).values()) == {"added"}
    [hit] = fs.search("porcelain", top_k=1)
    assert (hit.filename, hit.text) == ("t-2", TEXTS["t-2"])
    assert fs.document(hit.file_id).text == TEXTS["t-2"]


def test_unchanged_documents_are_not_embedded_again(make_fs):
    make_fs().ingest_documents(named(**TEXTS))
    embedder = HashingEmbedder()
    embedder.embed_texts = None  # calling it would fail
    again = make_fs(embedder=embedder).ingest_documents(named(**TEXTS))
    assert set(statuses(again).values()) == {"unchanged"}


@pytest.mark.parametrize(
    "changed",
    [
        Document("The kiln door opens."),
        Document(TEXTS["t-1"], title="Doors"),
        Document(TEXTS["t-1"], spans=(Span("page", 0, 21, 1),)),
    ],
    ids=["text", "title", "spans"],
)
def test_a_changed_document_takes_the_place_of_the_one_with_its_name(fs, changed):
    fs.ingest_documents(named(**TEXTS))
    assert statuses(fs.ingest_documents([NamedDocument("t-1", changed)])) == {"t-1": "updated"}
    records = {record.filename: record for record in fs.files()}
    assert set(records) == set(TEXTS)
    assert fs.document(records["t-1"].id) == changed


def test_what_is_left_out_stays(fs):
    fs.ingest_documents(named(**TEXTS))
    fs.ingest_documents(named(new="One more."))
    assert len(fs.files()) == 4


def test_files_and_documents_share_an_index_even_under_one_name(fs, docs):
    fs.ingest(docs)
    fs.ingest_documents([NamedDocument("kiln.txt", Document("A note on the kiln."))])
    assert [r.filename for r in fs.files()].count("kiln.txt") == 2
    assert not fs.ingest(docs, prune=True).removed


def test_text_is_cleaned_as_that_of_files(fs):
    fs.ingest_documents([NamedDocument("a", Document("cafe\u0301\r\nbar\x00", title=" A\n B "))])
    [record] = fs.files()
    assert fs.document(record.id).text == "caf\xe9\nbar"
    assert record.title == "A B"


def test_bad_documents_fail_with_a_reason_and_the_rest_goes_on(fs):
    blank = NamedDocument("blank", Document(" \n"))
    shifted = NamedDocument("shifted", Document("a\r\nb", spans=(Span("page", 3, 4, 1),)))
    report = fs.ingest_documents([blank, shifted, *named(good="A good one.")])
    assert {o.filename: o.error for o in report.failed} == {
        "blank": "it holds no text",
        "shifted": "its text is not clean and its spans would shift; see load.clean.clean_text",
    }
    assert fs.search("good")[0].filename == "good"


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "a\ud800"])
def test_a_name_that_cannot_be_kept_is_refused_before_anything_changes(fs, name):
    with pytest.raises(InvalidFile, match="cannot be named"):
        fs.ingest_documents([*named(**TEXTS), NamedDocument(name, Document("x"))])
    assert not fs.directory.exists()


def test_a_name_given_twice_is_refused(fs):
    with pytest.raises(InvalidFile, match="'t-1' is given to two documents"):
        fs.ingest_documents([*named(**TEXTS), *named(**TEXTS)])


def test_documents_can_be_removed_and_verified_like_files(fs):
    fs.ingest_documents(named(**TEXTS))
    fs.remove(["t-1"])
    assert {record.filename for record in fs.files()} == {"t-2", "t/3"}
    assert not fs.verify().damages
    assert fs.rebuild() == 2
