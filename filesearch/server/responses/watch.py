"""Response watch: what becomes of responses when processes die, or are told to stop by another.

One that had begun fails, since half of its stream is with its client. One that waited in the
background is made by whoever finds it. One that was cancelled or deleted through another process
is stopped here.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from filesearch.database_errors import FAILURES
from filesearch.errors import IndexReplaced
from filesearch.objects import Record, Transaction
from filesearch.server.errors import ApiError
from filesearch.server.responses.objects import (
    NOT_STORED,
    STOPPED,
    ResponseObject,
    failed_response,
    shown_response,
)
from filesearch.server.responses.stream import Emitter, LoggedEvents, tell_end

if TYPE_CHECKING:
    from filesearch.server.context import Server
    from filesearch.server.responses.service import ResponseService

_WATCH_S = 1.0
_SETTLED_S = 10  # until then one that is not known here may just be on its way in
_log = logging.getLogger("filesearch.server")


class ResponseWatch:
    """Looks after the responses of one server, in a thread of its own.

    Args:
        service: That makes them.
        server: Whose they are.
    """

    def __init__(self, service: ResponseService, server: Server) -> None:
        self._service = service
        self._server = server
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="response-watch", daemon=True)

    def start(self) -> None:
        """Look once, and then again and again."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_WATCH_S):
            try:
                self._look()
            except (*FAILURES, OSError):  # a busy database; it is looked at again
                _log.exception("responses could not be looked after; trying again")
            except IndexReplaced:
                _log.exception("responses are looked after no longer")
                return

    def _look(self) -> None:
        jobs = {job.id: job for job in self._service.jobs()}
        with self._server.objects.reading() as tx:
            active = tx.select("response", statuses=("queued", "in_progress"))
        alive = {
            worker: self._server.is_worker_alive(worker) for worker in {r.worker for r in active}
        }
        for job_id in jobs.keys() - {record.id for record in active}:
            if jobs[job_id].response["background"]:
                jobs[job_id].cancel.set()
        for record in active:
            is_lost = record.worker == self._server.worker_id and record.id not in jobs
            if not alive[record.worker] or (
                is_lost and record.created_at < time.time() - _SETTLED_S
            ):
                self._take_over(record)

    def _take_over(self, found: Record) -> None:
        # Asked before: within a transaction nothing may wait for another connection.
        number = self._server.events.next_number(found.id)
        with self._server.objects.writing() as tx:
            record = tx.find("response", found.id)
            if record is None or (record.status, record.worker) != (found.status, found.worker):
                return  # Another process was quicker.
            if record.status == "queued":
                tx.update(record, worker=self._server.worker_id)
                try:
                    job = self._service.job_of(tx, record, number)
                except ApiError as error:  # What it goes on from is gone.
                    failed = self._fail(tx, record, error.message)
                else:
                    self._service.launch(job)
                    return
            else:
                is_ours = record.worker == self._server.worker_id
                failed = self._fail(tx, record, NOT_STORED if is_ours else STOPPED)
        if record.body["is_logged"]:
            events = LoggedEvents(self._server.events, record.id)
            tell_end(Emitter(events, number), failed)
            events.close()

    def _fail(self, tx: Transaction, record: Record, message: str) -> ResponseObject:
        failed = failed_response(record.body["response"], "server_error", message)
        tx.update(record, body=record.body | {"response": failed}, status="failed")
        return shown_response(failed, [], ())
