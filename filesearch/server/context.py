"""Context: everything that a route needs, put together once.

`Server` is the server's composition root: it makes the services over one `FileSearch`, starts
them with the process and stops them with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection

from filesearch.engine import FileSearch
from filesearch.event_log import EVENTS_KEPT_S, EventLog
from filesearch.file_objects import FileObjects
from filesearch.objects import Objects
from filesearch.protocols import ChatModel
from filesearch.server.given_files import GivenFiles
from filesearch.server.models import ModelMap
from filesearch.server.purge import EXPIRY_INTERVAL_S, Purge
from filesearch.server.responses.reading import Reading
from filesearch.server.responses.service import ResponseService
from filesearch.server.runs.service import RunService
from filesearch.server.warm_up import WarmUp
from filesearch.server.workers import WorkerRegistry
from filesearch.stores import VectorStores
from filesearch.uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How the server behaves.

    Attributes:
        is_strict: Refuse parameters that are not known.
        isolates_keys: Show each key only the objects that it made.
        max_file_bytes: Of one uploaded file.
        max_body_bytes: Of any other request.
        poll_after_ms: How long clients are told to wait before they ask again.
        run_lifetime_s: After this a run that has not ended expires.
    """

    is_strict: bool = False
    isolates_keys: bool = False
    max_file_bytes: int = 512 << 20
    max_body_bytes: int = 32 << 20
    poll_after_ms: int = 100
    run_lifetime_s: int = 600


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        owner: Id of the key; empty without one. New objects get it.
        scope: Owner whose objects may be seen; None for all.
    """

    owner: str = ""
    scope: str | None = None


class Service(Protocol):
    """What works in the background."""

    def start(self) -> None:
        """Begin, and take up what an earlier process left."""

    def stop(self) -> None:
        """Finish or put back what is under way, and end."""


class Server:
    """The parts of a server over one index.

    Args:
        fs: The index. Closed by its owner, not here.
        options: See ServeOptions.
        model_for: Name of a model, as a client gave it -> what serves it; None goes by the
            settings, see models.py.
    """

    def __init__(
        self,
        fs: FileSearch,
        options: ServeOptions | None = None,
        *,
        model_for: Callable[[str], ChatModel] | None = None,
    ) -> None:
        self.fs = fs
        self.settings = fs.settings
        self.options = options or ServeOptions()
        self.models = ModelMap(fs)
        self.model_for = model_for or self.models.model_for
        fs.open(create=True)
        fs.database.check_writable()
        self.objects: Objects = fs.objects
        self.events = EventLog(fs.database)
        self.workers = WorkerRegistry(fs.directory)
        self.files: FileObjects = fs.file_objects
        self.uploads: Uploads = fs.uploads
        self.stores: VectorStores = fs.stores
        self.given_files = GivenFiles(self)
        self.reading = Reading()
        self.runs = RunService(self)
        self.responses = ResponseService(self)
        # Each service is made here, and started and stopped in this order.
        self.services: Sequence[Service] = (
            Purge([self.files.purge_due], interval_s=EXPIRY_INTERVAL_S),
            Purge(
                [
                    self.files.purge,
                    self.uploads.purge,
                    self.given_files.purge,
                    self.stores.purge,
                    self._purge_events,
                    fs.let_go,
                ]
            ),
            fs.ingest_queue,
            self.runs,
            self.responses,
            WarmUp(fs.warm_up),
        )
        self._is_stopped = False

    @property
    def worker_id(self) -> str:
        """Names this process."""
        return self.workers.worker_id

    def is_worker_alive(self, worker_id: str) -> bool:
        """Return whether a process that serves this index still runs."""
        return self.workers.is_alive(worker_id)

    def _purge_events(self) -> None:
        self.events.purge(int(time.time()) - EVENTS_KEPT_S)

    def start(self) -> None:
        """Start the services."""
        self.workers.enter()
        for service in self.services:
            service.start()

    def stop(self) -> None:
        """Stop the services, the last one first, and write what is left; twice is as once."""
        if self._is_stopped:
            return
        self._is_stopped = True
        for service in reversed(self.services):
            service.stop()
        self.events.stop()
        self.workers.leave()


# Dependencies are coroutines, though they wait for nothing: FastAPI gives others to a thread.
async def _server(connection: HTTPConnection) -> Server:
    return cast(Server, connection.app.state.server)


async def _caller(connection: HTTPConnection) -> Caller:
    found = connection.scope.get("filesearch.caller")
    return found if isinstance(found, Caller) else Caller()


ServerDep = Annotated[Server, Depends(_server)]
CallerDep = Annotated[Caller, Depends(_caller)]
