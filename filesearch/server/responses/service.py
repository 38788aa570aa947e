"""Responses: a request is answered at once, in a stream, or in the background.

create -> (queued ->) in_progress -> a thread of the pool makes it (worker.py) -> its end.
What ends is committed before anybody is told. A stored response is finished whether or not its
client stays; what becomes of one whose process dies stands in watch.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from filesearch.event_log import EVENTS_KEPT_S
from filesearch.ids import new_id
from filesearch.objects import Record, Transaction
from filesearch.paging import Page, PageQuery
from filesearch.server.conversations import resolve_references
from filesearch.server.errors import check_id, invalid, not_found
from filesearch.server.lists import page_of
from filesearch.server.persist import persist
from filesearch.server.responses.files import keeper, read_files
from filesearch.server.responses.items import (
    Item,
    read_items,
    stored_items,
    wire_items,
)
from filesearch.server.responses.objects import (
    NOT_STORED,
    TERMINAL,
    ResponseObject,
    failed_response,
    new_response,
    shown_response,
)
from filesearch.server.responses.requests import check_before, check_request, items_before
from filesearch.server.responses.storing import store_end
from filesearch.server.responses.stream import (
    Emitter,
    Events,
    LoggedEvents,
    NoEvents,
    PassingEvents,
    stored_events,
    tell_end,
)
from filesearch.server.responses.watch import ResponseWatch
from filesearch.server.responses.worker import Outcome, ResponseJob, run_response
from filesearch.server.wire.responses import CreateResponse

if TYPE_CHECKING:
    from filesearch.server.context import Caller, Server

MAX_PARALLEL = 64  # responses that are made at once; the rest wait
_GRACE_S = 10.0  # what responses under way are given when the server stops


class ResponseService:
    """The responses of one server.

    Args:
        server: What it works with.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._objects = server.objects
        self._pool = ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="response")
        self._lock = threading.Lock()
        self._jobs: dict[str, ResponseJob] = {}
        self._futures: set[Future[ResponseObject]] = set()
        self._stopping = threading.Event()
        self._watch = ResponseWatch(self, server)

    # Lifetime

    def start(self) -> None:
        """Take up or end what dead processes left, and go on looking for it."""
        self._watch.start()

    def stop(self) -> None:
        """Finish what is under way, or end it; what has not begun stays queued for the next."""
        self._watch.stop()
        with self._lock:
            futures = set(self._futures)
        wait([future for future in futures if not future.cancel()], timeout=_GRACE_S)
        self._stopping.set()
        for job in self.jobs():
            job.cancel.set()
        self._pool.shutdown(cancel_futures=True)

    def jobs(self) -> list[ResponseJob]:
        """Return what is being made, or waits for it, in this process."""
        with self._lock:
            return list(self._jobs.values())

    # One response

    def create(
        self, request: CreateResponse, caller: Caller, *, before: Sequence[Item] | None = None
    ) -> ResponseJob:
        """Begin a response; `launch` it then.

        Args:
            request: What is asked.
            caller: Who asks.
            before: What stands before the input, for a previous response that is not stored; None
                looks for it.

        Raises:
            ApiError: What is wrong with the request; nothing has begun.
        """
        check_request(self._server, request, caller.scope)
        response = new_response(request, new_id("resp"), int(time.time()))
        is_logged = response["store"] and bool(request.stream or request.background)
        keep = keeper(self._server, request.model, caller.owner)
        items = stored_items(request.input)
        with self._objects.reading() as tx:  # a request that is refused leaves no file behind
            resolve_references(tx, items, caller.scope)
            if before is None:
                check_before(tx, request, caller.scope)
        items = read_files(self._server, items, caller.scope, keep=keep)
        with self._objects.writing() as tx:
            job = self._job(
                tx,
                response,
                resolve_references(tx, items, caller.scope),
                include=tuple(request.include or ()),
                owner=caller.owner,
                scope=caller.scope,
                before=before,
                is_streamed=bool(request.stream) and not is_logged,
                is_logged=is_logged,
            )
            if response["store"]:
                body = _body(response, job.given, [], job.include, is_logged=is_logged)
                tx.insert(
                    "response",
                    body,
                    object_id=job.id,
                    owner=caller.owner,
                    status=response["status"],
                    worker=self._server.worker_id,
                )
        job.emit("response.created", {"response": shown_response(response, [], ())})
        if response["status"] == "queued":
            job.emit("response.queued", {"response": shown_response(response, [], ())})
        return job

    def job_of(self, tx: Transaction, record: Record, number: int) -> ResponseJob:
        """Return a stored response that has not begun as something to launch.

        Args:
            tx: A transaction.
            record: The response.
            number: Of its next event.
        """
        body = record.body
        return self._job(
            tx,
            body["response"],
            body["input"],
            include=tuple(body["include"]),
            owner=record.owner,
            scope=None,
            is_streamed=False,
            is_logged=body["is_logged"],
            number=number,
        )

    def _job(
        self,
        tx: Transaction,
        response: ResponseObject,
        given: list[Item],
        *,
        include: tuple[str, ...],
        owner: str,
        scope: str | None,
        is_streamed: bool,
        is_logged: bool,
        before: Sequence[Item] | None = None,
        number: int = 0,
    ) -> ResponseJob:
        conversation = response["conversation"]
        if before is None:
            before = items_before(
                tx,
                previous_response_id=response["previous_response_id"],
                conversation_id=conversation and conversation["id"],
                scope=scope,
            )
        cancel = threading.Event()
        events: Events = NoEvents()
        if is_logged:
            events = LoggedEvents(self._server.events, response["id"])
        elif is_streamed:
            events = PassingEvents(cancel)
        return ResponseJob(
            response=response,
            conversation=read_items(before, given),
            before=tuple(before),
            given=tuple(given),
            include=include,
            owner=owner,
            events=events,
            emit=Emitter(events, number),
            cancel=cancel,
        )

    def launch(self, job: ResponseJob) -> Future[ResponseObject]:
        """Make a response in a thread of its own; the future is the response as it ends."""
        with self._lock:
            self._jobs[job.id] = job
        future = self._pool.submit(self._make, job)
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(self._forget)
        return future

    def _forget(self, future: Future[ResponseObject]) -> None:
        with self._lock:
            self._futures.discard(future)

    def _make(self, job: ResponseJob) -> ResponseObject:
        try:
            begun = persist(lambda: self._begin(job), self._stopping)
            if begun["status"] in TERMINAL:
                return shown_response(begun, [], ())
            job.emit("response.in_progress", {"response": shown_response(begun, [], ())})
            outcome = self._store_end(job, run_response(self._server, job))
            job.output.extend(outcome.items)
            ended = shown_response(outcome.response, outcome.items, job.include)
            tell_end(job.emit, ended)
            return ended
        finally:
            job.events.close()
            with self._lock:
                self._jobs.pop(job.id, None)

    def _begin(self, job: ResponseJob) -> ResponseObject:
        """Return the response in progress; as ended, if it was cancelled or deleted meanwhile."""
        if job.response["status"] != "queued":
            return job.response
        with self._objects.writing() as tx:
            record = tx.find("response", job.id)
            if record is None:
                return job.response | {"status": "cancelled"}
            begun: ResponseObject = record.body["response"]
            if record.status == "queued":
                begun = begun | {"status": "in_progress"}
                body = record.body | {"response": begun}
                tx.update(record, body=body, status="in_progress", worker=self._server.worker_id)
            return begun

    def _store_end(self, job: ResponseJob, outcome: Outcome) -> Outcome:
        try:
            return persist(lambda: store_end(self._objects, job, outcome), self._stopping)
        except Exception:  # whatever it was, who follows must see an end
            failed = failed_response(outcome.response, "server_error", NOT_STORED)
            tell_end(job.emit, shown_response(failed, outcome.items, job.include))
            raise

    # Stored responses

    def get(self, response_id: str, caller: Caller, include: Collection[str]) -> ResponseObject:
        """Return a stored response as it is now.

        Raises:
            ApiError: 404 where there is none.
        """
        with self._objects.reading() as tx:
            return _shown(_require(tx, response_id, caller.scope), include)

    def follow(
        self, response_id: str, caller: Caller, after: int
    ) -> AsyncIterator[tuple[str, str]]:
        """Return the events of a stored response behind number `after`, as they come.

        Raises:
            ApiError: 404 where there is none, 400 where its events are not kept.
        """
        with self._objects.reading() as tx:
            record = _require(tx, response_id, caller.scope)
        if not record.body["is_logged"]:
            raise invalid(
                f"Response '{response_id}' cannot be streamed: it was created with neither "
                "'background' nor 'stream'.",
                "stream",
            )
        has_ended = record.status in TERMINAL
        is_old = record.created_at < time.time() - EVENTS_KEPT_S
        if has_ended and is_old and not self._server.events.read(response_id):
            raise invalid(
                f"Response '{response_id}' can be streamed no longer: events are kept for "
                f"{EVENTS_KEPT_S // 3600} hours. Retrieve it without 'stream'.",
                "stream",
            )
        return stored_events(self._server.events, response_id, after, has_ended=has_ended)

    def cancel(self, response_id: str, caller: Caller) -> ResponseObject:
        """End a response in the background; one that has ended stays as it is.

        Raises:
            ApiError: 404 where there is none, 400 for one that is not in the background.
        """
        with self._objects.writing() as tx:
            record = _require(tx, response_id, caller.scope)
            response = record.body["response"]
            if not response["background"]:
                raise invalid(
                    f"Response '{response_id}' cannot be cancelled: only responses created with "
                    "'background' set to true can."
                )
            if record.status not in TERMINAL:
                ended = response | {"status": "cancelled"}
                body = record.body | {"response": ended}
                record = tx.update(record, body=body, status="cancelled")
        self._abandon(response_id)
        return _shown(record, ())

    def delete(self, response_id: str, caller: Caller) -> None:
        """Forget a response, its events, and that its items could be referred to.

        Raises:
            ApiError: 404 where there is none.
        """
        with self._objects.writing() as tx:
            record = _require(tx, response_id, caller.scope)
            tx.delete_children(response_id)
            tx.delete(record)
        self._abandon(response_id)

    def _abandon(self, response_id: str) -> None:
        """Stop making a response, if that is done here; other processes look for themselves."""
        with self._lock:
            job = self._jobs.get(response_id)
        if job is not None:
            job.cancel.set()

    def input_items(
        self, response_id: str, caller: Caller, query: PageQuery, include: Collection[str]
    ) -> Page[Item]:
        """Return a part of what a response was given.

        Raises:
            ApiError: 404 where there is none, or no such item to go on from.
        """
        with self._objects.reading() as tx:
            record = _require(tx, response_id, caller.scope)
        page = page_of(record.body["input"], query)
        return Page(tuple(wire_items(page.items, include)), page.has_more)


def _require(tx: Transaction, response_id: str, scope: str | None) -> Record:
    check_id("resp_", response_id, name="response_id")
    found = tx.find("response", response_id, owner=scope)
    if found is None:
        raise not_found(f"Response with id '{response_id}' not found.")
    return found


def _shown(record: Record, include: Collection[str]) -> ResponseObject:
    body = record.body
    return shown_response(body["response"], body["output"], {*body["include"], *include})


def _body(
    response: ResponseObject,
    given: Collection[Item],
    output: Collection[Item],
    include: Collection[str],
    *,
    is_logged: bool,
) -> dict[str, Any]:
    return {
        "response": response,
        "input": list(given),
        "output": list(output),
        "include": list(include),
        "is_logged": is_logged,
    }
