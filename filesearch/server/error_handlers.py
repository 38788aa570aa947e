"""Error handlers: whatever a route raises -> an answer in OpenAI's envelope."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from filesearch.database_errors import UNAVAILABLE, is_in_doubt
from filesearch.errors import FilesearchError, InvalidValue
from filesearch.open_files import as_too_many_open_files
from filesearch.server.errors import ApiError, database_away, explain, invalid, shown, to_api_error

_log = logging.getLogger("filesearch.server")


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of `app` answer in OpenAI's envelope."""

    @app.exception_handler(ApiError)
    def _api_error(_request: Request, error: ApiError) -> JSONResponse:
        return _answer(error)

    @app.exception_handler(FilesearchError)
    def _our_error(_request: Request, error: FilesearchError) -> JSONResponse:
        found = to_api_error(error)
        if found.status >= 500:
            _log.error("%s", error, exc_info=error)
        return _answer(found)

    @app.exception_handler(InvalidValue)
    def _value_error(request: Request, error: InvalidValue) -> JSONResponse:
        named = [value for value in request.path_params.values() if "\0" in str(value)]
        if named:  # the id of nothing that is stored
            return _answer(ApiError(404, f"No such object: '{shown(named[0])}'; ids hold no NUL."))
        return _answer(invalid(f"The request cannot be stored: {error}."))

    # Its own words show statements, and are told to the log alone.
    def _database_away(request: Request, error: Exception) -> JSONResponse:
        _log.error("the database is away or busy", exc_info=error)
        if request.method == "POST" and is_in_doubt(error):
            return _answer(
                ApiError(
                    500,
                    "The connection to the database was lost while this was being stored, and it "
                    "may have been: look before you try again.",
                    kind="server_error",
                    headers={"x-should-retry": "false"},
                )
            )
        return _answer(database_away())

    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _database_away)

    @app.exception_handler(RequestValidationError)
    def _validation_error(_request: Request, error: RequestValidationError) -> JSONResponse:
        return _answer(explain(error.errors(), error.body))

    @app.exception_handler(HTTPException)
    def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        message = str(error.detail)
        if error.status_code == 404:
            message = f"Invalid URL ({request.method} {shown(request.url.path)})"
        if error.status_code == 405:
            message = f"Method {request.method} is not allowed for {shown(request.url.path)}"
        return _answer(ApiError(error.status_code, message, headers=error.headers))

    # The request edge: whatever was not foreseen is told to the log alone.
    @app.exception_handler(Exception)
    def _unforeseen(_request: Request, error: Exception) -> JSONResponse:
        if too_many := as_too_many_open_files(error):
            return _answer(to_api_error(too_many))
        return _answer(
            ApiError(
                500,
                "The server had an error while processing your request; its log says more.",
                kind="server_error",
                headers={"x-should-retry": "false"},
            )
        )


def _answer(error: ApiError) -> JSONResponse:
    return JSONResponse(error.envelope, error.status, error.headers)
