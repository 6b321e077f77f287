"""train: fits one model on the training side, calibrates it to natural prevalence, and chooses its thresholds."""

import sys

from lib_ml.training import build_pipeline, calibrated

from model_training.fitted import save_fitted
from model_training.moderation.calibration import platt, probabilities_of, thresholds
from model_training.moderation.comments import Side, read_side
from model_training.moderation.crossfit import Moderator, out_of_fold, strata
from model_training.moderation.prior import natural_weights, rarest_label
from model_training.params import ModerationParams, load_params
from model_training.progress import say
from model_training.settings import settings_from
from model_training.stages import run_stage
from model_training.stages.places import MODERATION


def main(model: str) -> None:
    whole = load_params()
    side = read_side(MODERATION.train)
    fitted = fit(model, whole.tasks.moderation, side, seed=whole.seed, jobs=settings_from().jobs)
    save_fitted(fitted, MODERATION.model(model))
    say(f"train: moderation {model} on {len(side.texts)} texts")


def fit(model: str, params: ModerationParams, side: Side, *, seed: int, jobs: int) -> Moderator:
    """The model fitted on the whole side; calibration and thresholds come from folds of it."""
    groups = strata(side, rarest_label(side.labels, params.natural_prevalence))
    log_odds = out_of_fold(params.models[model], side, groups, folds=params.calibration.folds, seed=seed, jobs=jobs)
    comments = ~side.review
    weights = natural_weights(side.labels[comments], params.natural_prevalence)
    slope, offset = platt(log_odds[comments], side.labels[comments], weights)
    unseen = probabilities_of(log_odds, slope, offset)
    limits = thresholds(
        unseen[comments],
        side.labels[comments],
        weights,
        unseen[side.review],
        most_reviews_flagged=params.calibration.most_reviews_flagged,
        least=params.calibration.least_threshold,
    )
    pipeline = build_pipeline(params.models[model], seed=seed).fit(side.texts, side.labels)
    return Moderator(calibrated(pipeline, slope, offset), limits, unseen)


if __name__ == "__main__":
    run_stage("train", lambda: main(sys.argv[1]))
