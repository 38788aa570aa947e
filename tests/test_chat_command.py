"""fsearch chat: a conversation by lines, kept, with sources that open."""

from __future__ import annotations

import json
import re
import time

import pytest
from click.testing import CliRunner

from filesearch import FileSearch
from filesearch.cite import content_part
from filesearch.cli import cli
from filesearch.errors import DatabaseAway
from filesearch.testing import ScriptedChatModel
from filesearch.threads import Threads

TEXTS = {
    "kiln.txt": "Welcome. The kiln reaches 1280 degrees in nine hours. It is fired on Fridays.\n",
    "mugs.md": "# Returns\n\nA mug may be returned within 30 days of delivery.\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chat")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text)
    done = CliRunner().invoke(cli, ["ingest", str(folder / "docs"), "--index", str(folder / "i")])
    assert done.exit_code == 0
    return folder / "i"


def talk(index, *lines, options=()):
    text = "\n".join(lines)
    return CliRunner().invoke(cli, ["chat", "--index", str(index), *options], input=text)


def test_questions_are_answered_with_numbers_and_sources(index):
    done = talk(index, "How many degrees does the kiln reach?")
    assert done.exit_code == 0
    assert "The kiln reaches 1280 degrees in nine hours. [1]" in done.stdout
    assert "[1] kiln.txt" in done.stdout
    assert "go on with: fsearch chat --thread thread_" in done.stderr


def test_a_conversation_goes_on_by_its_id_and_is_listed(index):
    first = talk(index, "Tell me about the kiln.")
    thread = re.search(r"thread_\w+", first.stderr).group()
    second = talk(index, "How many degrees does it reach?", options=["--thread", thread])
    assert "1280 degrees" in second.stdout
    listed = CliRunner().invoke(cli, ["chat", "--index", str(index), "--list"]).stdout
    assert re.search(rf"{thread}  \S+ \S+ +4 messages  Tell me about the kiln\.", listed)


def test_conversations_are_listed_as_json_for_programs(index):
    first = talk(index, "What is fired on Fridays?")
    thread = re.search(r"thread_\w+", first.stderr).group()
    done = CliRunner().invoke(cli, ["chat", "--index", str(index), "--list", "--json"])
    newest = json.loads(done.stdout)[0]
    created_at = newest.pop("created_at")
    assert abs(created_at - time.time()) < 600
    title = "What is fired on Fridays?"
    assert newest == {"id": thread, "metadata": {}, "message_count": 2, "title": title}
    done = talk(index, "hello", options=["--json"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--json goes with --list" in done.stderr


def test_a_source_opens_in_its_document(index):
    done = talk(index, "How many degrees does the kiln reach?", "/sources", "/sources 1")
    assert "Welcome. »The kiln reaches 1280 degrees in nine hours.« It is fired" in done.stdout


def test_a_thread_with_pictures_in_it_goes_on_and_shows_its_sources(index):
    with FileSearch(index) as fs:
        thread = fs.threads.create()
        picture = {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "auto"}}
        fs.threads.append(thread.id, "user", [picture])
        answer = fs.ask("How many degrees does the kiln reach?")
        file_path = {"type": "file_path", "text": "x", "start_index": 0, "end_index": 0}
        part = content_part(answer)
        part["text"]["annotations"].append(file_path)
        fs.threads.append(thread.id, "assistant", [picture, part])
    options = ["--thread", thread.id]
    done = talk(index, "/sources", "/sources 1", "/threads", options=options)
    assert done.exit_code == 0
    assert done.stdout.count("[1] kiln.txt") == 2
    model = ScriptedChatModel(["So it is."])
    with FileSearch(index, model=model) as fs:
        fs.ask("Really?", thread_id=thread.id)
    said = [message.content for message in model.requests[0].messages[1:]]
    assert said == ["The kiln reaches 1280 degrees in nine hours.", "Really?"]
    done = talk(index, "When is it fired?", options=options)
    assert "Fridays" in done.stdout


def test_an_answer_without_sources_shows_none_of_an_earlier_one(index):
    done = talk(
        index,
        "How many degrees does the kiln reach?",
        "Which visa does Peru ask for?",
        "/sources",
        "/sources 1",
    )
    assert done.stdout.count("[1] kiln.txt") == 1
    assert done.stderr.count("the last answer has no sources") == 2


def test_commands_say_what_they_cannot_do_and_the_conversation_goes_on(index):
    done = talk(
        index, "/sources", "/sources 3", "/nonsense", "/help", "/files", "/quit", "not read"
    )
    assert done.exit_code == 0
    assert done.stderr.count("no answer with sources yet") == 2
    assert "no command '/nonsense'" in done.stderr
    assert "/sources N" in done.stdout
    assert "mugs.md" in done.stdout
    assert "thread_" not in done.stderr


def test_an_unknown_thread_is_said(index):
    done = talk(index, "hello", options=["--thread", "thread_x"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "No thread found with id 'thread_x'." in done.stderr


def test_without_an_index_it_says_how_to_make_one(tmp_path):
    done = talk(tmp_path / "none", "hello")
    assert done.exit_code == 2
    assert "no index at" in done.stderr


def test_a_database_that_is_away_for_a_while_does_not_end_the_talk(index, monkeypatch):
    away, create = [DatabaseAway("the database is away")] * 2, Threads.create

    def create_later(self):
        if away:
            raise away.pop()
        return create(self)

    def refuse(_self):
        raise DatabaseAway("still away")

    monkeypatch.setattr(Threads, "create", create_later)
    monkeypatch.setattr(Threads, "list", refuse)
    question = "How many degrees does the kiln reach?"
    done = talk(index, question, question, "/threads", question)
    assert done.exit_code == 0
    assert done.stderr.count("Error: the database is away") == 2
    assert "Error: still away" in done.stderr
    assert "1280 degrees in nine hours. [1]" in done.stdout
