"""Routes: one module per resource; each turns a request into a call of a service and back."""

from __future__ import annotations

from fastapi import APIRouter

from filesearch.server.routes import chat, embeddings, models

ROUTERS: tuple[APIRouter, ...] = (models.router, embeddings.router, chat.router)
