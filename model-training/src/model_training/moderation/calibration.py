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

MOST_WAYS = 30
NO_PENALTY = 1e6  # two numbers learnt from hundreds of texts need none


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

    On comments (`probabilities`, `labels`: (n, 6); `weights`: (n,)) each label's best F1 is looked for. Then
    `reviews` (m, 6) are let pass one by one, of the MOST_WAYS nearest to a threshold the one whose passing costs
    least F1, until at most the share `most_reviews_flagged` reaches any threshold.
    """
    comments = probabilities, labels, weights
    limits = np.array([best_f1(probabilities[:, at], labels[:, at], weights) for at in range(len(LABELS))])
    limits = np.maximum(np.round(limits - 0.5 / 10**DIGITS, DIGITS), least)
    while (over := flagged(reviews, limits)).mean() > most_reviews_flagged:
        nearest = reviews[over][np.argsort((reviews[over] - limits).max(axis=1), kind="stable")[:MOST_WAYS]]
        ways = [np.where(review >= limits, above(review), limits) for review in nearest]
        costs = [f1_at(limits, *comments) - f1_at(way, *comments) for way in ways]
        passing = [int(over.sum() - flagged(reviews, way).sum()) for way in ways]
        limits = ways[int(np.argmin(np.array(costs) / np.array(passing)))]
    return dict(zip(LABELS, np.minimum(limits, 1).tolist(), strict=True))


def above(probabilities: FloatArray) -> FloatArray:
    """The next values of DIGITS digits over these."""
    steps = 10.0**DIGITS
    return np.asarray((np.floor(probabilities * steps) + 1) / steps)


def f1_at(limits: FloatArray, probabilities: FloatArray, labels: IntArray, weights: FloatArray) -> float:
    """The sum of the labels' F1 when each is flagged from its limit on."""
    chosen = probabilities >= limits
    hits = weights @ (chosen * labels)
    return float((2 * hits / (weights @ chosen + weights @ labels)).sum())


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
