"""Isolation: `load` behind a time and a memory limit, in a child process of our own.

A parser fed with the wrong file may hang, exhaust memory, crash the interpreter or, taken over,
do what the file wants. That must cost the one file, not the process that holds the index, nor
anything on the machine: see `confinement`. Plain text is loaded in process: nothing there can
hang, and no process need be started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec

import filesearch
from filesearch.config import Settings
from filesearch.errors import InvalidFile, UnsupportedFile
from filesearch.load import LoadOptions, load, sniff
from filesearch.load.media_types import CSV, JSON, JSONL, MODULES, TSV
from filesearch.load.process.confinement import Confinement
from filesearch.load.process.scratch import Scratch
from filesearch.load.process.worker import OUT_OF_MEMORY, Reply, Request, read_frame, write_frame
from filesearch.types import Document

IN_PROCESS_BYTES = 1024 * 1024
"""Plain formats up to this size are loaded in process: 30 ms a file of prose, 3 s at worst (a table
of 500,000 rows; test_plain_text_takes_time_in_proportion)."""
_IN_PROCESS = frozenset((CSV, TSV, JSON, JSONL))
"""What is loaded in process beside the text that no module of its own reads."""
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
_RECYCLE_BYTES = 512 * 1024 * 1024
"""A worker whose resident size ever passed this is replaced: freed memory seldom goes back."""
_MAX_FILE_SECONDS = 4 * 3600.0
"""Longest time for one file that is read by OCR page after page: about 3,000 pages."""
_START_SECONDS = 10.0
"""Grace for starting Python on a busy machine, on top of the file's own time."""


class Loader:
    """Loads files one after another, each within `timeout_s` and `memory_bytes`.

    Not thread-safe: one thread loads. Use as a context manager, or call `close`.

    Args:
        timeout_s: Longest time for one file, in seconds, above 0; of a file that is read by OCR,
            for each page.
        memory_bytes: Address space a parser may take on top of what Python itself maps. Enforced
            on Linux only.
        options: How files are read; None takes the defaults.

    Attributes:
        peak_bytes: Largest resident size of the current worker at its last reply; 0 before.
    """

    def __init__(
        self,
        timeout_s: float = 60.0,
        memory_bytes: int = 1 << 30,
        options: LoadOptions | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self.memory_bytes = memory_bytes
        self.options = options or LoadOptions()
        self.peak_bytes = 0
        self._worker: subprocess.Popen[bytes] | None = None
        self._scratch: Scratch | None = None
        self._confinement = Confinement()
        self._decoder = msgspec.msgpack.Decoder(Reply)

    def load(self, data: bytes, filename: str) -> Document:
        """Return the Document of a file, as `filesearch.load.load` does.

        Raises:
            UnsupportedFile: A format that is not read here.
            InvalidFile: As `load`; also when the file took too long, needed too much memory or
                crashed its parser. The Loader stays usable.
        """
        media_type = sniff(data, filename)
        if is_plain(media_type) and len(data) <= IN_PROCESS_BYTES:
            return load(data, filename, self.options)
        reply = self._reply(data, filename)
        if reply.document is not None:
            return reply.document
        if reply.unsupported:
            raise UnsupportedFile(reply.unsupported)
        raise InvalidFile(reply.invalid)

    def confinement(self) -> Confinement:
        """Return what holds for the worker, which is started if there is none.

        Raises:
            InvalidFile: It does not start.
        """
        request = Request("any.txt", b"Any text starts it.", self.options)
        self._ask(request, _Allowance(self.timeout_s))
        return self._confinement

    def interrupt(self) -> None:
        """Make a `load` that runs in another thread fail soon; the only call that thread allows."""
        worker = self._worker
        if worker is not None:
            _kill(worker)

    def close(self) -> None:
        """End the worker; a later `load` starts a new one. Closing twice is fine."""
        worker, self._worker = self._worker, None
        if worker is not None:
            _end(worker)
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.close()

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _reply(self, data: bytes, filename: str) -> Reply:
        """Return what became of a file, read again without each page that took too long."""
        options = self.options
        allowance = _Allowance(self.timeout_s)
        reply = self._ask(Request(filename, data, options), allowance)
        while reply.slow_page:
            self.close()
            skipped = (*options.skip_pages, reply.slow_page)
            options = msgspec.structs.replace(options, skip_pages=skipped)
            reply = self._ask(Request(filename, data, options), allowance)
        return reply

    def _ask(self, request: Request, allowance: _Allowance) -> Reply:
        """Send one request and return its reply; a worker that fails is ended."""
        is_fresh = self._worker is None or self._worker.poll() is not None
        worker = self._started()
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            _kill(worker)  # reads and writes of the main thread end with it

        timer = _start_timer(allowance.left_s() + (_START_SECONDS if is_fresh else 0.0), stop)
        frame: bytes | None = None
        is_whole = False
        try:
            assert worker.stdin is not None
            assert worker.stdout is not None
            write_frame(worker.stdin, msgspec.msgpack.encode(request))
            if is_fresh and (head := read_frame(worker.stdout)) is not None:
                self._confinement = msgspec.msgpack.decode(head, type=Confinement)
            while (frame := read_frame(worker.stdout)) == b"":  # a pulse: a step went well
                timer.cancel()
                allowance.extend()
                timer = _start_timer(allowance.left_s(), stop)
            is_whole = frame is not None
        except BrokenPipeError:
            pass  # it died; its exit status tells why
        finally:
            timer.cancel()
            if not is_whole:  # also when Ctrl-C interrupted the read: the reply must not stay
                self.close()
        if frame is None:
            raise InvalidFile(self._why(request.filename, worker.returncode, timed_out.is_set()))
        reply = self._decoder.decode(frame)
        self.peak_bytes = reply.peak_bytes
        if reply.is_out_of_memory or reply.peak_bytes > _RECYCLE_BYTES:
            self.close()
        return reply

    def _why(self, filename: str, status: int | None, timed_out: bool) -> str:
        if timed_out:
            return f"{filename!r} took over {self.timeout_s:g} s to read; split the file"
        if status in (OUT_OF_MEMORY, -9):
            return (
                f"{filename!r} made the parser run out of memory "
                f"({self.memory_bytes >> 20} MiB); split the file"
            )
        if status == -signal.SIGABRT:  # so C++ code ends that gets no memory, pdfium among it
            return (
                f"{filename!r} made the parser give up: out of memory "
                f"({self.memory_bytes >> 20} MiB) or too damaged; split the file or save it again"
            )
        what = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        return f"{filename!r} crashed its parser ({what}); save it again in another version"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._worker is not None and self._worker.poll() is None:
            return self._worker
        self.close()
        root = str(Path(filesearch.__file__).resolve().parent.parent)
        # Not multiprocessing: its spawn would import the user's main module again. Not the current
        # directory (-P): a docx.py in the user's folder must not be imported. The package's own
        # root comes last, for a checkout that is not installed.
        code = (
            f"import sys; sys.path.append({root!r}); "
            "from filesearch.load.process.worker import main; "
            f"main({os.getpid()}, {self.memory_bytes}, sys.argv[1])"
        )
        self._scratch = Scratch()
        self._worker = subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-P", "-B", "-c", code, str(self._scratch.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,  # Ctrl-C in the terminal does not reach it
            env=_environment(self._scratch.path),
        )
        return self._worker


class _Allowance:
    """The time that is left to one file, however often its reading begins anew.

    Each step that reports itself done gives it `timeout_s` again, within `_MAX_FILE_SECONDS` in
    all: a parser that its file has taken over could report for ever.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        now = time.monotonic()
        self._until = now + timeout_s
        self._at_last = now + max(timeout_s, _MAX_FILE_SECONDS)

    def extend(self) -> None:
        """Know that a step is done."""
        self._until = time.monotonic() + self._timeout_s

    def left_s(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(min(self._until, self._at_last) - time.monotonic(), 0.0)


def is_plain(media_type: str) -> bool:
    """Return whether files of this type are loaded in process, up to `IN_PROCESS_BYTES`."""
    return media_type in _IN_PROCESS or media_type not in MODULES


def make_loader(settings: Settings) -> Loader:
    """Return a Loader with the limits and options that the settings have."""
    return Loader(
        settings.parse_timeout_s,
        settings.parse_memory_mb << 20,
        LoadOptions(ocr=settings.ocr, page_timeout_s=settings.page_timeout_s),
    )


def _start_timer(seconds: float, stop: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    return timer


def _environment(scratch: Path) -> dict[str, str]:
    """Return the variables of a worker: ours without what no parser need know."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FSEARCH_") and not any(w in name.upper() for w in _SECRET_WORDS)
    }
    # Numeric libraries map gigabytes per thread, which the memory limit would count.
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT"), "1")
    return {**kept, **one_thread, "TMPDIR": str(scratch)}


def _kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker with what it started (OCR): they are one process group."""
    if worker.returncode is None:  # not collected yet, so the number is still its own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker at once (it keeps nothing) and collect it."""
    _kill(worker)
    for stream in (worker.stdin, worker.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # what was still buffered is of no use now
                stream.close()
    worker.wait()
