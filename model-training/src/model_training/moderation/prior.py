"""How much each comment counts, so that a table rich in abuse stands for what people really write."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model_training.moderation.comments import IntArray
from model_training.moderation.labels import LABELS, ModerationLabel
from model_training.refusal import TrainingRefused

FloatArray = NDArray[np.float64]


def rarest_label(labels: IntArray, prevalence: Mapping[ModerationLabel, float]) -> IntArray:
    """For each text the label it carries that is rarest in the wild, shape (n,); len(LABELS) for a clean one."""
    rarest = np.full(len(labels), len(LABELS))
    for label in sorted(LABELS, key=lambda label: -prevalence[label]):
        rarest[labels[:, LABELS.index(label)] == 1] = LABELS.index(label)
    return rarest


def natural_weights(labels: IntArray, prevalence: Mapping[ModerationLabel, float]) -> FloatArray:
    """Weights, shape (n,), of mean 1, under which every label has its natural prevalence.

    `labels`: (n, 6). A text's weight goes by the rarest label that it carries, as tables are enriched: from the rarest
    label on, each is given what is missing to its prevalence, and clean texts the rest. Raises TrainingRefused when
    that can't be done, as a commoner label then stands beside rarer ones too often.
    """
    rarest, size = rarest_label(labels, prevalence), len(labels)
    weights = np.zeros(size)
    for label in sorted(LABELS, key=lambda label: prevalence[label]):
        at = LABELS.index(label)
        mine = rarest == at
        missing = prevalence[label] * size - weights[labels[:, at] == 1].sum()
        if missing <= 0 or not mine.any():
            raise TrainingRefused(
                f"params.yaml: tasks.moderation.natural_prevalence.{label}: the data can't be weighted to "
                f"{prevalence[label]:g}: rarer labels bring it along too often"
            )
        weights[mine] = missing / mine.sum()
    clean = rarest == len(LABELS)
    weights[clean] = (size - weights.sum()) / clean.sum()
    return weights
