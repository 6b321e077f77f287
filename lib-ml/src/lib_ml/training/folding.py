"""Folding a fitted pipeline: one weight per feature and column, so that a text's log-odds is one sum."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import Pipeline

from lib_ml.bundle import Array
from lib_ml.manifest import TermCounts
from lib_ml.training.lexicons import lexicon
from lib_ml.training.multilabel import Calibrated, Network, PerLabelRegression, StrongestTerms
from lib_ml.training.pipeline import CLASSIFIER, FEATURES, ValenceSums


class CannotFold(Exception):
    """A model that a bundle can't express; the message says why and what to choose instead."""


@dataclass(frozen=True)
class Folded:
    """What goes into a bundle: the vocabulary of all blocks, their counts, and the arrays by name.

    `hidden`: how many units stand between the terms and the outputs; 0 for a linear model.
    """

    vocabulary: tuple[str, ...]
    terms: TermCounts
    arrays: dict[str, Array]
    hidden: int = 0


def fold(pipeline: Pipeline) -> Folded:
    """Folds a fitted pipeline of `build_pipeline`. Raises CannotFold with the reason."""
    classifier = pipeline.named_steps[CLASSIFIER]
    network = _network(classifier)
    weights, intercept = network.first if network else _linear(classifier)
    vocabulary: list[str] = []
    counts: dict[str, int] = {}
    arrays: dict[str, Array] = {"intercept": intercept}
    if network:
        arrays |= {"output.weights": network.second[0], "output.intercept": network.second[1]}
    start = 0
    for name, block in pipeline.named_steps[FEATURES].transformer_list:
        terms, folded, width = (
            _valence(block, weights[start:]) if name == "valence" else _ngrams(block, weights[start:])
        )
        vocabulary += terms
        counts[name] = len(terms)
        arrays |= {f"{name}.{key}": np.ascontiguousarray(array, dtype=np.float64) for key, array in folded.items()}
        start += width
    return Folded(tuple(vocabulary), TermCounts(**counts), arrays, hidden=len(intercept) if network else 0)


class Layers(NamedTuple):
    """Weights and intercept of each layer: (features, hidden) and (hidden,), (hidden, outputs) and (outputs,)."""

    first: tuple[Array, Array]
    second: tuple[Array, Array]


def _network(classifier: Any) -> Layers | None:  # noqa: ANN401 - sklearn is untyped
    """The layers of a network, its calibration folded into the second; None for any other classifier."""
    if isinstance(classifier, Network):
        return Layers(*zip(classifier.coefs_, classifier.intercepts_, strict=True))
    if isinstance(classifier, Calibrated) and (layers := _network(classifier.classifier)):
        (weights, intercept), slope = layers.second, classifier.slope
        return Layers(layers.first, (weights * slope, intercept * slope + classifier.offset))
    return None


def _linear(classifier: Any) -> tuple[Array, Array]:  # noqa: ANN401 - sklearn is untyped
    """Weights of shape (n_features, n_columns) and intercepts (n_columns,) whose sums are log-odds."""
    if isinstance(classifier, LogisticRegression | PerLabelRegression):
        return classifier.coef_.T, classifier.intercept_
    if isinstance(classifier, Calibrated):
        weights, intercept = _linear(classifier.classifier)
        return weights * classifier.slope, intercept * classifier.slope + classifier.offset
    if isinstance(classifier, CalibratedClassifierCV):
        return _calibrated(classifier)
    if isinstance(classifier, MultinomialNB):
        log_odds = classifier.feature_log_prob_[1] - classifier.feature_log_prob_[0]
        return log_odds[:, None], np.diff(classifier.class_log_prior_)
    if isinstance(classifier, ComplementNB):
        # With two classes sklearn leaves the class prior out.
        return (classifier.feature_log_prob_[1] - classifier.feature_log_prob_[0])[:, None], np.zeros(1)
    if isinstance(classifier, OneVsRestClassifier):
        columns = [_linear(one) for one in classifier.estimators_]
        return np.hstack([weights for weights, _ in columns]), np.concatenate([bias for _, bias in columns])
    raise CannotFold(
        f"{type(classifier).__name__} can't be folded into one weight per term, so it can be compared but not "
        "published: choose logistic_regression, linear_svm, multinomial_nb or complement_nb"
    )


def _calibrated(classifier: CalibratedClassifierCV) -> tuple[Array, Array]:
    """Platt's sigmoid 1 / (1 + exp(a f + b)) over a linear f has the log-odds -(a f + b), linear again."""
    if len(classifier.calibrated_classifiers_) != 1:
        raise CannotFold("the mean of several calibrated SVMs is no single sigmoid: calibrate with ensemble=False")
    calibrated = classifier.calibrated_classifiers_[0]
    sigmoid, svm = calibrated.calibrators[0], calibrated.estimator
    return -sigmoid.a_ * svm.coef_.T, -(sigmoid.a_ * svm.intercept_ + sigmoid.b_)


def _ngrams(block: Any, weights: Array) -> tuple[list[str], dict[str, Array], int]:  # noqa: ANN401
    vectorizer = block.vectorizer if isinstance(block, StrongestTerms) else block
    terms = list(vectorizer.get_feature_names_out())
    folded = {"weights": weights[: len(terms)]}
    if hasattr(vectorizer, "idf_"):
        folded["idf"] = vectorizer.idf_
    return terms, folded, len(terms)


def _valence(block: ValenceSums, weights: Array) -> tuple[list[str], dict[str, Array], int]:
    """The words of all lexicons, each with the sum of what the lexicons' columns give it: (words, 2, columns)."""
    lexicons = [lexicon(name) for name in block.block.lexicons]
    known = sorted(set().union(*lexicons))
    folded = np.zeros((len(known), 2, weights.shape[1]))
    for at, valences in enumerate(lexicons):
        for row, word in enumerate(known):
            valence = valences.get(word, 0.0)
            for negated in (0, 1):
                folded[row, negated] += block.block.scale * valence * weights[4 * at + 2 * negated + (valence < 0)]
    return known, {"weights": folded}, 4 * len(lexicons)
