"""Command chat: a conversation in the terminal that is kept with the index."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from filesearch.cli.options import index_option, json_option, print_json, say, show_as_written
from filesearch.terminal import escaped

if TYPE_CHECKING:
    from filesearch.engine import FileSearch

_HELP = """\
/sources        the sources of the last answer
/sources N      the passage behind [N]
/files          the files of the index
/threads        earlier conversations
/new            begin another conversation
/help           these lines
/quit           leave; Ctrl-D does as well. Ctrl-C stops an answer."""


@click.command()
@index_option
@click.option("--model", metavar="NAME", help="What answers; see: fsearch ask --help.")
@click.option("--thread", "thread_id", metavar="ID", help="Conversation to go on with.")
@click.option("--list", "is_list", is_flag=True, help="List the conversations and end.")
@json_option
def chat(
    index: str | None, model: str | None, thread_id: str | None, is_list: bool, as_json: bool
) -> None:
    """Talk with the documents: questions, answers with numbered sources, and what came before.

    The conversation is kept; /help lists what else can be done in it. Without a terminal each line
    of the input is a message. --json goes with --list alone.
    """
    if as_json and not is_list:
        raise click.UsageError("--json goes with --list; one answer as JSON: fsearch ask --json")
    from filesearch.engine import FileSearch
    from filesearch.render import render_thread_list

    with FileSearch(index, chat_model=model) as fs:
        if is_list and as_json:
            print_json([asdict(thread) for thread in fs.threads.list()])
            return
        if is_list:
            click.echo(render_thread_list(fs.threads.list()))
            return
        talk = _Talk(fs, thread_id)
        say(f"{fs.chat_model.name} answers from {fs.directory}; /help says what else there is")
        for line in _lines():
            if line == "/quit":
                break
            if line.startswith("/"):
                talk.command(line)
            elif line:
                talk.answer(line)
        if talk.thread_id is not None:
            say(f"go on with: fsearch chat --thread {talk.thread_id}")


class _Talk:
    """One conversation, or several one after another."""

    def __init__(self, fs: FileSearch, thread_id: str | None) -> None:
        self._fs = fs
        self.thread_id = thread_id and fs.threads.get(thread_id).id
        fs.threads  # noqa: B018  an index that is missing is said at once

    def answer(self, message: str) -> None:
        """Answer a message; whatever goes wrong, the conversation goes on."""
        from filesearch.assistant import answer_of
        from filesearch.errors import FilesearchError
        from filesearch.events import Cancelled, RunEvent
        from filesearch.render import render_grounds
        from filesearch.shortfall import shortfall

        last: list[RunEvent] = []
        try:
            if self.thread_id is None:
                self.thread_id = self._fs.threads.create().id
            with _stopped_by_interrupt() as cancel:
                events = self._fs.stream(message, thread_id=self.thread_id, cancel=cancel)
                answer = answer_of(_kept(show_as_written(events), last))
        except FilesearchError as error:
            say(f"Error: {escaped(str(error))}")
            return
        if last and isinstance(last[-1], Cancelled):
            click.echo()
            say("stopped; what was written is kept")
        elif not answer.plain_text.strip():
            say(f"Error: {escaped(shortfall(answer))}")
        if answer.plain_text.strip():
            click.echo(render_grounds(answer) + "\n")

    def command(self, line: str) -> None:
        """Do what a line that begins with a stroke says; the conversation goes on, as above."""
        from filesearch.errors import FilesearchError

        try:
            self._command(line)
        except FilesearchError as error:
            say(f"Error: {escaped(str(error))}")

    def _command(self, line: str) -> None:
        from filesearch.render import render_files, render_thread_list

        name, _, argument = line.partition(" ")
        if name == "/help":
            click.echo(_HELP)
        elif name == "/sources":
            self._show_sources(argument.strip())
        elif name == "/files":
            click.echo(render_files(self._fs.files()))
        elif name == "/threads":
            click.echo(render_thread_list(self._fs.threads.list()))
        elif name == "/new":
            self.thread_id = None
        else:
            say(f"there is no command '{name}'; /help lists them")

    def _show_sources(self, number: str) -> None:
        from filesearch.errors import NotFound
        from filesearch.render import render_source, render_source_line

        citations = self._last_citations()
        cited = {str(citation["number"]): citation for citation in citations or ()}
        if citations is None:
            say("no answer with sources yet")
        elif not cited:
            say("the last answer has no sources")
        elif not number:
            for citation in cited.values():
                click.echo(render_source_line(citation))
        elif number not in cited:
            say(f"there is no source '{number}'; the last answer has {', '.join(cited)}")
        else:
            try:
                document = self._fs.document(cited[number]["file_id"])
            except NotFound:
                document = None
            click.echo(render_source(cited[number], document))

    def _last_citations(self) -> list[dict[str, Any]] | None:
        """Return what the last answer cites, None where there is no answer yet."""
        messages = [] if self.thread_id is None else self._fs.threads.messages(self.thread_id)
        for message in reversed(messages):
            if message.role == "assistant":
                return [
                    annotation["file_citation"]
                    for part in message.content
                    if part["type"] == "text"  # a server's thread holds pictures as well
                    for annotation in part["text"].get("annotations", ())
                    if annotation["type"] == "file_citation"
                ]
        return None


def _kept(events: Iterator[Any], last: list[Any]) -> Iterator[Any]:
    for event in events:
        last[:] = [event]
        yield event


def _lines() -> Iterator[str]:
    """Yield what is typed, or piped in, until its end."""
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        import readline  # noqa: F401  edits the line and keeps a history
    while True:
        try:
            yield input("> " if is_terminal else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:
            say("\n/quit or Ctrl-D leaves")


@contextmanager
def _stopped_by_interrupt() -> Iterator[threading.Event]:
    """Let Ctrl-C set the event that is given, instead of ending the program."""
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    before = signal.signal(signal.SIGINT, lambda *_: cancel.set())
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
