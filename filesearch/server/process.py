"""Process: one process that serves, from its settings to its end in order.

job + listening socket -> FileSearch -> Server -> routes, guarded -> uvicorn. When it is told to
end it accepts no more, lets short requests finish, stops the services (which finish or put back
what is under way and end their streams), and then waits for the connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec
import uvicorn

from filesearch.config import Settings
from filesearch.engine import FileSearch
from filesearch.errors import FilesearchError
from filesearch.server.acceptor import Acceptor
from filesearch.server.app import create_app
from filesearch.server.context import ServeOptions, Server
from filesearch.server.guard.asgi import ASGIApp
from filesearch.server.guard.guard import Access, Guarded, guard
from filesearch.server.guard.limits import Buckets
from filesearch.server.guard.logs import LogFormat, log, set_up_logging
from filesearch.server.http_protocol import HeadersInTime

# What one short request may still take before the services stop.
_SHORT_S = 1.0
_LOOK_AGAIN_S = 0.01


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a process needs to know to serve; travels to workers as JSON.

    Attributes:
        settings: Of the index.
        options: How the API behaves.
        access: Who may reach it.
        log_format: See logs.set_up_logging.
        log_level: See logs.set_up_logging.
        grace_s: How long the services, and after them the connections, may take to end.
        directory: What the workers of one server share lies there; empty for a single process.
    """

    settings: Settings
    options: ServeOptions = ServeOptions()
    access: Access = Access()
    log_format: LogFormat = "text"
    log_level: str = "info"
    grace_s: float = 10.0
    directory: str = ""


def serve(job: Job, listener: socket.socket, *, on_ready: Callable[[bool], None]) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT.

    Args:
        job: See there.
        listener: Closed at the end.
        on_ready: Called once connections are accepted; told whether a key is required.

    Raises:
        InvalidSetting: Others could reach the documents without a key; see guard.guard.
        FilesearchError: The index cannot be opened.
    """
    _serve(job, listener, on_ready=on_ready, keep=_Uvicorn.accept)


def _serve(
    job: Job,
    listener: socket.socket,
    *,
    on_ready: Callable[[bool], None],
    keep: Callable[[_Uvicorn], None],
) -> None:
    set_up_logging(job.log_format, job.log_level)
    raise_open_files_limit()
    with FileSearch(settings=job.settings) as fs:
        server = Server(fs, job.options)
        buckets = Buckets(Path(job.directory)) if job.directory else Buckets()
        guarded = guard(create_app(server), server, job.access, buckets=buckets)
        process = _Uvicorn(
            make_config(guarded.app, job),
            server,
            guarded,
            is_one_of_several=bool(job.directory),
            grace_s=job.grace_s,
            on_ready=on_ready,
        )
        keep(process)
        with _signals_end_quietly():
            process.run(sockets=[listener])


def raise_open_files_limit() -> None:
    """Let this process have as many connections as its user may allow it: often 1,024 are given."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS allows less than it says.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def make_config(app: ASGIApp, job: Job) -> uvicorn.Config:
    """Return how uvicorn serves an application."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        loop="asyncio",
        http=HeadersInTime,
        ws="websockets-sansio",
        ws_max_size=job.options.max_body_bytes,
        timeout_graceful_shutdown=max(1, round(job.grace_s)),
    )


class _Uvicorn(uvicorn.Server):
    """uvicorn, which by itself would wait for streams before it tells anybody to end them.

    It takes its connections through an Acceptor: of several processes each gets its part, and
    where no more files can be opened, one error is logged a second. The event loop's own server
    logs as many as the backlog is long.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server: Server,
        guarded: Guarded,
        *,
        is_one_of_several: bool,
        grace_s: float,
        on_ready: Callable[[bool], None],
    ) -> None:
        super().__init__(config)
        self._is_one_of_several = is_one_of_several
        self._acceptors: list[Acceptor] = []
        self._may_accept = threading.Event()
        self._server = server
        self._guarded = guarded
        self._grace_s = grace_s
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        # What it took to start lives as long as the process. Full collections of garbage, which
        # stop every request, need not look at it: they take some milliseconds in place of 30.
        gc.collect()
        gc.freeze()
        if self.started:
            self._on_ready(self._guarded.is_key_required)
        if await self._is_told_to_accept():
            self._acceptors = [self._acceptor(listener) for listener in sockets or []]
            for acceptor in self._acceptors:
                acceptor.start()

    async def _is_told_to_accept(self) -> bool:
        """Wait for it; false when the process is to end instead."""
        while not (self._may_accept.is_set() or self.should_exit):
            await asyncio.sleep(_LOOK_AGAIN_S)
        return self._may_accept.is_set()

    def accept(self) -> None:
        """Begin to accept connections, now or once it is ready; from any thread."""
        self._may_accept.set()

    def _acceptor(self, listener: socket.socket) -> Acceptor:
        def make_protocol() -> asyncio.Protocol:  # as uvicorn's own startup does
            protocol: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
            return protocol(
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )

        return Acceptor(
            listener,
            make_protocol=make_protocol,
            count_open=lambda: len(self.server_state.connections),
            is_shared=self._is_one_of_several,
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._guarded.routes.state.is_ending = True
        for acceptor in self._acceptors:
            acceptor.close()
        # Ends idle connections now, and the others after their answer.
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SHORT_S):
                while self.server_state.tasks:
                    await asyncio.sleep(0.02)
        await self._stop_services()
        await super().shutdown(sockets)

    async def _stop_services(self) -> None:
        """Stop them in a thread that nobody has to wait for, should one of them hang."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def stop() -> None:
            try:
                self._server.stop()
            # The edge: whatever a service raises, the process ends, and the log tells.
            except Exception as error:  # noqa: BLE001
                log.error("the services did not stop in order", exc_info=error)
            with contextlib.suppress(RuntimeError):  # the loop is gone when we come too late
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=stop, name="stop services", daemon=True).start()
        try:
            async with asyncio.timeout(self._grace_s):
                await done.wait()
        except TimeoutError:
            log.error("the services did not stop within %g s; they are left", self._grace_s)


@contextlib.contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Make nothing of the signal that ended uvicorn, which raises it once more at its end."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        pass

    numbers = (signal.SIGTERM, signal.SIGINT)
    earlier = {number: signal.signal(number, ignore) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def work(handle: int) -> NoReturn:
    """Run a worker process: its job comes from standard input, which ends with its parent.

    Args:
        handle: Descriptor of the listening socket.
    """
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    listener = socket.socket(fileno=handle)

    def end_with_parent(process: _Uvicorn) -> None:
        def watch() -> None:
            if sys.stdin.buffer.readline():  # "go", not the end
                process.accept()
                sys.stdin.buffer.read()
            process.should_exit = True

        threading.Thread(target=watch, name="watch parent", daemon=True).start()

    def say_ready(is_key_required: bool) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(1, b"ready %d\n" % is_key_required)

    exit_code = 0
    try:
        _serve(job, listener, on_ready=say_ready, keep=end_with_parent)
    except FilesearchError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)
        exit_code = error.exit_code
    # A service that hangs must not keep the process.
    sys.stderr.flush()
    os._exit(exit_code)
