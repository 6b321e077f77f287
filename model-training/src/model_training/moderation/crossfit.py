"""Fitting on folds: log-odds for texts that the model giving them has not seen."""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed  # type: ignore[import-untyped]  # joblib publishes no types
from lib_ml.training import PipelineParams, build_pipeline
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from model_training.moderation.comments import IntArray, Side
from model_training.moderation.labels import LABELS
from model_training.progress import track

FloatArray = NDArray[np.float64]
WORTH_PROCESSES = 5_000  # texts; fewer are fitted before other processes have loaded sklearn
REVIEW = len(LABELS) + 1  # a stratum of its own, beside the six labels and the clean comments


@dataclass(frozen=True)
class Moderator:
    """A calibrated pipeline from texts to six probabilities, and the threshold of each label.

    `out_of_fold`: calibrated probabilities of the training side, each by a model that did not see the text, (n, 6).
    """

    pipeline: Pipeline
    thresholds: dict[str, float]
    out_of_fold: FloatArray


def strata(side: Side, rarest: IntArray) -> IntArray:
    """What every fold gets its share of: each label by its rarest carriers, clean comments, reviews."""
    return np.where(side.review, REVIEW, rarest)


def out_of_fold(
    params: PipelineParams, side: Side, groups: IntArray, *, folds: int, seed: int, jobs: int
) -> FloatArray:
    """Log-odds, shape (n, 6): each text's by the model of the fold that left it out. `groups`: see `strata`."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    log_odds = np.empty((len(side.texts), len(LABELS)))
    work = (
        delayed(_carry_out)(params, side.chosen(train), side, test, seed)
        for train, test in splitter.split(groups, groups)
    )
    alone = len(side.texts) < WORTH_PROCESSES
    for test, found in track(Parallel(n_jobs=1 if alone else jobs, return_as="generator")(work), folds, "folds"):
        log_odds[test] = found
    return log_odds


def _carry_out(
    params: PipelineParams, train: Side, whole: Side, test: IntArray, seed: int
) -> tuple[IntArray, FloatArray]:
    pipeline = build_pipeline(params, seed=seed).fit(train.texts, train.labels)
    return test, pipeline.decision_function(whole.chosen(test).texts)
