"""Routes: one module per resource; each turns a request into a call of a service and back."""

from __future__ import annotations

from fastapi import APIRouter

from filesearch.server.routes import assistants, messages, threads

# What a path names literally must come before what takes any id there.
ROUTERS: tuple[APIRouter, ...] = (
    assistants.router,
    threads.router,
    messages.router,
)
