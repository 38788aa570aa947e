"""fsearch chat on a real terminal: Ctrl-C ends an answer, not the program."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import textwrap
import time

import pytest

PROGRAM = textwrap.dedent(
    """
    import sys, time
    from filesearch.engine import FileSearch
    from filesearch.messages import ChatDelta, Usage
    from filesearch.testing import HashingEmbedder

    class Slow:
        name, calls_tools = "slow", True
        def stream(self, request):
            asked = request.messages[-1].content
            if "silent" in asked:
                print("was asked", flush=True)
            yield ChatDelta(text="" if "silent" in asked else "writing ")
            time.sleep(0 if "again" in asked else 1000)
            yield ChatDelta(text="done", finish_reason="stop", usage=Usage(1, 1))

    def opened(index=None, chat_model=None, _real=FileSearch):
        return _real(index, embedder=HashingEmbedder(), model=Slow())

    import filesearch.engine
    filesearch.engine.FileSearch = opened
    with opened(sys.argv[1]) as fs:
        fs.ingest_documents([])
    from filesearch.cli import main
    sys.argv = ["fsearch", "chat", "--index", sys.argv[1]]
    main()
    """
)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *command):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.seen = ""

    def wait_for(self, text, timeout_s=60, *, is_all=False):
        """Read on until `text` is there; with `is_all` nothing else may have come before it."""
        os.set_blocking(self._ours, False)
        deadline = time.monotonic() + timeout_s
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            try:
                self.seen += os.read(self._ours, 4096).decode(errors="replace")
            except (BlockingIOError, OSError):
                time.sleep(0.02)
        before, _, self.seen = self.seen.partition(text)
        assert not (is_all and before.strip()), before

    def type(self, text):
        os.write(self._ours, text.encode())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_stops_the_answer_and_the_conversation_goes_on(tmp_path):
    terminal = Terminal(sys.executable, "-c", PROGRAM, str(tmp_path / "index"))
    try:
        terminal.wait_for("> ")
        terminal.type("run forever\n")
        terminal.wait_for("writing ")
        os.killpg(terminal.process.pid, signal.SIGINT)
        terminal.wait_for("stopped; what was written is kept")
        terminal.wait_for("> ")
        terminal.type("be silent\n")
        terminal.wait_for("was asked")
        os.killpg(terminal.process.pid, signal.SIGINT)
        terminal.wait_for("stopped; what was written is kept")
        terminal.wait_for("> ", is_all=True)
        terminal.type("again\n")
        terminal.wait_for("writing done")
        terminal.wait_for("> ")
        os.killpg(terminal.process.pid, signal.SIGINT)
        terminal.wait_for("/quit or Ctrl-D leaves")
        terminal.type("/quit\n")
        terminal.wait_for("go on with: fsearch chat --thread thread_")
        assert terminal.process.wait(30) == 0
    finally:
        terminal.process.kill()
        terminal.process.wait()
