"""The figures a model is judged by, and their 95 % intervals from repeated folds."""

from collections.abc import Sequence

import numpy as np
from lib_ml.manifest import Metric
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss, roc_auc_score

FloatArray = NDArray[np.float64]
DIGITS = 6  # beyond these, figures differ between processors

# Lowest and highest possible value: an interval is cut there.
RANGES = {
    "accuracy": (0.0, 1.0),
    "balanced_accuracy": (0.0, 1.0),
    "roc_auc": (0.0, 1.0),
    "f1": (0.0, 1.0),
    "log_loss": (0.0, np.inf),
    "ece": (0.0, 1.0),
}


def figures(labels: ArrayLike, probabilities: ArrayLike, bins: int) -> dict[str, float]:
    """Every figure of RANGES. Both shape (n,): labels 0 or 1, probabilities of label 1; decided at 0.5."""
    truth, positive = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    decided = (positive > 0.5).astype(int)  # noqa: PLR2004 - the threshold of the manifest
    return {
        "accuracy": float(accuracy_score(truth, decided)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, decided)),
        "roc_auc": float(roc_auc_score(truth, positive)),
        "f1": float(f1_score(truth, decided)),
        "log_loss": float(log_loss(truth, positive, labels=[0, 1])),
        "ece": expected_calibration_error(truth, positive, bins),
    }


def expected_calibration_error(labels: NDArray[np.int_], probabilities: FloatArray, bins: int) -> float:
    """Mean gap between confidence and accuracy over `bins` bins of equal width on the confidence, by bin size.

    Both shape (n,). Returns 0 (calibrated) to 1. Source: Guo et al. (2017), On calibration of modern neural networks.
    """
    decided = probabilities > 0.5  # noqa: PLR2004
    confidence = np.where(decided, probabilities, 1 - probabilities)
    right = decided == (labels == 1)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[which == one].sum() - right[which == one].sum()) for one in range(bins)]
    return float(sum(gaps) / len(labels))


def corrected_interval(
    values: Sequence[float],
    test_share_of_train: float,
    least: float = -np.inf,
    most: float = np.inf,
    confidence: float = 0.95,
) -> Metric:
    """Mean of a figure over repeated folds with the corrected resampled t interval.

    The folds' training sets overlap, so their figures are not independent and the plain t interval is too short. The
    variance of the mean is taken as s^2 (1/J + n_test/n_train) for J folds instead of s^2/J.
    `test_share_of_train` is n_test/n_train: 1/(k-1) for k folds. Source: Nadeau and Bengio (2003), Inference for the
    generalization error, Machine Learning 52, 239; repeated folds: Bouckaert and Frank (2004).
    """
    scores = np.asarray(values, dtype=np.float64)
    spread = np.sqrt(scores.var(ddof=1) * (1 / len(scores) + test_share_of_train))
    half = float(t.ppf((1 + confidence) / 2, len(scores) - 1)) * float(spread)
    mean = float(scores.mean())
    return Metric(
        value=round(mean, DIGITS),
        low=round(max(mean - half, least), DIGITS),
        high=round(min(mean + half, most), DIGITS),
    )
