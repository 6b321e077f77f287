"""The figures a moderation model is judged by on held-out texts, and their 95 % intervals by the bootstrap.

A bootstrap resample is a set of weights: how often each text was drawn, times what the text counts (see `prior`). All
resamples of a label are computed at once, as rows of a matrix over the texts sorted by probability.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from model_training.figures import DIGITS
from model_training.moderation.calibration import flagged, in_order
from model_training.moderation.comments import IntArray
from model_training.moderation.labels import LABELS

FloatArray = NDArray[np.float64]

RANKED = ("roc_auc", "average_precision", "ece")
DECIDED = ("precision", "recall")
INTERVAL = (2.5, 97.5)  # percentiles


def held_out_figures(
    probabilities: FloatArray,
    labels: IntArray,
    weights: FloatArray,
    limits: Mapping[str, float],
    *,
    bins: int,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, dict[str, float]]]:
    """Each figure with `value`, `low` and `high`, by label, and under "mean" those of RANKED over all labels.

    `probabilities`, `labels`: (n, 6); `weights`: (n,); `limits`: each label's threshold.
    """
    drawn = np.random.default_rng(seed).multinomial(len(labels), np.full(len(labels), 1 / len(labels)), resamples)
    rows = np.vstack([np.ones(len(labels)), drawn]) * weights
    found: dict[str, dict[str, FloatArray]] = {
        label: label_figures(probabilities[:, at], labels[:, at], rows, limits[label], bins)
        for at, label in enumerate(LABELS)
    }
    means = {name: np.mean([one[name] for one in found.values()], axis=0) for name in RANKED}
    return {
        who: {name: interval(values) for name, values in all_of.items()}
        for who, all_of in {"mean": means, **found}.items()
    }


def label_figures(
    probabilities: FloatArray, labels: IntArray, weights: FloatArray, limit: float, bins: int
) -> dict[str, FloatArray]:
    """Every figure of one label, shape (rows,). `probabilities`, `labels`: (n,); `weights`: (rows, n)."""
    order = np.argsort(-probabilities, kind="stable")
    p, y, w = probabilities[order], labels[order] == 1, weights[:, order]
    # Texts of one probability are met together: a figure must not depend on their order.
    first = np.flatnonzero(np.r_[True, np.diff(p) != 0])
    hits = np.add.reduceat(w * y, first, axis=1)
    misses = np.add.reduceat(w * ~y, first, axis=1)
    chosen = p >= limit
    true_flags, flags = (w[:, chosen] * y[chosen]).sum(axis=1), w[:, chosen].sum(axis=1)
    return {
        "roc_auc": _area_under_roc(hits, misses),
        "average_precision": _average_precision(hits, misses),
        "ece": calibration_error(p, y, w, bins),
        "precision": _ratio(true_flags, flags),
        "recall": _ratio(true_flags, hits.sum(axis=1)),
    }


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """0 where there is nothing to divide: a resample without any flag has no precision to speak of."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _area_under_roc(hits: FloatArray, misses: FloatArray) -> FloatArray:
    """The share of pairs of a carrier and another in which the carrier is the likelier one; a tie counts half."""
    before = np.cumsum(hits, axis=1) - hits / 2
    return _ratio((misses * before).sum(axis=1), misses.sum(axis=1) * hits.sum(axis=1))


def _average_precision(hits: FloatArray, misses: FloatArray) -> FloatArray:
    """The precision at each carrier, weighted by the recall it adds."""
    found = np.cumsum(hits, axis=1)
    precision = _ratio(found, found + np.cumsum(misses, axis=1))
    return _ratio((hits * precision).sum(axis=1), hits.sum(axis=1))


def calibration_error(p: FloatArray, y: NDArray[np.bool_], weights: FloatArray, bins: int) -> FloatArray:
    """Mean gap between probability and share of carriers over `bins` bins of equal width, by their weight; (rows,)."""
    which = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [np.abs((weights[:, which == one] * (p - y)[which == one]).sum(axis=1)) for one in range(bins)]
    return np.asarray(np.sum(gaps, axis=0) / weights.sum(axis=1))


def interval(values: FloatArray) -> dict[str, float]:
    """`values`: the figure itself, then that of each resample."""
    low, high = np.percentile(values[1:], INTERVAL)
    return {
        "value": round(float(values[0]), DIGITS),
        "low": round(float(low), DIGITS),
        "high": round(float(high), DIGITS),
    }


def review_figures(probabilities: FloatArray, limits: Mapping[str, float]) -> dict[str, Any]:
    """How many restaurant reviews, (n, 6), are flagged, with the exact (Clopper-Pearson) interval of their share."""
    found = int(flagged(probabilities, in_order(limits)).sum())
    return {"reviews": len(probabilities), "flagged": found, "share": exact_share(found, len(probabilities))}


def exact_share(found: int, of: int) -> dict[str, float]:
    """A share and its exact 95 % interval. Source: Clopper and Pearson (1934), Biometrika 26, 404."""
    bounds = binomtest(found, of).proportion_ci(0.95, method="exact")
    return {"value": round(found / of, DIGITS), "low": round(bounds.low, DIGITS), "high": round(bounds.high, DIGITS)}
