"""Models: what can be asked for by name. Other names work too: `chat_model` answers to them."""

from __future__ import annotations

from typing import Any

from filesearch.server.context import ServerDep
from filesearch.server.errors import ApiError
from filesearch.server.models import ServedModel
from filesearch.server.routing import make_router

router = make_router("Models")


@router.get("/models", summary="List models")
def list_models(server: ServerDep) -> dict[str, Any]:
    """Return every model that has a name here."""
    found = server.models.served()
    return {"object": "list", "data": [_object(m, server.models.created) for m in found]}


# Names hold slashes, which some clients send as they are and others as %2F.
@router.get("/models/{model:path}", summary="Retrieve a model")
def retrieve_model(model: str, server: ServerDep) -> dict[str, Any]:
    """Return one model of the list."""
    for found in server.models.served():
        if found.id == model:
            return _object(found, server.models.created)
    raise ApiError(
        404,
        f"The model '{model[:200]}' does not exist or you do not have access to it. Requests for "
        "it are answered all the same: see GET /v1/models for those with a name here.",
        param="model",
        code="model_not_found",
    )


@router.delete("/models/{model:path}", summary="Delete a model")
def delete_model(model: str, server: ServerDep) -> dict[str, Any]:
    """Refuse: fine-tuned models can be deleted, and there are none here."""
    retrieve_model(model, server)
    raise ApiError(
        403,
        f"The model '{model[:200]}' is not a fine-tuned model and cannot be deleted. Which models "
        "have a name here is set by chat_model and chat_models in the settings.",
        param="model",
        code="model_not_deletable",
    )


def _object(model: ServedModel, created: int) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": created, "owned_by": model.owner}
