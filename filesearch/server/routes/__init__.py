"""Routes: one module per resource; each turns a request into a call of a service and back."""

from __future__ import annotations

from fastapi import APIRouter

from filesearch.server.routes import (
    file_batches,
    files,
    uploads,
    vector_store_files,
    vector_stores,
)

ROUTERS: tuple[APIRouter, ...] = (
    files.router,
    uploads.router,
    vector_stores.router,
    vector_store_files.router,
    file_batches.router,
)
