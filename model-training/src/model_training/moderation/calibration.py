"""From a model's raw log-odds to probabilities at natural prevalence, and to thresholds."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from model_training.figures import DIGITS
from model_training.moderation.comments import IntArray
from model_training.moderation.labels import LABELS

FloatArray = NDArray[np.float64]

NO_PENALTY = 1e6  # two numbers learnt from hundreds of texts need none
STEPS = 400  # quantiles of the reviews that are tried


def platt(log_odds: FloatArray, labels: IntArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each label the slope and the offset under which slope * log-odds + offset are calibrated.

    `log_odds`, `labels`: (n, 6), of texts that the model has not seen; `weights`: (n,), those of natural prevalence,
    so that the sigmoid takes the enrichment back, too. Returns two arrays of shape (6,).
    Source: Platt (1999), Probabilistic outputs for support vector machines.
    """
    fits = [
        LogisticRegression(C=NO_PENALTY, max_iter=1000).fit(log_odds[:, [at]], labels[:, at], sample_weight=weights)
        for at in range(len(LABELS))
    ]
    return np.array([fit.coef_[0, 0] for fit in fits]), np.array([fit.intercept_[0] for fit in fits])


def thresholds(
    probabilities: FloatArray,
    labels: IntArray,
    weights: FloatArray,
    reviews: FloatArray,
    *,
    most_reviews_flagged: float,
    least: float,
) -> dict[str, float]:
    """For each label the probability from which it is flagged, at least `least`.

    On comments (`probabilities`, `labels`: (n, 6); `weights`: (n,)) each label's best F1 is looked for; then the
    thresholds are raised together, to ever higher quantiles of the restaurant `reviews` (m, 6), until at most the share
    `most_reviews_flagged` of these reaches any of them.
    """
    found = [best_f1(probabilities[:, at], labels[:, at], weights) for at in range(len(LABELS))]
    best = np.maximum(found, least)
    for quantile in np.linspace(0.9, 1, STEPS):
        raised = np.maximum(best, np.quantile(reviews, quantile, axis=0))
        if flagged(reviews, raised).mean() <= most_reviews_flagged:
            break
    else:
        raised = np.maximum(best, np.nextafter(reviews.max(axis=0), 1))
    # Rounded upwards, or a review on the edge would be flagged after all.
    steps = 10.0**DIGITS
    return dict(zip(LABELS, (np.ceil(np.minimum(raised, 1) * steps) / steps).tolist(), strict=True))


def flagged(probabilities: FloatArray, limits: Sequence[float] | FloatArray) -> NDArray[np.bool_]:
    """Whether any label reaches its limit, shape (n,)."""
    return np.asarray((probabilities >= np.asarray(limits)).any(axis=1))


def in_order(limits: Mapping[str, float]) -> FloatArray:
    return np.array([limits[label] for label in LABELS])


def best_f1(probabilities: FloatArray, labels: IntArray, weights: FloatArray) -> float:
    """The probability from which flagging has the best F1. All: shape (n,)."""
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(weights[order] * labels[order])
    f1 = 2 * hits / (np.cumsum(weights[order]) + hits[-1])
    return float(probabilities[order][int(f1.argmax())])


def probabilities_of(log_odds: FloatArray, slope: FloatArray, offset: FloatArray) -> FloatArray:
    return np.asarray(expit(log_odds * slope + offset))
