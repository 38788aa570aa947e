"""Routes: one module per resource; each turns a request into a call of a service and back."""

from __future__ import annotations

from fastapi import APIRouter

from filesearch.server.routes import (
    assistants,
    chat,
    conversations,
    embeddings,
    file_batches,
    files,
    messages,
    models,
    responses,
    run_steps,
    runs,
    stored_chats,
    threads,
    uploads,
    vector_store_files,
    vector_stores,
)

# What a path names literally must come before what takes any id there.
ROUTERS: tuple[APIRouter, ...] = (
    files.router,
    uploads.router,
    vector_stores.router,
    vector_store_files.router,
    file_batches.router,
    assistants.router,
    runs.router,
    threads.router,
    messages.router,
    run_steps.router,
    responses.router,
    conversations.router,
    models.router,
    embeddings.router,
    chat.router,
    stored_chats.router,
)
