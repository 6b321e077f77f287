"""publish: compiles one model into a bundle, proves it equal to the pipeline, and points the registry's alias at it."""

import json
import sys

from lib_ml.manifest import Metric
from lib_ml.training import CannotFold, compile_bundle

from model_training.fitted import load_fitted
from model_training.params import SentimentParams, load_params
from model_training.publication import publish
from model_training.refusal import TrainingRefused
from model_training.reviews import LABELS, read_split
from model_training.settings import Settings, settings_from
from model_training.source import Fetched
from model_training.stages import run_stage
from model_training.stages.places import SENTIMENT
from model_training.whole_files import whole_folder


def main(model: str) -> None:
    params, settings = load_params().tasks.sentiment, settings_from()
    sha256 = compile_model(model, params, settings)
    publish(SENTIMENT, model, sha256, settings, experiments=params.publish.experiments)


def compile_model(model: str, params: SentimentParams, settings: Settings) -> str:
    """Writes the model's bundle and returns its sha256. Raises TrainingRefused when it can't be a bundle."""
    texts = read_split(SENTIMENT.train)[0] + read_split(SENTIMENT.test)[0]
    rows = json.loads(SENTIMENT.report.read_bytes())["rows"]["read"]
    figures = json.loads(SENTIMENT.metrics.read_bytes())[model]["cross_validation"]
    try:
        with whole_folder(SENTIMENT.bundle(model)) as folder:
            return compile_bundle(
                load_fitted(SENTIMENT.model(model)),
                params.models[model],
                folder,
                task=SENTIMENT.task,
                labels=LABELS,
                data=Fetched.model_validate_json(SENTIMENT.origin.read_bytes()).with_rows(rows),
                metrics={name: Metric.model_validate(figure) for name, figure in figures.items()},
                texts=texts,
                signing_key=settings.signing_key,
            )
    except CannotFold as error:
        raise TrainingRefused(f"params.yaml: tasks.sentiment.models.{model}: {error}") from error


if __name__ == "__main__":
    run_stage("publish", lambda: main(sys.argv[1]))
