"""The route that tells which models are wanted and which answer, in every worker."""

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from lib_web.documentation import documented
from pydantic import BaseModel, Field

from model_service.domain import Models

__all__ = ["model_routes"]


class LoadedDocument(BaseModel):
    """The model that answers."""

    name: str
    version: str
    sha256: str
    since_s: float = Field(description="Since when, in seconds since 1970")


class RefusedDocument(BaseModel):
    """Why what is wanted does not answer."""

    sha256: str | None = Field(description="null while the alias itself can not be read")
    reason: str


class WorkerDocument(BaseModel):
    """One process."""

    worker: int
    pid: int
    wanted_sha256: str | None
    loaded: LoadedDocument | None
    refused: RefusedDocument | None


class ModelStateDocument(BaseModel):
    """One alias."""

    alias: str
    uses: list[str] = Field(description='What it answers: "predict", "classify", "shadow", "network mlp" …')
    wanted_sha256: str | None = Field(description="As the worker that answers this request last read it")
    in_step: bool = Field(description="Every worker runs what the alias names")
    workers: list[WorkerDocument]


class ModelsDocument(BaseModel):
    """All models, the primary first."""

    models: list[ModelStateDocument]


def model_routes(models: Models, workers: Callable[[], list[dict[str, Any]]]) -> APIBlueprint:
    """The blueprint with /models; `workers` gives the state of each worker, this one's among them."""
    routes = APIBlueprint("models", __name__)

    @routes.get("/models")
    @documented(
        summary="Which models are wanted, and which answer",
        description="Of every worker, whichever of them is asked. While a new model is loaded the old one answers.",
        tag="model",
        reply=ModelsDocument,
    )
    def list_models() -> Response:
        states = workers()
        return jsonify(models=[_described(models, number, states) for number in range(len(models.all))])

    return routes


def _described(models: Models, number: int, states: list[dict[str, Any]]) -> dict[str, Any]:
    active = models.all[number]
    found = [
        {"worker": state["worker"], "pid": state["pid"], **state["models"][active.alias]}
        for state in states
        if active.alias in state["models"]
    ]
    return {
        "alias": active.alias,
        "uses": models.uses(active),
        "wanted_sha256": active.wanted,
        "in_step": all(_runs(each, active.wanted) for each in found),
        "workers": found,
    }


def _runs(state: dict[str, Any], wanted: str | None) -> bool:
    loaded = state["loaded"]
    return state["refused"] is None and (loaded["sha256"] if loaded else None) == wanted
