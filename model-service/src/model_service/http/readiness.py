"""Readiness that proves an answer: the golden texts get their known probabilities from the model that is active."""

from time import monotonic
from typing import Any

from lib_ml.scorer import GoldenMismatch
from lib_web.problems import Problem
from lib_web.readiness import Readiness

from model_service.domain import ActiveModel, Model
from model_service.http.problem_types import problem

__all__ = ["ReadinessCheck", "no_model"]

# Seconds for which a proof is believed: probes come often, from several sides.
PROOF_LASTS_S = 5.0


class ReadinessCheck:
    """Called by /readyz."""

    def __init__(self, active: ActiveModel) -> None:
        self._active = active
        self._proof: tuple[Model, float, str | None] | None = None

    def __call__(self) -> Readiness:
        model = self._active.model
        fault = self._fault(model) if model is not None else "no model is loaded"
        return Readiness(fault is None, self._detail(model, fault))

    def _fault(self, model: Model) -> str | None:
        proof = self._proof
        if proof is None or proof[0] is not model or monotonic() - proof[1] > PROOF_LASTS_S:
            proof = self._proof = (model, monotonic(), _golden_fault(model))
        return proof[2]

    def _detail(self, model: Model | None, fault: str | None) -> dict[str, Any]:
        refusal = self._active.refusal
        return {
            "alias": self._active.alias,
            "wanted_sha256": self._active.wanted,
            "loaded_sha256": model.sha256 if model else None,
            "model_version": model.version if model else None,
            "golden_texts": len(model.scorer.manifest.golden) if model else 0,
            "fault": fault,
            "refused": None if refusal is None else {"sha256": refusal.sha256, "reason": refusal.reason},
        }


def _golden_fault(model: Model) -> str | None:
    try:
        model.scorer.check_golden()
    except GoldenMismatch as error:
        return str(error)
    return None


def no_model() -> Problem:
    """The answer to whatever needs a model while there is none."""
    return problem("no-model", "No model is loaded yet; /readyz says why.", headers={"Retry-After": "1"})
