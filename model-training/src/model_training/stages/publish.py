"""publish: compiles one model into a bundle, proves it equal to the pipeline, and points the registry's alias at it."""

import json
import sys

from lib_ml.manifest import Metric
from lib_ml.registry import FolderRegistry
from lib_ml.training import CannotFold, compile_bundle

from model_training.fitted import load_pipeline
from model_training.params import Params, load_params
from model_training.progress import say
from model_training.refusal import TrainingRefused
from model_training.reviews import LABELS, read_split
from model_training.settings import Settings, settings_from
from model_training.source import Fetched
from model_training.stages import run_stage
from model_training.stages.places import DATA_REPORT, METRICS, ORIGIN, TEST, TRAIN, bundle_folder, model_file
from model_training.whole_files import whole_folder


def main(model: str) -> None:
    params, settings = load_params(), settings_from()
    sha256 = compile_model(model, params, settings)
    if settings.experiment and not params.publish.experiments:
        say(f"publish: {model} is the experiment {settings.experiment}: not published")
        return
    alias = f"{params.publish.task}/{model}"
    try:
        FolderRegistry(settings.registry).publish(bundle_folder(model), alias)
    except OSError as error:
        raise TrainingRefused(
            f"{settings.registry}: {error.strerror}: name a writable folder in PALATE_REGISTRY"
        ) from error
    say(f"publish: {alias} is {sha256[:12]} in {settings.registry}")


def compile_model(model: str, params: Params, settings: Settings) -> str:
    """Writes the model's bundle and returns its sha256. Raises TrainingRefused when it can't be a bundle."""
    texts = read_split(TRAIN)[0] + read_split(TEST)[0]
    rows = json.loads(DATA_REPORT.read_bytes())["rows"]["read"]
    figures = json.loads(METRICS.read_bytes())[model]["cross_validation"]
    try:
        with whole_folder(bundle_folder(model)) as folder:
            return compile_bundle(
                load_pipeline(model_file(model)),
                params.models[model],
                folder,
                task=params.publish.task,
                labels=LABELS,
                data=Fetched.model_validate_json(ORIGIN.read_bytes()).with_rows(rows),
                metrics={name: Metric.model_validate(figure) for name, figure in figures.items()},
                texts=texts,
                signing_key=settings.signing_key,
            )
    except CannotFold as error:
        raise TrainingRefused(f"params.yaml: models.{model}: {error}") from error


if __name__ == "__main__":
    run_stage("publish", lambda: main(sys.argv[1]))
