"""From the outcomes of folds to metrics.json: each figure with its interval, and the differences between models."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_training.figures import DIGITS, RANGES, corrected_interval, figures
from model_training.folds import Outcome, Outcomes, Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def metrics(
    outcomes: Mapping[str, Outcomes],
    labels: Sequence[int],
    *,
    held_out: Mapping[str, FloatArray],
    held_out_labels: Sequence[int],
    plan: Plan,
    bins: int,
) -> dict[str, Any]:
    """metrics.json. `held_out`: each model's probabilities of label 1 for the test side, shape (n_test,)."""
    truth = np.asarray(labels)
    by_fold = {model: fold_figures(mine, truth, bins) for model, mine in outcomes.items()}
    report: dict[str, Any] = {
        model: {
            "cross_validation": _intervals(folds, plan),
            "held_out": _rounded(figures(held_out_labels, held_out[model], bins)),
        }
        for model, folds in by_fold.items()
    }
    for one, other in combinations(by_fold, 2):
        report[f"{other}_minus_{one}"] = _differences(by_fold[one], by_fold[other], plan)
    return report


def fold_figures(outcomes: Outcomes, truth: IntArray, bins: int) -> list[dict[str, float]]:
    """The figures of each fold, in the order of the folds."""
    return [_figures_of(outcomes.whole[fold], truth, bins) for fold in sorted(outcomes.whole)]


def out_of_fold(outcomes: Outcomes, folds: int, n_texts: int) -> FloatArray:
    """Shape (n_texts,): for each text the probability by the model of the first repeat that never saw it."""
    probabilities = np.full(n_texts, np.nan)
    for fold in range(folds):
        outcome = outcomes.whole[fold]
        probabilities[outcome.fit.test] = outcome.probabilities
    return probabilities


def _figures_of(outcome: Outcome, truth: IntArray, bins: int) -> dict[str, float]:
    return figures(truth[outcome.fit.test], outcome.probabilities, bins)


def _intervals(folds: list[dict[str, float]], plan: Plan) -> dict[str, dict[str, float]]:
    share = 1 / (plan.folds - 1)
    return {
        name: corrected_interval([fold[name] for fold in folds], share, *RANGES[name]).model_dump() for name in RANGES
    }


def _differences(one: list[dict[str, float]], other: list[dict[str, float]], plan: Plan) -> dict[str, dict[str, float]]:
    """The same folds, so the difference of each pair: far surer than comparing two intervals by eye."""
    share = 1 / (plan.folds - 1)
    return {
        name: corrected_interval([b[name] - a[name] for a, b in zip(one, other, strict=True)], share).model_dump()
        for name in RANGES
    }


def _rounded(named: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, DIGITS) for name, value in named.items()}
