"""Supervisor: several server processes over one index that accept from one listening socket.

Ours instead of uvicorn's: a worker must end with its parent, even when that is killed (else it
would keep the port), must not import the user's main module again, and one that cannot start must
end the command with its own exit code.

parent -> worker: its job on standard input, which stays open as long as the parent lives; later
"go": accept connections. All begin at once, for clients stay with the worker that took them.
worker -> parent: one line on standard output once it could accept connections, "ready 1" where a
key is required and "ready 0" where not.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import filesearch
from filesearch.server.guard.metrics import DIRECTORY_VARIABLE, forget_worker

_READY, _GO = b"ready ", b"go\n"
# A worker that dies is replaced at once; one that goes on dying, more and more seldom.
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
# A worker that has lived this long did not die of its start.
_STEADY_S = 60.0
_TICK_S = 0.1
_KILL_GRACE_S = 5.0
log = logging.getLogger("filesearch.server")


class Supervisor:
    """Keeps so many worker processes running until a signal ends them all.

    Args:
        count: At least 1.
        job: What each worker reads from its standard input: a line of JSON.
        listener: Listening socket; every worker inherits it.
        directory: Where the workers keep the counts that they share; exists.
        grace_s: How long a worker may take to finish its work once it is told to end.
        on_ready: Called once, when all accept connections; told whether a key is required.
    """

    def __init__(
        self,
        count: int,
        job: bytes,
        listener: socket.socket,
        *,
        directory: Path,
        grace_s: float,
        on_ready: Callable[[bool], None],
    ) -> None:
        self._job = job
        self._listener = listener
        self._directory = directory
        self._grace_s = grace_s
        self._on_ready = on_ready
        self._slots = [_Slot() for _ in range(count)]
        self._stop = threading.Event()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; call it on the main thread.

        Returns:
            0 when every worker ended in order; the exit code of one that could not start; else 1.
        """
        earlier = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            # The first alone: it makes the index where there is none, and says what is wrong once.
            failed = self._bring_up(self._slots[:1]) or self._bring_up(self._slots[1:])
            if not failed and not self._stop.is_set():
                for slot in self._slots:
                    slot.say(_GO)
                self._on_ready(self._slots[0].is_key_required)
                while not self._stop.wait(_TICK_S):
                    self._replace_dead()
            ended = self._end()
            return failed or ended
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():  # asked twice: not in order, but now
            for slot in self._slots:
                if slot.process is not None:
                    slot.process.kill()
        self._stop.set()

    def _start(self, slot: _Slot) -> None:
        slot.started_at = time.monotonic()
        slot.is_ready.clear()
        root = str(Path(filesearch.__file__).resolve().parent.parent)
        code = (
            f"import sys; sys.path.append({root!r}); "
            f"from filesearch.server.process import work; work({self._listener.fileno()})"
        )
        slot.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[self._listener.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal reaches the parent alone
            env={**os.environ, DIRECTORY_VARIABLE: str(self._directory)},
        )
        slot.say(self._job + b"\n")
        threading.Thread(target=slot.listen, args=(slot.process,), daemon=True).start()

    def _bring_up(self, slots: Sequence[_Slot]) -> int:
        """Start workers and wait for them; returns the exit code of one that could not, or 0."""
        for slot in slots:
            self._start(slot)
        while not all(slot.is_ready.is_set() for slot in slots) and not self._stop.wait(_TICK_S):
            for slot in slots:
                code = slot.process.poll() if slot.process is not None else None
                if code is not None:
                    return code if code > 0 else 1
        return 0

    def _replace_dead(self) -> None:
        for slot in self._slots:
            now = time.monotonic()
            if slot.process is None:
                if now >= slot.restart_at:
                    self._start(slot)
                    slot.say(_GO)
                continue
            code = slot.process.poll()
            if code is None:
                continue
            if now - slot.started_at > _STEADY_S:
                slot.delay_s = _FIRST_DELAY_S
            fields = {"pid": slot.process.pid, "exit_code": code, "restart_s": slot.delay_s}
            log.error("a worker died and is replaced", extra={"fields": fields})
            slot.restart_at = now + slot.delay_s
            slot.delay_s = min(2 * slot.delay_s, _LONGEST_DELAY_S)
            self._collect(slot)

    def _end(self) -> int:
        """Tell all workers to end, wait, kill those that do not; 0 when none had to be."""
        self._listener.close()
        running = [slot for slot in self._slots if slot.process is not None]
        for slot in running:
            assert slot.process is not None
            slot.process.terminate()
        deadline = time.monotonic() + self._grace_s + _KILL_GRACE_S
        codes = []
        for slot in running:
            assert slot.process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                slot.process.wait(max(0.0, deadline - time.monotonic()))
            if slot.process.poll() is None:
                fields = {"pid": slot.process.pid}
                log.error("a worker did not end in time and is killed", extra={"fields": fields})
                slot.process.kill()
            code = slot.process.wait()
            # One that was still starting has nothing to put in order.
            is_early = code == -signal.SIGTERM and not slot.is_ready.is_set()
            codes.append(0 if is_early else code)
            self._collect(slot)
        return 0 if not any(codes) else 1

    def _collect(self, slot: _Slot) -> None:
        assert slot.process is not None
        forget_worker(self._directory, slot.process.pid)
        if slot.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                slot.process.stdin.close()
        slot.process = None


class _Slot:
    """The place of one worker, and of those that come after it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.is_ready = threading.Event()
        self.is_key_required = False
        self.started_at = 0.0
        self.restart_at = 0.0
        self.delay_s = _FIRST_DELAY_S

    def say(self, words: bytes) -> None:
        """Write to the worker's standard input."""
        assert self.process is not None
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; its exit code tells why
            self.process.stdin.write(words)
            self.process.stdin.flush()

    def listen(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the line of a worker that is ready, and keep its pipe open until it ends."""
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if line.startswith(_READY) and process is self.process:
                    self.is_key_required = line.split()[1] == b"1"
                    self.is_ready.set()
