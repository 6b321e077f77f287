"""train: fits one model on the training side."""

import sys
import warnings

from lib_ml.training import build_pipeline
from sklearn.exceptions import ConvergenceWarning

from model_training.fitted import save_fitted
from model_training.params import load_params
from model_training.progress import say
from model_training.refusal import TrainingRefused
from model_training.reviews import read_split
from model_training.stages import run_stage
from model_training.stages.places import SENTIMENT


def main(model: str) -> None:
    params = load_params()
    texts, labels = read_split(SENTIMENT.train)
    pipeline = build_pipeline(params.tasks.sentiment.models[model], seed=params.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            pipeline.fit(texts, labels)
        except ConvergenceWarning as warning:
            raise TrainingRefused(
                f"params.yaml: tasks.sentiment.models.{model}.classifier: did not converge: raise max_iter, or lower C"
            ) from warning
    save_fitted(pipeline, SENTIMENT.model(model))
    say(f"train: sentiment {model} on {len(texts)} reviews")


if __name__ == "__main__":
    run_stage("train", lambda: main(sys.argv[1]))
