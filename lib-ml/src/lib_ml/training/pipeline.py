"""From parameters to an unfitted sklearn pipeline over raw texts. Everything is fitted inside, so folds can't leak."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from lib_ml.manifest import Ngrams, ValenceFeatures, WordFeatures
from lib_ml.reading import read, word_discounts, word_terms
from lib_ml.text import clean
from lib_ml.training.lexicons import lexicon
from lib_ml.training.multilabel import Network, PerLabelRegression, StrongestTerms
from lib_ml.training.parameters import (
    CharacterParams,
    GaussianNaiveBayesParams,
    LinearSvmParams,
    LogisticRegressionParams,
    NetworkParams,
    PerLabelRegressionParams,
    PipelineParams,
    WordParams,
)

FEATURES, CLASSIFIER = "features", "classifier"
# Valence columns of one lexicon, in this order.
POSITIVE, NEGATIVE, POSITIVE_NEGATED, NEGATIVE_NEGATED = range(4)


def build_pipeline(params: PipelineParams, *, seed: int = 0) -> Pipeline:
    """A pipeline from raw texts to probabilities, as `params` says."""
    blocks: list[tuple[str, Any]] = []
    if params.words:
        analyzer = partial(terms_of_words, block=params.words, negation_reach=params.negation_reach)
        blocks.append(("words", _vectorizer(params.words, analyzer=analyzer)))
    if params.characters:
        spelled = {"analyzer": "char_wb", "ngram_range": params.characters.ngrams}
        cleaned = {"preprocessor": clean, "lowercase": False}
        blocks.append(("characters", _vectorizer(params.characters, **spelled, **cleaned)))
    if params.valence:
        blocks.append(("valence", ValenceSums(params.valence, params.negation_reach)))
    steps: list[tuple[str, Any]] = [(FEATURES, FeatureUnion(blocks))]
    if isinstance(params.classifier, GaussianNaiveBayesParams):
        steps.append(("dense", FunctionTransformer(csr_matrix.toarray, accept_sparse=True)))
    return Pipeline([*steps, (CLASSIFIER, _classifier(params, seed))])


def terms_of_words(text: str, *, block: WordFeatures, negation_reach: int) -> list[str]:
    """The analyser of the words block; a plain function, so that a fitted pipeline can be sent to other processes."""
    return word_terms(read(text, negation_reach), block)


class ValenceSums(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to valence sums: for each lexicon the four columns named at the top of this module."""

    def __init__(self, block: ValenceFeatures, negation_reach: int) -> None:
        self.block = block
        self.negation_reach = negation_reach

    def fit(self, texts: Sequence[str], labels: object = None) -> Self:  # noqa: ARG002 - sklearn's signature
        """There is nothing to learn: the lexicons are given."""
        self.n_features_out_ = 4 * len(self.block.lexicons)
        return self

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Shape (n_texts, 4 * n_lexicons)."""
        return csr_matrix(np.array([self._sums(text) for text in texts]).reshape(len(texts), -1))

    def _sums(self, text: str) -> list[float]:
        reading = read(text, self.negation_reach)
        factors = word_discounts(reading, self.block)
        sums = [0.0] * (4 * len(self.block.lexicons))
        for at, name in enumerate(self.block.lexicons):
            valences = lexicon(name)
            for word, negated, factor in zip(reading.words, reading.negated, factors, strict=True):
                valence = valences.get(word, 0.0)
                sums[4 * at + 2 * negated + (valence < 0)] += factor * self.block.scale * valence
        return sums


def _vectorizer(block: WordParams | CharacterParams, **how: Any) -> Any:  # noqa: ANN401 - sklearn's own options
    vectorizer = _counting(block, min_df=block.min_count, **how)
    return vectorizer if block.max_terms is None else StrongestTerms(vectorizer, block.max_terms)


def _counting(block: Ngrams, **how: Any) -> CountVectorizer:  # noqa: ANN401
    if block.weighting == "tfidf":
        return TfidfVectorizer(sublinear_tf=block.sublinear, **how)
    return SublinearCountVectorizer(**how) if block.sublinear else CountVectorizer(**how)


class SublinearCountVectorizer(CountVectorizer):  # type: ignore[misc]
    """Counts as 1 + ln(count), which sklearn offers only together with idf."""

    def fit_transform(self, texts: Sequence[str], labels: object = None) -> csr_matrix:
        return _dampened(super().fit_transform(texts, labels))

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        return _dampened(super().transform(texts))


def _dampened(counts: csr_matrix) -> csr_matrix:
    dampened = counts.astype(np.float64)
    dampened.data = 1 + np.log(dampened.data)
    return dampened


def _classifier(params: PipelineParams, seed: int) -> Any:  # noqa: ANN401 - sklearn is untyped
    chosen = params.classifier
    if isinstance(chosen, LogisticRegressionParams):
        return LogisticRegression(C=chosen.C, max_iter=chosen.max_iter, random_state=seed)
    if isinstance(chosen, LinearSvmParams):
        svm = LinearSVC(C=chosen.C, max_iter=chosen.max_iter, random_state=seed)
        # ensemble=False: one SVM on all rows and one sigmoid, which can be folded; the mean of several can't.
        return CalibratedClassifierCV(svm, method="sigmoid", cv=chosen.folds, ensemble=False)
    if isinstance(chosen, GaussianNaiveBayesParams):
        return GaussianNB(var_smoothing=chosen.var_smoothing)
    if isinstance(chosen, PerLabelRegressionParams):
        return PerLabelRegression(**chosen.model_dump(exclude={"kind"}), random_state=seed)
    if isinstance(chosen, NetworkParams):
        return Network(**chosen.model_dump(exclude={"kind"}), random_state=seed)
    return {"multinomial_nb": MultinomialNB, "complement_nb": ComplementNB}[chosen.kind](alpha=chosen.alpha)
