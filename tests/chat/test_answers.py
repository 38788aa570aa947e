"""Answers from a model behind a real socket: searched for, cited, checked; failures end clearly."""

from __future__ import annotations

import json
import threading

import pytest
from click.testing import CliRunner

from filesearch import ChatFailed, FileSearch
from filesearch.cli import cli
from filesearch.events import Cancelled
from filesearch.messages import ChatReply, Message, ToolCall, Usage
from filesearch.testing import HashingEmbedder

SEARCH = ChatReply(
    Message(
        "assistant",
        tool_calls=(ToolCall("call_1", "file_search", '{"queries": ["kiln degrees", "built"]}'),),
    ),
    "tool_calls",
    Usage(20, 5),
)
KILN = "The kiln reaches 1280 degrees in nine hours. It was built by Tomas."


@pytest.fixture
def fs(tmp_path, server):
    (tmp_path / "kiln.txt").write_text(KILN)
    settings = {"chat_model": "vllm:tiny", "chat_base_url": server.url}
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder(), **settings) as fs:
        fs.ingest(tmp_path / "kiln.txt")
        yield fs


def test_the_model_searches_and_its_answer_is_cited_and_checked(fs, server):
    server.plan += [SEARCH, "It reaches 1280 degrees. [1] It was built in 1926【2:0†source】. Ok?"]
    answer = fs.ask("How hot does the kiln get?")
    assert answer.plain_text == "It reaches 1280 degrees.  It was built in 1926. Ok?"
    assert [c.quote for c in answer.citations] == [
        "The kiln reaches 1280 degrees in nine hours.", "It was built by Tomas.",
    ]  # fmt: skip
    assert [c.is_supported for c in answer.citations] == [True, False]
    assert answer.unsupported[0].missing == ("1926",)
    assert answer.model == "tiny"
    _, fields = server.seen[1]
    [tool] = [m for m in fields["messages"] if m["role"] == "tool"]
    assert KILN in tool["content"]
    assert [t["function"]["name"] for t in fields["tools"]] == ["file_search"]


def test_a_server_that_refuses_tools_gives_one_answer_and_its_guess_is_cut_off(fs, server, say):
    guess = say.stream(say.chunk({"content": "900 degrees."}), hangs="last")
    cited = "It reaches 1280 degrees. [1]"
    server.plan += [say.error(400, "tiny does not support tools"), guess, '["kiln"]', cited]
    thread = fs.threads.create()
    answer = fs.ask("How hot does the kiln get?", thread_id=thread.id)
    assert (answer.plain_text.strip(), len(answer.citations)) == ("It reaches 1280 degrees.", 1)
    assert server.hung_up.wait(30)
    assert [m.role for m in fs.threads.messages(thread.id)] == ["user", "assistant"]
    assert len(server.seen) == 4


def test_a_registered_function_is_called_over_the_wire(fs, server):
    def weather(city: str) -> str:
        """Weather of a city."""
        return f"Rain in {city}."

    call = ToolCall("call_9", "weather", '{"city": "Oslo"}')
    server.plan += [
        ChatReply(Message("assistant", tool_calls=(call,)), "tool_calls", Usage(5, 5)),
        "It rains.",
    ]
    assert fs.ask("Is it raining in Oslo?", functions=[weather]).plain_text == "It rains."
    _, fields = server.seen[1]
    assert fields["messages"][-1]["content"] == "Rain in Oslo."


def test_cancelling_cuts_off_a_model_that_plans(fs, server, say):
    """A model that takes no tools has the question searched for, which it plans first."""
    server.plan += [
        say.error(400, "tiny does not support tools"),
        "A guess.",
        say.stream(hangs="last"),
    ]
    cancel = threading.Event()
    threading.Thread(target=lambda: (server.reached.wait(30), cancel.set())).start()
    *_, end = fs.stream("How hot does the kiln get?", cancel=cancel)
    assert isinstance(end, Cancelled)
    assert server.hung_up.wait(30)


@pytest.fixture
def fsearch(fs, server, monkeypatch):
    """Runs a command over the index of `fs` whose model is the server."""
    monkeypatch.setenv("FSEARCH_CHAT_MODEL", "vllm:tiny")
    monkeypatch.setenv("FSEARCH_CHAT_BASE_URL", server.url)
    monkeypatch.setenv("FSEARCH_INDEX", str(fs.directory))
    monkeypatch.setattr(
        "filesearch.engine.FileSearch",
        lambda *_args, chat_model=None: FileSearch(embedder=HashingEmbedder()),
    )

    def run(*arguments, typed=None):
        return CliRunner().invoke(cli, arguments, input=typed)

    return run


def ended(text, finish):
    return ChatReply(Message("assistant", text), finish, Usage(5, 5))


@pytest.mark.parametrize("how", [["--stream"], ["--no-stream"]])
def test_a_cut_answer_is_shown_with_a_warning(fsearch, server, how):
    server.plan.append(ended("It reaches 12", "length"))
    done = fsearch("ask", "How hot?", *how)
    assert (done.exit_code, done.stdout.startswith("It reaches 12\n")) == (0, True)
    assert "Warning: the answer is cut: the model had no tokens left" in done.stdout


@pytest.mark.parametrize(
    ("finish", "says"),
    [
        ("length", "the answer is cut: the model had no tokens left"),
        ("content_filter", "content filter"),
        ("stop", "model 'tiny' wrote no answer"),
    ],
)
def test_an_empty_answer_is_an_error_that_says_why(fsearch, server, finish, says):
    for how in (["--stream"], ["--no-stream"], ["--json"]):
        server.plan.append(ended("<think>Hm. 1280?</think>", finish))
        done = fsearch("ask", "How hot?", *how)
        assert done.exit_code == 4
        assert says in done.stderr
    part = json.loads(done.stdout)
    wanted = {"length": "max_completion_tokens", "content_filter": "content_filter", "stop": None}
    assert (part["incomplete_reason"], part["is_answered"]) == (wanted[finish], False)


def test_a_question_longer_than_the_model_reads_is_an_error(fsearch, monkeypatch):
    monkeypatch.setenv("FSEARCH_CHAT_CONTEXT_TOKENS", "512")
    for how in ([], ["--json"]):
        done = fsearch("ask", "How hot? " + "It was a Sunday. " * 200, *how)
        assert done.exit_code == 4
        assert "longer than the model may read" in done.stderr
    assert json.loads(done.stdout)["incomplete_reason"] == "max_prompt_tokens"


def test_a_conversation_says_what_an_answer_lacks_and_goes_on(fsearch, server):
    server.plan += [ended("", "content_filter"), ended("It rea", "length"), "It is hot."]
    done = fsearch("chat", typed="How hot?\nHow hot is it?\nAnd now?\n")
    assert done.exit_code == 0
    assert "Error: the answer is cut by the content filter" in done.stderr
    assert "Warning: the answer is cut: the model had no tokens left" in done.stdout
    assert "It is hot." in done.stdout


def test_a_refusal_is_what_the_model_says(fs, server, say):
    declines = [say.chunk({"content": None, "refusal": part}) for part in ("", "I can", "not.")]
    server.plan.append(say.stream(*declines, say.chunk(finish="stop"), say.done))
    assert fs.ask("How hot?").plain_text == "I cannot."


@pytest.mark.parametrize("kind", ["dies", "garbage", "refuses", "too long"])
def test_a_server_that_fails_is_said_and_the_thread_goes_on(fs, server, say, kind):
    failures = {
        "dies": say.stream(say.chunk({"content": "It is "}), dies=True),
        "garbage": say.stream(b"data: {not json\n\n"),
        "refuses": say.error(401, "no such key"),
        "too long": say.error(400, "This model's maximum context length is 8192 tokens."),
    }
    thread = fs.threads.create()
    server.plan += [failures[kind]] * 3
    with pytest.raises(ChatFailed):
        fs.ask("How hot?", thread_id=thread.id)
    server.plan.clear()
    server.plan.append("Hot.")
    assert fs.ask("And now?", thread_id=thread.id).plain_text == "Hot."
    assert [m.role for m in fs.threads.messages(thread.id)] == ["user", "user", "assistant"]


def test_the_command_line_shows_what_is_not_supported(fs, server, monkeypatch):
    monkeypatch.setenv("FSEARCH_CHAT_BASE_URL", server.url)
    with FileSearch(fs.directory.parent / "cli") as own:
        own.ingest(fs.directory.parent / "kiln.txt")
    server.plan += [SEARCH, "It reaches 900 degrees. [1] The kiln was moved to Oslo in 1999."]
    index = str(fs.directory.parent / "cli")
    command = ["ask", "How hot?", "--model", "vllm:tiny", "--index", index]
    done = CliRunner().invoke(cli, [*command, "--stream"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("It reaches 900 degrees.  [1]")
    assert "[1] does not support the sentence that cites it: it does not hold 900" in done.stdout
    assert "no source is cited for: “The kiln was moved to Oslo in 1999.”" in done.stdout
    server.plan += [SEARCH, "It reaches 900 degrees. [1]"]
    part = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)
    assert part["text"]["annotations"][0]["file_citation"]["is_supported"] is False


def test_a_configured_model_plans_what_the_user_searches_for(fs, server):
    server.plan += ['["kiln builder"]', "no list at all"]
    planned = fs.plan("Who was it that built this thing, the kiln?")
    assert (planned.queries, planned.notes) == (("kiln builder",), ("planned by the model",))
    assert "planned by rules" in fs.plan("Who built the kiln?").notes[-1]
