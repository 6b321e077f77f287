"""The arithmetic of the moderation models' figures, calibration and thresholds, on cases worked out by hand."""

import numpy as np
import pytest
from model_training.moderation.calibration import best_f1, flagged, platt, probabilities_of, thresholds
from model_training.moderation.curves import curves
from model_training.moderation.figures import exact_share, held_out_figures, label_figures
from model_training.moderation.labels import LABELS
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

CHANCE = np.random.default_rng(5)
TRUTH = (CHANCE.random((400, 6)) < 0.3).astype(int)
SCORES = np.round(np.clip(TRUTH * 0.3 + CHANCE.random((400, 6)) * 0.7, 0, 1), 2)  # rounded, so that there are ties
WEIGHTS = CHANCE.random(400) + 0.1
HALVES = dict.fromkeys(LABELS, 0.5)


def test_figures_of_a_label_are_those_of_sklearn():
    found = label_figures(SCORES[:, 0], TRUTH[:, 0], WEIGHTS[None], 0.5, bins=10)
    told = {name: float(values[0]) for name, values in found.items()}
    truth, positive, flags = TRUTH[:, 0], SCORES[:, 0], SCORES[:, 0] >= 0.5
    assert told["roc_auc"] == pytest.approx(roc_auc_score(truth, positive, sample_weight=WEIGHTS))
    assert told["average_precision"] == pytest.approx(average_precision_score(truth, positive, sample_weight=WEIGHTS))
    assert told["precision"] == pytest.approx(precision_score(truth, flags, sample_weight=WEIGHTS))
    assert told["recall"] == pytest.approx(recall_score(truth, flags, sample_weight=WEIGHTS))


def test_the_calibration_error_of_four_texts():
    probabilities, truth, weights = np.array([0.9, 0.92, 0.1, 0.15]), np.array([1, 1, 0, 1]), np.array([[1.0, 1, 1, 1]])
    found = label_figures(probabilities, truth, weights, 0.5, bins=10)
    assert found["ece"][0] == pytest.approx((abs(1.82 - 2) + abs(0.25 - 1)) / 4)


def test_an_interval_holds_its_value_and_the_seed_alone_decides():
    told = held_out_figures(SCORES, TRUTH, WEIGHTS, HALVES, bins=10, resamples=200, seed=3)
    assert set(told) == {"mean", *LABELS}
    for figures in told.values():
        for one in figures.values():
            assert one["low"] < one["high"]
            assert one["low"] <= one["value"] + 0.02
    assert told == held_out_figures(SCORES, TRUTH, WEIGHTS, HALVES, bins=10, resamples=200, seed=3)
    mean = np.mean([told[label]["roc_auc"]["value"] for label in LABELS])
    assert told["mean"]["roc_auc"]["value"] == pytest.approx(mean, abs=1e-6)


def test_the_bootstrap_interval_is_about_as_wide_as_theory_has_it():
    """Recall is a share: its standard error is sqrt(r (1 - r) / n)."""
    told = held_out_figures(SCORES, TRUTH, np.ones(400), HALVES, bins=10, resamples=1000, seed=3)["toxic"]["recall"]
    expected = 2 * 1.96 * np.sqrt(told["value"] * (1 - told["value"]) / TRUTH[:, 0].sum())
    assert told["high"] - told["low"] == pytest.approx(expected, rel=0.15)


def test_no_flag_at_all_is_no_fault():
    told = held_out_figures(SCORES, TRUTH, WEIGHTS, dict.fromkeys(LABELS, 1.1), bins=10, resamples=100, seed=3)
    assert told["toxic"]["precision"]["value"] == told["toxic"]["recall"]["value"] == 0


def test_the_exact_interval_of_none_in_a_hundred():
    assert exact_share(0, 100) == {"value": 0.0, "low": 0.0, "high": pytest.approx(0.036217, abs=1e-6)}


def test_platt_finds_the_sigmoid_that_made_the_labels_and_weights_take_an_enrichment_back():
    log_odds = CHANCE.normal(0, 2, (60_000, 6))
    truth = (CHANCE.random(log_odds.shape) < probabilities_of(log_odds, np.full(6, 0.7), np.full(6, -3.0))).astype(int)
    slope, offset = platt(log_odds, truth, np.ones(len(truth)))
    assert slope == pytest.approx([0.7] * 6, abs=0.06)
    assert offset == pytest.approx([-3.0] * 6, abs=0.12)
    kept = (truth[:, 0] == 1) | (CHANCE.random(len(truth)) < 0.2)
    slope, offset = platt(log_odds[kept], truth[kept], np.where(truth[kept, 0] == 1, 1.0, 5.0))
    assert (slope[0], offset[0]) == (pytest.approx(0.7, abs=0.08), pytest.approx(-3.0, abs=0.2))


def test_the_best_f1_of_five_texts():
    assert best_f1(np.array([0.9, 0.8, 0.7, 0.2, 0.1]), np.array([1, 0, 1, 0, 0]), np.ones(5)) == 0.7


def test_thresholds_are_raised_until_few_reviews_are_flagged():
    reviews = CHANCE.random((1000, 6)) * 0.9
    free = thresholds(SCORES, TRUTH, WEIGHTS, reviews * 0, most_reviews_flagged=0.01, least=0.1)
    strict = thresholds(SCORES, TRUTH, WEIGHTS, reviews, most_reviews_flagged=0.01, least=0.1)
    assert all(strict[label] >= free[label] for label in LABELS)
    assert flagged(reviews, list(strict.values())).mean() <= 0.01
    assert free["toxic"] == pytest.approx(best_f1(SCORES[:, 0], TRUTH[:, 0], WEIGHTS), abs=1e-6)


def test_so_few_reviews_that_one_is_too_many_are_all_let_pass():
    reviews = np.full((10, 6), 0.97)
    found = thresholds(SCORES, TRUTH, WEIGHTS, reviews, most_reviews_flagged=0.01, least=0.1)
    assert not flagged(reviews, list(found.values())).any()


def test_no_threshold_is_under_the_least():
    found = thresholds(SCORES / 100, TRUTH, WEIGHTS, np.zeros((10, 6)), most_reviews_flagged=0.01, least=0.1)
    assert set(found.values()) == {0.1}


def test_every_label_has_its_curves_from_end_to_end():
    drawn = curves(SCORES, TRUTH, WEIGHTS, bins=10)
    assert list(drawn) == list(LABELS)
    for plots in drawn.values():
        assert (plots["roc"][0]["true_positive_rate"], plots["roc"][-1]["true_positive_rate"]) == (0, 1)
        assert plots["precision_recall"][-1]["recall"] == 1
        assert sum(int(row["texts"]) for row in plots["calibration"]) == len(TRUTH)


def test_the_label_gives_way_whose_f1_it_costs_least():
    """Reviews reach two labels' thresholds; only obscene has comments between its threshold and theirs."""
    truth = np.repeat([[1] * 6, [0] * 6], 50, axis=0)
    scores = np.where(truth == 1, 0.95, 0.05)
    scores[:50, 2] = np.linspace(0.5, 0.6, 50)
    reviews = np.zeros((100, 6))
    reviews[:10, 0], reviews[10:20, 2] = 0.96, 0.96
    found = thresholds(scores, truth, np.ones(100), reviews[10:], most_reviews_flagged=0.12, least=0.1)
    assert (found["toxic"], found["obscene"]) == (pytest.approx(0.95), pytest.approx(0.5))
    found = thresholds(scores, truth, np.ones(100), reviews, most_reviews_flagged=0.1, least=0.1)
    assert sum(value > 0.96 for value in found.values()) == 1
