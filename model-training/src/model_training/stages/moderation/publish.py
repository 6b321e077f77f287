"""publish: compiles one model into a bundle, proves it equal to the pipeline, and points the registry's alias at it."""

import json
import sys
from typing import Any

from lib_ml.manifest import Metric
from lib_ml.training import CannotFold, compile_bundle

from model_training.fitted import load_fitted
from model_training.moderation.comments import read_side
from model_training.moderation.crossfit import Moderator
from model_training.moderation.labels import LABELS
from model_training.params import ModerationParams, load_params
from model_training.publication import publish
from model_training.refusal import TrainingRefused
from model_training.settings import Settings, settings_from
from model_training.source import Fetched
from model_training.stages import run_stage
from model_training.stages.places import MODERATION
from model_training.whole_files import whole_folder

MOST_COMPARED = 2_000  # texts of the test side; every one of a large table would take minutes


def main(model: str) -> None:
    params, settings = load_params().tasks.moderation, settings_from()
    sha256 = compile_model(model, params, settings)
    publish(MODERATION, model, sha256, settings, experiments=params.publish.experiments)


def compile_model(model: str, params: ModerationParams, settings: Settings) -> str:
    """Writes the model's bundle and returns its sha256. Raises TrainingRefused when it can't be a bundle."""
    fitted: Moderator = load_fitted(MODERATION.model(model))
    rows = json.loads(MODERATION.report.read_bytes())["rows"]["read"]
    figures = json.loads(MODERATION.metrics.read_bytes())[model]
    try:
        with whole_folder(MODERATION.bundle(model)) as folder:
            return compile_bundle(
                fitted.pipeline,
                params.models[model],
                folder,
                task=MODERATION.task,
                labels=LABELS,
                multilabel=True,
                thresholds=fitted.thresholds,
                data=Fetched.model_validate_json(MODERATION.origin.read_bytes()).with_rows(rows),
                metrics=manifest_metrics(figures),
                texts=read_side(MODERATION.test).texts[-MOST_COMPARED:],
                signing_key=settings.signing_key,
            )
    except CannotFold as error:
        raise TrainingRefused(f"params.yaml: tasks.moderation.models.{model}: {error}") from error


def manifest_metrics(figures: dict[str, Any]) -> dict[str, Metric]:
    """The held-out figures as "toxic.roc_auc", and the share of held-out reviews that is flagged."""
    named = {
        f"{who}.{name}": Metric.model_validate(figure)
        for who, all_of in figures["held_out"].items()
        for name, figure in all_of.items()
    }
    return {**named, "reviews.flagged": Metric.model_validate(figures["reviews"]["held_out"]["share"])}


if __name__ == "__main__":
    run_stage("publish", lambda: main(sys.argv[1]))
