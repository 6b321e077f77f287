"""The second model compares, and changes nothing."""

import pytest
from model_service.domain import ActiveModel, Model, classify
from model_service.domain.shadow import WAITING, Shadow
from small_models import ANSWERS, TEXTS, make_bundle

VERDICT = {"label": "positive", "probability": 0.9}


class Heard:
    def __init__(self) -> None:
        self.compared_, self.reasons = [], []

    def compared(self, model, shadow, difference, *, agree):
        self.compared_.append((model.version, shadow.version, difference, agree))

    def left_out(self, reason):
        self.reasons.append(reason)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One, and one that was taught the contrary."""
    folder = tmp_path_factory.mktemp("models")
    contrary = make_bundle(folder / "contrary", version="v2", answers=[1 - answer for answer in ANSWERS])
    return Model(make_bundle(folder / "first").scorer), Model(contrary.scorer)


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def slot():
    return ActiveModel("sentiment/v2", required=False)


@pytest.fixture
def shadow(slot, heard):
    return Shadow(classify, slot, heard)


def score_all(shadow):
    while shadow.score_next():
        pass


def test_every_answer_is_compared_after_it_was_given(shadow, slot, heard, models):
    first, contrary = models
    slot.swap(contrary, 0.0)
    verdicts = [shadow.classify(text, first) for text in TEXTS]
    assert not heard.compared_
    score_all(shadow)
    assert [seen[:2] for seen in heard.compared_] == [("v1", "v2")] * len(TEXTS)
    assert not any(agree for *_, agree in heard.compared_)
    expected = [
        abs(verdict["probability"] - contrary.scorer.explain(text).labels[verdict["label"]])
        for text, verdict in zip(TEXTS, verdicts, strict=True)
    ]
    assert [difference for _, _, difference, _ in heard.compared_] == pytest.approx(expected)


def test_a_shadow_that_is_the_model_itself_agrees(shadow, slot, heard, models):
    slot.swap(models[0], 0.0)
    for text in TEXTS:
        shadow.classify(text, models[0])
    score_all(shadow)
    assert all(agree and difference < 1e-12 for _, _, difference, agree in heard.compared_)


def test_without_a_second_model_nothing_waits(shadow, heard, models):
    shadow.classify(TEXTS[0], models[0])
    assert not shadow.score_next()
    assert not heard.reasons


def test_a_shadow_of_other_labels_is_not_compared(slot, models, tmp_path, shadow):
    other = make_bundle(tmp_path, labels=("bland", "tasty"))
    slot.swap(Model(other.scorer), 0.0)
    shadow.classify(TEXTS[0], models[0])
    assert not shadow.score_next()


def test_what_does_not_fit_is_left_out_and_counted(slot, heard, models):
    slot.swap(models[1], 0.0)
    shadow = Shadow(lambda *_, **__: dict(VERDICT), slot, heard)
    for _ in range(WAITING + 3):
        assert shadow.classify("great food", models[0]) == VERDICT
    assert heard.reasons == ["full"] * 3
    score_all(shadow)
    assert len(heard.compared_) == WAITING


def test_a_second_model_that_fails_is_counted_and_the_next_text_scored(shadow, slot, heard, models, tmp_path):
    broken = Model(make_bundle(tmp_path).scorer)
    broken.scorer.probabilities = lambda _: 1 / 0
    slot.swap(broken, 0.0)
    for text in TEXTS[:2]:
        assert shadow.classify(text, models[0])["label"]
    score_all(shadow)
    assert heard.reasons == ["failed"] * 2
