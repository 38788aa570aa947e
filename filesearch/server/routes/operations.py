"""Operations: whether the server lives and can work, what it counts, and its documentation.

Outside `/v1`, since the hosted service has none of these.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from filelock import FileLock, Timeout
from sqlalchemy import func, select

from filesearch import schema as t
from filesearch.ingest_queue import LOCK_FILE
from filesearch.server.context import Server, ServerDep
from filesearch.server.guard.metrics import CONTENT_TYPE, Sample

router = APIRouter(tags=["Operations"])
log = logging.getLogger("filesearch.server")
# The page loads its own script and style, and asks this server alone.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC = {
    "docs.html": "text/html; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
}


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> dict[str, str]:
    """Answer without asking anything else: a process that does not is to be restarted."""
    return {"status": "ok"}


@router.get("/readyz", summary="Whether requests can be served")
def readyz(request: Request, server: ServerDep) -> JSONResponse:
    """Answer 200 when the database answers and the index opens, and 503 when not.

    A server that is about to end is not ready either. What exactly is wrong stands in the log.
    `ingest` tells whether one of the processes that share the index reads waiting files; for a
    moment after that one ended, nobody does.
    """
    checks = {"database": _check_database, "index": _check_index}
    found = {name: _outcome(name, check, server) for name, check in checks.items()}
    found["accepting"] = "ending" if getattr(request.app.state, "is_ending", False) else "ok"
    is_ready = all(outcome == "ok" for outcome in found.values())
    found["ingest"] = "led" if _has_ingest_leader(server) else "nobody"
    status = "ready" if is_ready else "unavailable"
    return JSONResponse({"status": status, "checks": found}, 200 if is_ready else 503)


def _outcome(name: str, check: Any, server: Server) -> str:  # noqa: ANN401
    try:
        check(server)
    # The edge: whatever a database driver raises, the answer is that it is not there.
    except Exception as error:
        log.warning("not ready: %s", name, exc_info=error)
        return "failed"
    return "ok"


def _check_database(server: Server) -> None:
    with server.objects.reading() as tx:
        tx.sql.execute(select(1))


def _check_index(server: Server) -> None:
    server.fs.open()


def _has_ingest_leader(server: Server) -> bool:
    path = server.fs.directory / LOCK_FILE
    if not path.exists():  # or the lock would make it, and an index's directory that was removed
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True


@router.get("/metrics", summary="What the server counts, for Prometheus")
def metrics(request: Request) -> Response:
    """Return counters and times in Prometheus's text format."""
    return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE)


@router.get("/", include_in_schema=False)
async def root() -> Response:
    """Lead a browser to the documentation."""
    return RedirectResponse("/docs")


@router.get("/docs", include_in_schema=False)
def docs() -> Response:
    """Return the interactive documentation."""
    return _static("docs.html")


@router.get("/docs/{name}", include_in_schema=False)
def docs_part(name: str) -> Response:
    """Return what the documentation's page loads."""
    return _static(name) if name in _STATIC and name != "docs.html" else Response(status_code=404)


def _static(name: str) -> Response:
    content = files("filesearch.server").joinpath("static", name).read_bytes()
    headers = {"content-security-policy": _PAGE_POLICY, "cache-control": "no-cache"}
    return Response(content, media_type=_STATIC[name], headers=headers)


def sample(server: Server) -> Iterator[Sample]:
    """Yield what the database knows about the state of things, for metrics.Metrics."""
    c = t.objects.c
    runs = select(c.status, func.count()).where(c.kind == "run").group_by(c.status)
    responses = select(c.status, func.count()).where(c.kind == "response").group_by(c.status)
    waiting = select(t.store_files.c.status, func.count()).group_by(t.store_files.c.status)
    try:
        with server.objects.reading() as tx:
            counts = [
                {str(status): float(count) for status, count in tx.sql.execute(query)}
                for query in (runs, responses, waiting)
            ]
    # The edge: metrics of a server whose database is away are still worth having.
    except Exception as error:
        log.warning("the database does not answer to be counted", exc_info=error)
        return
    yield "filesearch_runs", "Runs by status.", "status", counts[0]
    yield "filesearch_responses", "Stored responses by status.", "status", counts[1]
    # Even an empty queue has a length.
    files_by_status = {"in_progress": 0.0, **counts[2]}
    text = "Files in vector stores by status; in_progress is the queue of the ingest."
    yield "filesearch_vector_store_files", text, "status", files_by_status
