"""The points of each label's plots on held-out comments, weighted to natural prevalence."""

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from model_training.curves import FloatArray, IntArray, Rows, rows_of
from model_training.moderation.labels import LABELS

PLOTS = ("roc", "precision_recall", "calibration")
MOST_POINTS = 500


def curves(probabilities: FloatArray, labels: IntArray, weights: FloatArray, bins: int) -> dict[str, dict[str, Rows]]:
    """By label, then by plot. `probabilities`, `labels`: (n, 6); `weights`: (n,)."""
    return {
        label: {
            "roc": roc(labels[:, at], probabilities[:, at], weights),
            "precision_recall": precision_recall(labels[:, at], probabilities[:, at], weights),
            "calibration": calibration(labels[:, at], probabilities[:, at], weights, bins),
        }
        for at, label in enumerate(LABELS)
    }


def roc(truth: IntArray, positive: FloatArray, weights: FloatArray) -> Rows:
    false_positives, true_positives, _ = roc_curve(truth, positive, sample_weight=weights)
    chosen = _thinned(len(false_positives))
    return rows_of(false_positive_rate=false_positives[chosen], true_positive_rate=true_positives[chosen])


def precision_recall(truth: IntArray, positive: FloatArray, weights: FloatArray) -> Rows:
    precision, recall, _ = precision_recall_curve(truth, positive, sample_weight=weights, drop_intermediate=True)
    chosen = _thinned(len(recall))
    return rows_of(recall=recall[::-1][chosen], precision=precision[::-1][chosen])


def calibration(truth: IntArray, positive: FloatArray, weights: FloatArray, bins: int) -> Rows:
    """Per filled bin of equal width: mean probability, the share that carries the label, and how many texts."""
    which = np.minimum((positive * bins).astype(int), bins - 1)
    filled = [which == one for one in range(bins) if (which == one).any()]
    return rows_of(
        predicted=np.array([np.average(positive[chosen], weights=weights[chosen]) for chosen in filled]),
        observed=np.array([np.average(truth[chosen], weights=weights[chosen]) for chosen in filled]),
        texts=np.array([chosen.sum() for chosen in filled]),
    )


def _thinned(points: int) -> IntArray:
    """At most MOST_POINTS of so many points, both ends among them."""
    return np.unique(np.linspace(0, points - 1, min(points, MOST_POINTS)).astype(int))
