"""train: fits one model on the training side."""

import sys
import warnings

from lib_ml.training import build_pipeline
from sklearn.exceptions import ConvergenceWarning

from model_training.fitted import save_pipeline
from model_training.params import load_params
from model_training.progress import say
from model_training.refusal import TrainingRefused
from model_training.reviews import read_split
from model_training.stages import run_stage
from model_training.stages.places import TRAIN, model_file


def main(model: str) -> None:
    params = load_params()
    texts, labels = read_split(TRAIN)
    pipeline = build_pipeline(params.models[model], seed=params.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            pipeline.fit(texts, labels)
        except ConvergenceWarning as warning:
            raise TrainingRefused(
                f"params.yaml: models.{model}.classifier: did not converge: raise max_iter, or lower C"
            ) from warning
    save_pipeline(pipeline, model_file(model))
    say(f"train: {model} on {len(texts)} reviews")


if __name__ == "__main__":
    run_stage("train", lambda: main(sys.argv[1]))
