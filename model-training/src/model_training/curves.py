"""The points of each plot, as rows: what the CSV files hold and the pictures are drawn from."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from model_training.figures import DIGITS
from model_training.folds import Outcomes
from model_training.reviews import LABELS
from model_training.whole_files import write_whole

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Rows = list[dict[str, float | str]]


def confusion(truth: IntArray, positive: FloatArray) -> Rows:
    """One row a text: DVC's template counts them."""
    decided = (positive > 0.5).astype(int)  # noqa: PLR2004 - the threshold of the manifest
    return [{"actual": LABELS[a], "predicted": LABELS[p]} for a, p in zip(truth, decided, strict=True)]


def roc(truth: IntArray, positive: FloatArray) -> Rows:
    false_positives, true_positives, _ = roc_curve(truth, positive)
    return rows_of(false_positive_rate=false_positives, true_positive_rate=true_positives)


def precision_recall(truth: IntArray, positive: FloatArray) -> Rows:
    precision, recall, _ = precision_recall_curve(truth, positive, drop_intermediate=True)
    return rows_of(recall=recall[::-1], precision=precision[::-1])


def calibration(truth: IntArray, positive: FloatArray, bins: int) -> Rows:
    """Per filled bin of equal width: mean probability of label 1, the share that is label 1, and how many texts."""
    which = np.minimum((positive * bins).astype(int), bins - 1)
    filled = [which == one for one in range(bins) if (which == one).any()]
    return rows_of(
        predicted=np.array([positive[chosen].mean() for chosen in filled]),
        observed=np.array([truth[chosen].mean() for chosen in filled]),
        texts=np.array([chosen.sum() for chosen in filled]),
    )


def learning_curve(outcomes: Outcomes, truth: IntArray) -> Rows:
    """Mean accuracy over the folds of the first repeat on what was learnt and on what was not, by training size."""
    rows: Rows = []
    for share in sorted(outcomes.parts):
        fits = outcomes.parts[share]
        seen = [_accuracy(truth[one.fit.train], one.on_train) for one in fits if one.on_train is not None]
        unseen = [_accuracy(truth[one.fit.test], one.probabilities) for one in fits]
        size = round(float(np.mean([len(one.fit.train) for one in fits])))
        rows += rows_of(
            texts=np.array([size]), training=np.array([np.mean(seen)]), validation=np.array([np.mean(unseen)])
        )
    return rows


def write_csv(path: Path, rows: Rows) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())


def _accuracy(truth: IntArray, positive: FloatArray) -> float:
    return float(((positive > 0.5) == (truth == 1)).mean())  # noqa: PLR2004


def rows_of(**columns: Sequence[float] | NDArray[np.generic]) -> Rows:
    listed: Mapping[str, list[float]] = {name: [round(float(v), DIGITS) for v in c] for name, c in columns.items()}
    return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
