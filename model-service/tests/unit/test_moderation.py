"""The break-down of a text, and a model that fails."""

import math

import pytest
from lib_ml.scorer import Explained, Judged, Term
from model_service.domain import AnswerNotEncodable, ClassifierFailed, Model, classify, moderate
from small_models import SIGNS, make_moderator

THRESHOLDS = {"toxic": 0.9, "insult": 0.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(make_moderator(tmp_path_factory.mktemp("moderator"), thresholds=THRESHOLDS).scorer)


class Failing:
    """A scorer that raises, or whose answer holds no number."""

    def __init__(self, scorer, answer=None) -> None:
        self.manifest, self.sha256, self.labels, self._answer = scorer.manifest, scorer.sha256, scorer.labels, answer

    def explain(self, text):
        if self._answer is None:
            raise RuntimeError(text)
        return self._answer

    def judge(self, text):
        label, probability, labels, _, coverage = self.explain(text)
        return Judged(label, probability, labels, coverage)

    def probabilities(self, text):
        return tuple(self.explain(text).labels.values())


def test_every_label_has_its_probability_its_threshold_and_whether_it_is_reached(model):
    text = "The worst soup, and the staff!"
    moderation = moderate(classify(text, model), model)
    probabilities = dict(zip(SIGNS, model.scorer.probabilities(text), strict=True))
    thresholds = dict.fromkeys(SIGNS, 0.5) | THRESHOLDS
    assert moderation["labels"] == {
        label: {"probability": each, "threshold": thresholds[label], "flagged": each >= thresholds[label]}
        for label, each in probabilities.items()
    }
    assert moderation["flagged"] is True, "insult's threshold is 0"
    assert moderation["label"] == max(probabilities, key=probabilities.get)


def test_the_explanation_is_the_likeliest_label_s(model):
    moderation = moderate(classify("The worst soup, and the staff!", model), model)
    of_it = model.scorer.explain("The worst soup, and the staff!", of=moderation["label"]).explanation
    assert [(term["term"], term["weight"]) for term in moderation["explanation"]] == [tuple(term) for term in of_it]


def test_a_scorer_that_raises_is_a_failure_without_the_text(model):
    broken = Model(Failing(model.scorer))
    for ask in (broken.explain, broken.judge, broken.probabilities):
        with pytest.raises(ClassifierFailed) as failed:
            ask("a secret review")
        assert (str(failed.value), failed.value.model) == ("RuntimeError", model.sha256)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["label", "weight", "coverage"])
def test_an_answer_with_a_number_that_json_lacks_is_a_failure(model, number, place):
    labels = {"toxic": number if place == "label" else 0.5}
    terms = (Term("soup", number if place == "weight" else 0.5), Term("(intercept)", -number))
    terms = terms if place == "weight" else terms[:1]
    answer = Explained("toxic", 0.5, labels, terms, number if place == "coverage" else 0.5)
    broken = Model(Failing(model.scorer, answer))
    for ask in (broken.explain, broken.judge) if place != "weight" else (broken.explain,):
        with pytest.raises(AnswerNotEncodable):
            ask("soup")
