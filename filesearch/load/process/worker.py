"""Worker: the child process of `isolation.Loader`; it runs `load` on what its parent sends.

stdin: frames of (filename, data, options); stdout: one frame with the `Confinement` that holds,
then one with a `Reply` for each file, and before that an empty one at each `pulse`. It ends with
its input. It limits its own memory, gives up the network and writing outside its scratch folder,
prints nothing and dies with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import IO

import msgspec

from filesearch.load.options import LoadOptions
from filesearch.load.process import page_clock, pulse
from filesearch.load.process.confinement import confine
from filesearch.types import Document

FRAME = struct.Struct(">Q")
"""Every message is preceded by its length in bytes, as a big-endian 64-bit number."""
SLOW_PAGE = 4
"""Exit status after a page took too long: what it runs cannot be interrupted."""
OUT_OF_MEMORY = 3
"""Exit status after a MemoryError: the heap may be fragmented, so a fresh process is better."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One file to load."""

    filename: str
    data: bytes
    options: LoadOptions


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """What became of it: a document, or one of two errors with its message.

    Attributes:
        peak_bytes: Largest resident size of the worker so far; 0 where unknown.
        slow_page: Key of the page that took too long; there is no outcome then, the worker has
            ended, and the file is to be asked for again without that page.
    """

    document: Document | None = None
    unsupported: str = ""
    invalid: str = ""
    is_out_of_memory: bool = False
    peak_bytes: int = 0
    slow_page: str = ""


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next message, or None when the stream ended, inside a message too."""
    head = stream.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    (size,) = FRAME.unpack(head)
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: IO[bytes], body: bytes) -> None:
    """Send one message. Raises BrokenPipeError when nobody reads."""
    stream.write(FRAME.pack(len(body)))
    stream.write(body)
    stream.flush()


def main(parent: int, memory_bytes: int, scratch: str) -> None:
    """Serve requests until stdin ends.

    Args:
        parent: Process id of the parent.
        memory_bytes: Address space that parsing may take on top of what Python itself maps.
        scratch: Folder for what parsers write; emptied after every file. The parent removes it.
    """
    _die_with(parent)
    requests = sys.stdin.buffer
    # Whatever a parser prints must not end up between the replies.
    replies = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes stdin
    with contextlib.suppress(OSError):
        os.nice(5)  # parsing gives way to searching and embedding

    folder = Path(scratch)
    os.chdir(folder)  # names without a folder mean files there, not the user's
    confinement = confine(folder)  # before a library starts threads, which it would not reach
    encoder = msgspec.msgpack.Encoder()
    write_frame(replies, encoder.encode(confinement))
    writing = threading.Lock()

    def beat() -> None:
        with writing:
            write_frame(replies, b"")

    def give_up(page: str) -> None:
        # In the watching thread, while the main one is inside the parser. It keeps the lock.
        writing.acquire()
        write_frame(replies, encoder.encode(Reply(slow_page=page)))
        os._exit(SLOW_PAGE)

    pulse.listen(beat)
    page_clock.watch(give_up)
    _limit_memory(memory_bytes)
    decoder = msgspec.msgpack.Decoder(Request)
    while (frame := read_frame(requests)) is not None:
        reply = _answer(decoder.decode(frame), memory_bytes)
        _empty(folder)  # one file's leavings are none of the next one's business
        write_frame(replies, encoder.encode(reply))
        if reply.is_out_of_memory:
            sys.exit(OUT_OF_MEMORY)


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process with its parent (Linux; elsewhere stdin's end must do).

    The signal comes when the *thread* that started us ends; the Loader then starts a new worker.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(0)  # it ended before the request took effect


def _limit_memory(memory_bytes: int) -> None:
    """Limit the address space to what is mapped now plus `memory_bytes`, and forbid core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return  # no /proc: macOS, whose RLIMIT_AS does not work either
    limit = pages * resource.getpagesize() + memory_bytes
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _answer(request: Request, memory_bytes: int) -> Reply:
    from filesearch.errors import InvalidFile, UnsupportedFile
    from filesearch.load import load

    try:
        return Reply(
            document=load(request.data, request.filename, request.options), peak_bytes=_peak_bytes()
        )
    except UnsupportedFile as error:
        return Reply(unsupported=str(error), peak_bytes=_peak_bytes())
    except InvalidFile as error:
        is_memory = isinstance(error.__cause__, MemoryError)
        message = (
            f"{request.filename!r} made the parser run out of memory "
            f"({memory_bytes >> 20} MiB); split the file"
        )
        return Reply(
            invalid=message if is_memory else str(error),
            is_out_of_memory=is_memory,
            peak_bytes=_peak_bytes(),
        )


def _empty(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            import shutil  # few files leave folders; it takes long to import

            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                Path(entry.path).unlink()


def _peak_bytes() -> int:
    # Not ru_maxrss where there is another figure: a child takes over that of a large parent.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
