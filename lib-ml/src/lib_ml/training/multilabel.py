"""Classifiers of several labels at once, each label a yes or no of its own, that fold into a bundle."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import normalize

from lib_ml.bundle import Array

SMOOTHING = 1.0  # a text more on either side of a log-count ratio, as Wang and Manning have it


class PerLabelRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A logistic regression for each label.

    `log_count_ratio`: each feature is first scaled by how much likelier a text with the label holds it, so that the
    penalty spares what naive Bayes would weigh. The scale folds into the weights.
    Source: Wang and Manning (2012), Baselines and bigrams, ACL (NB-SVM).
    """

    def __init__(
        self,
        C: float = 1.0,  # noqa: N803 - sklearn's name
        *,
        log_count_ratio: bool = False,
        max_iter: int = 1000,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.log_count_ratio = log_count_ratio
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, features: csr_matrix, labels: Array) -> Self:
        """`labels`: 0 or 1, shape (n_texts, n_labels)."""
        weights, intercepts = zip(*[self._column(features, column) for column in np.asarray(labels).T], strict=True)
        self.coef_, self.intercept_ = np.array(weights), np.array(intercepts)
        return self

    def decision_function(self, features: csr_matrix) -> Array:
        """Log-odds, shape (n_texts, n_labels)."""
        return np.asarray(features @ self.coef_.T + self.intercept_)

    def predict_proba(self, features: csr_matrix) -> Array:
        return np.asarray(expit(self.decision_function(features)))

    def _column(self, features: csr_matrix, labels: Array) -> tuple[Array, float]:
        scale = log_count_ratio(features, labels) if self.log_count_ratio else np.ones(features.shape[1])
        # liblinear: exact, deterministic, and by far the quickest here.
        regression = LogisticRegression(
            C=self.C, max_iter=self.max_iter, solver="liblinear", random_state=self.random_state
        )
        regression.fit(features @ diags(scale), labels)
        return regression.coef_[0] * scale, float(regression.intercept_[0])


class Network(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One hidden layer of rectified linear units that all labels share; fitted by sklearn with Adam."""

    def __init__(
        self,
        hidden: int = 16,
        *,
        alpha: float = 1e-4,
        learning_rate: float = 1e-3,
        epochs: int = 5,
        batch: int = 200,
        random_state: int = 0,
    ) -> None:
        self.hidden = hidden
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch = batch
        self.random_state = random_state

    def fit(self, features: csr_matrix, labels: Array) -> Self:
        """`labels`: 0 or 1, shape (n_texts, n_labels)."""
        fitted = MLPClassifier(
            (self.hidden,),
            alpha=self.alpha,
            batch_size=min(self.batch, features.shape[0]),
            learning_rate_init=self.learning_rate,
            max_iter=self.epochs,
            random_state=self.random_state,
            # Passes over the data are limited on purpose, so that sklearn should not call for more.
            n_iter_no_change=self.epochs + 1,
        )
        for _ in range(self.epochs):
            fitted.partial_fit(features, np.asarray(labels), classes=np.arange(np.shape(labels)[1]))
        self.fitted_ = fitted
        self.coefs_, self.intercepts_ = fitted.coefs_, fitted.intercepts_
        return self

    def decision_function(self, features: csr_matrix) -> Array:
        """Log-odds, shape (n_texts, n_labels)."""
        units = np.maximum(features @ self.coefs_[0] + self.intercepts_[0], 0.0)
        return np.asarray(units @ self.coefs_[1] + self.intercepts_[1])

    def predict_proba(self, features: csr_matrix) -> Array:
        return np.asarray(self.fitted_.predict_proba(features))


class Calibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose log-odds f become slope * f + offset, a pair for each label: Platt's sigmoid."""

    def __init__(self, classifier: Any, slope: Array, offset: Array) -> None:  # noqa: ANN401 - sklearn is untyped
        self.classifier = classifier
        self.slope = slope
        self.offset = offset

    def fit(self, features: csr_matrix, labels: Array) -> Self:  # noqa: ARG002 - sklearn's signature
        """There is nothing to learn here: slope and offset come from texts that the classifier has not seen."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, features: csr_matrix) -> Array:
        return np.asarray(self.classifier.decision_function(features) * self.slope + self.offset)

    def predict_proba(self, features: csr_matrix) -> Array:
        return np.asarray(expit(self.decision_function(features)))


def calibrated(pipeline: Pipeline, slope: Array, offset: Array) -> Pipeline:
    """The fitted pipeline with its last step calibrated; the given one stays as it is."""
    name, classifier = pipeline.steps[-1]
    return Pipeline([*pipeline.steps[:-1], (name, Calibrated(classifier, slope, offset))])


class StrongestTerms(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A vectoriser that keeps the `most` terms which weigh most in a model of the training texts.

    The weight is that of `PerLabelRegression` over all terms, squared and summed over the labels. What is kept is
    weighed anew, and scaled anew to unit length where the vectoriser does that.
    """

    def __init__(self, vectorizer: Any, most: int) -> None:  # noqa: ANN401
        self.vectorizer = vectorizer
        self.most = most

    def fit(self, texts: Sequence[str], labels: Array) -> Self:
        self.fit_transform(texts, labels)
        return self

    def fit_transform(self, texts: Sequence[str], labels: Array) -> csr_matrix:
        """`labels`: 0 or 1, shape (n_texts,) or (n_texts, n_labels)."""
        features = self.vectorizer.fit_transform(texts)
        if features.shape[1] <= self.most:
            return features
        columns = np.asarray(labels).reshape(len(labels), -1)
        weights = PerLabelRegression(log_count_ratio=True).fit(features, columns).coef_
        kept = np.sort(np.argsort(-(weights**2).sum(axis=0), kind="stable")[: self.most])
        self._keep(kept)
        chosen = features[:, kept]
        return normalize(chosen) if hasattr(self.vectorizer, "idf_") else chosen

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        return self.vectorizer.transform(texts)

    def get_feature_names_out(self, input_features: object = None) -> Any:  # noqa: ANN401, ARG002 - sklearn's
        return self.vectorizer.get_feature_names_out()

    def _keep(self, kept: NDArray[np.intp]) -> None:
        """A vectoriser of the kept terms alone, with the weights that they have, in the place of the fitted one."""
        fitted = self.vectorizer
        terms = fitted.get_feature_names_out()[kept]
        self.vectorizer = clone(fitted).set_params(vocabulary={term: column for column, term in enumerate(terms)})
        if hasattr(fitted, "idf_"):
            self.vectorizer.idf_ = fitted.idf_[kept]


def log_count_ratio(features: csr_matrix, labels: Array) -> Array:
    """For each feature the log of how much likelier a text with the label holds it, shape (n_features,)."""
    held = features.copy()
    held.data = np.ones_like(held.data)
    with_label = np.asarray(labels) == 1
    inside = np.asarray(held[with_label].sum(axis=0)).ravel() + SMOOTHING
    outside = np.asarray(held[~with_label].sum(axis=0)).ravel() + SMOOTHING
    ratio = np.log(inside / (with_label.sum() + SMOOTHING)) - np.log(outside / ((~with_label).sum() + SMOOTHING))
    return np.asarray(ratio)
