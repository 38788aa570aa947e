"""Threads: kept in the catalog, gone on with by id, usable after whatever went wrong."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from filesearch import FileSearch
from filesearch.errors import ChatFailed, InvalidSetting, NotFound
from filesearch.events import Cancelled, TextDelta
from filesearch.functions import Function
from filesearch.messages import ChatReply, Message, ToolCall, ToolSpec, Usage
from filesearch.run import with_outputs
from filesearch.testing import HashingEmbedder, ScriptedChatModel

QUESTION = "How many degrees does the kiln reach?"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "kiln.txt").write_text("The kiln reaches 1280 degrees in nine hours.")
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        fs.ingest(tmp_path / "docs")
    return tmp_path


def opened(folder, model=None):
    return FileSearch(folder / "index", embedder=HashingEmbedder(), model=model)


def texts(fs, thread_id):
    return [(m.role, m.text) for m in fs.threads.messages(thread_id)]


def test_a_thread_survives_a_restart_with_its_citations(folder):
    with opened(folder) as fs:
        thread = fs.threads.create({"user": "mei"})
        answer = fs.ask(QUESTION, thread_id=thread.id)
    with opened(folder) as fs:
        kept = fs.threads.get(thread.id)
        assert (kept.metadata, kept.message_count, kept.title) == ({"user": "mei"}, 2, QUESTION)
        asked, answered = fs.threads.messages(thread.id)
        assert (asked.role, asked.text) == ("user", QUESTION)
        assert (answered.role, answered.text) == ("assistant", answer.plain_text)
        [annotation] = answered.content[0]["text"]["annotations"]
        assert annotation["file_citation"]["quote"] == answer.citations[0].quote


def test_earlier_messages_reach_the_model_without_their_markers(folder):
    model = ScriptedChatModel(["It is hot.", "Very."])
    with opened(folder, model) as fs:
        thread = fs.threads.create()
        fs.ask("Is it hot?", thread_id=thread.id)
        fs.ask("How hot?", thread_id=thread.id)
    said = [(m.role, m.content) for m in model.requests[1].messages[1:]]
    assert said == [("user", "Is it hot?"), ("assistant", "It is hot."), ("user", "How hot?")]


def test_a_follow_up_is_understood_from_the_thread(folder):
    with opened(folder) as fs:
        thread = fs.threads.create()
        fs.ask("Tell me about the kiln.", thread_id=thread.id)
        answer = fs.ask("How many degrees does it reach?", thread_id=thread.id)
    assert "1280 degrees" in answer.plain_text


def test_threads_are_listed_newest_first_and_deleted_with_their_messages(folder):
    with opened(folder) as fs:
        first, second = fs.threads.create(), fs.threads.create()
        fs.threads.append(first.id, "user", "Hello")
        assert [t.id for t in fs.threads.list()] == [second.id, first.id]
        fs.threads.delete(first.id)
        assert [t.id for t in fs.threads.list()] == [second.id]
        with pytest.raises(NotFound, match=first.id):
            fs.threads.messages(first.id)


def test_an_unknown_thread_is_an_error_before_anything_is_stored(folder):
    with opened(folder) as fs:
        with pytest.raises(NotFound, match="No thread found with id 'thread_x'"):
            fs.ask(QUESTION, thread_id="thread_x")
        assert fs.threads.list() == []


def ordering():
    """A model that orders, then says what came of it; the function that it calls."""
    call = ToolCall("c1", "order", '{"item": "mug"}')
    reply = ChatReply(Message("assistant", "One moment.", (call,)), "tool_calls", Usage(1, 1))

    def answer(request):
        return f"Done: {request.messages[-1].content}"

    return ScriptedChatModel(["Hello.", reply, answer, "Gladly."]), Function(ToolSpec("order"))


def test_an_answer_that_waits_for_outputs_goes_on_in_its_thread(folder):
    model, order = ordering()
    with opened(folder, model) as fs:
        thread = fs.threads.create()
        fs.ask("Hi.", thread_id=thread.id)
        asked = {"question": "Order a mug.", "thread_id": thread.id, "functions": [order]}
        *_, stop = fs.stream(**asked)
        *_, end = fs.stream(**asked, state=with_outputs(stop.state, {"c1": "ordered"}))
        assert end.answer.plain_text == "Done: ordered"
        assert texts(fs, thread.id)[2:] == [
            ("user", "Order a mug."),
            ("assistant", "Done: ordered"),
        ]
        before, after = (request.messages for request in model.requests[1:3])
        assert after[: len(before)] == before
        assert [message.role for message in after[len(before) :]] == ["assistant", "tool"]


def test_an_answer_goes_on_only_with_its_outputs_and_before_anything_else_is_said(folder):
    model, order = ordering()
    with opened(folder, model) as fs:
        thread = fs.threads.create()
        fs.ask("Hi.", thread_id=thread.id)
        asked = {"question": "Order a mug.", "thread_id": thread.id, "functions": [order]}
        *_, stop = fs.stream(**asked)
        with pytest.raises(InvalidSetting, match=r"'c1'.* missing"):
            fs.stream(**asked, state=stop.state)
        fs.ask("Wait.", thread_id=thread.id)
        with pytest.raises(InvalidSetting, match=r"is not 'Order a mug\.'"):
            fs.stream(**asked, state=with_outputs(stop.state, {"c1": "ordered"}))


def test_a_model_that_fails_leaves_a_thread_to_go_on_in(folder):
    model = ScriptedChatModel([ChatFailed("the server is gone; start it"), "Hot."])
    with opened(folder, model) as fs:
        thread = fs.threads.create()
        with pytest.raises(ChatFailed, match="the server is gone"):
            fs.ask("Is it hot?", thread_id=thread.id)
        assert fs.ask("And now?", thread_id=thread.id).plain_text == "Hot."
        assert texts(fs, thread.id) == [
            ("user", "Is it hot?"),
            ("user", "And now?"),
            ("assistant", "Hot."),
        ]


def test_a_cancelled_answer_is_kept_as_incomplete(folder):
    cancel = threading.Event()
    model = ScriptedChatModel(["One two three four five six seven."], piece_size=4)
    with opened(folder, model) as fs:
        thread = fs.threads.create()
        for event in fs.stream("Count.", thread_id=thread.id, cancel=cancel):
            if isinstance(event, TextDelta):
                cancel.set()
        assert isinstance(event, Cancelled)
        last = fs.threads.messages(thread.id)[-1]
        assert (last.role, last.status, last.text) == ("assistant", "incomplete", "One ")


LATER_COLUMNS = {
    "vector_stores": "owner description metadata expires_after_days last_active_at",
    "files": "purpose owner expires_at",
    "store_files": "created_at batch_id",
}


def taken_back(path, version):
    """Make of a catalog what an earlier version of filesearch would have written."""
    with sqlite3.connect(path) as sql:
        for table in ("objects", "tombstones", "events"):
            sql.execute(f"DROP TABLE {table}")
        for index in ("ix_store_files_status", "ix_store_files_batch"):
            sql.execute(f"DROP INDEX {index}")
        for table, columns in LATER_COLUMNS.items():
            for column in columns.split():
                sql.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        if version == 2:
            sql.execute(
                "CREATE TABLE threads (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
                "created_at BIGINT NOT NULL, metadata TEXT NOT NULL)"
            )
            sql.execute(
                "CREATE TABLE messages (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
                "thread_id TEXT NOT NULL REFERENCES threads(id), created_at BIGINT NOT NULL, "
                "role TEXT NOT NULL, content TEXT NOT NULL, status TEXT NOT NULL, "
                "metadata TEXT NOT NULL)"
            )
            sql.execute("INSERT INTO threads VALUES (1, 'thread_a', 1700, '{\"k\": \"v\"}')")
            content = '[{"type": "text", "text": {"value": "Hot?", "annotations": []}}]'
            sql.execute(
                "INSERT INTO messages VALUES (1, 'msg_a', 'thread_a', 1701, 'user', ?, "
                "'completed', '{}')",
                (content,),
            )
        sql.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(version),))


@pytest.mark.parametrize("version", [1, 2])
def test_an_index_of_an_earlier_version_is_brought_up(folder, version):
    taken_back(folder / "index" / "catalog.db", version)
    with opened(folder) as fs:
        assert fs.search("kiln")
        assert fs.ask(QUESTION, thread_id=fs.threads.create().id).is_answered


def test_the_threads_of_an_earlier_version_are_kept(folder):
    taken_back(folder / "index" / "catalog.db", 2)
    with opened(folder) as fs:
        thread = fs.threads.get("thread_a")
        assert (thread.title, thread.created_at, thread.metadata) == ("Hot?", 1700, {"k": "v"})
        assert fs.threads.messages("thread_a")[0].id == "msg_a"


def test_a_thread_needs_an_index(tmp_path):
    with FileSearch(tmp_path / "none") as fs, pytest.raises(NotFound, match="no index"):
        _ = fs.threads
