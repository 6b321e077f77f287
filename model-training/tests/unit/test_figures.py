"""The arithmetic of metrics.json and of the plots, on cases that can be worked out by hand."""

import numpy as np
import pytest
from lib_ml.manifest import Metric
from model_training import curves
from model_training.figures import corrected_interval, expected_calibration_error, figures

LABELS = np.array([1, 1, 0, 0])
SURE = np.array([0.9, 0.6, 0.4, 0.8])


def test_the_figures_of_four_texts():
    found = figures(LABELS, SURE, bins=10)
    assert found["accuracy"] == found["balanced_accuracy"] == 0.75
    assert found["roc_auc"] == 0.75
    assert found["f1"] == pytest.approx(0.8)
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.9, 0.6, 0.6, 0.2])))


def test_calibration_error_is_the_mean_gap_between_confidence_and_accuracy():
    # Confidences .9, .6, .6, .8; right, right, right, wrong.
    assert expected_calibration_error(LABELS, SURE, 10) == pytest.approx((0.1 + 0.8 + 0.8) / 4)
    assert expected_calibration_error(np.array([1, 0]), np.array([1.0, 0.0]), 10) == 0
    assert expected_calibration_error(np.array([0, 1]), np.array([1.0, 0.0]), 10) == 1


def test_the_interval_is_that_of_nadeau_and_bengio():
    """Fifteen folds of standard deviation .02: half width 2.1448 * .02 * sqrt(1/15 + 1/4)."""
    values = np.array([-1.0] * 7 + [0.0] + [1.0] * 7)
    interval = corrected_interval(list(0.8 + 0.02 * values / values.std(ddof=1)), 1 / 4)
    half = 2.144787 * 0.02 * np.sqrt(1 / 15 + 1 / 4)
    assert interval == Metric(value=0.8, low=round(0.8 - half, 6), high=round(0.8 + half, 6))


def test_an_interval_ends_where_the_figure_does():
    assert corrected_interval([0.9, 1.0, 1.0, 0.9], 0.25, 0, 1).high == 1
    assert corrected_interval([0.5] * 4, 0.25) == Metric(value=0.5, low=0.5, high=0.5)


def test_the_points_of_the_plots():
    assert curves.confusion(LABELS, SURE)[3] == {"actual": "negative", "predicted": "positive"}
    assert curves.roc(LABELS, SURE)[0] == {"false_positive_rate": 0.0, "true_positive_rate": 0.0}
    assert curves.roc(LABELS, SURE)[-1] == {"false_positive_rate": 1.0, "true_positive_rate": 1.0}
    assert curves.precision_recall(LABELS, SURE)[0] == {"recall": 0.0, "precision": 1.0}
    assert curves.calibration(LABELS, SURE, 2) == [
        {"predicted": 0.4, "observed": 0.0, "texts": 1.0},
        {"predicted": pytest.approx(2.3 / 3, abs=1e-6), "observed": pytest.approx(2 / 3, abs=1e-6), "texts": 3.0},
    ]
