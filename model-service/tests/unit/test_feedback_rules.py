import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_service.domain import (
    ActiveModel,
    LabelUnknown,
    Model,
    NoModel,
    OfAnotherTask,
    PredictionIds,
    PredictionUnknown,
    TooLate,
    judge_feedback,
)
from model_service.domain.prediction_id import MODERATION

IDS = PredictionIds(b"k" * 32)


@pytest.fixture
def first(bundles):
    return Model(Scorer(load_bundle(bundles["first"])))


@pytest.fixture
def second(bundles):
    return Model(Scorer(load_bundle(bundles["second"])))


@pytest.fixture
def active(first):
    active = ActiveModel("sentiment/v1")
    active.swap(first, 1.0)
    return active


def test_feedback_names_what_was_predicted_when_and_by_which_model(active, first):
    feedback = judge_feedback(IDS.issue(first.id_bytes, 1, 5.0), "negative", IDS, active, 9.0, longest_s=10.0)
    assert (feedback.label, feedback.predicted_label) == ("negative", "positive")
    assert (feedback.model, feedback.model_version) == (first.sha256[:16], "v1")
    assert (feedback.predicted_at_s, feedback.given_at_s) == (5.0, 9.0)


def test_null_withdraws(active, first):
    assert judge_feedback(IDS.issue(first.id_bytes, 0, 5.0), None, IDS, active, 9.0, longest_s=10.0).label is None


def test_a_forged_id_is_unknown(active, first):
    with pytest.raises(PredictionUnknown):
        judge_feedback(PredictionIds(b"x" * 32).issue(first.id_bytes, 1, 5.0), None, IDS, active, 9.0, longest_s=10.0)


def test_a_label_index_that_no_model_has_is_unknown(active, first):
    with pytest.raises(PredictionUnknown):
        judge_feedback(IDS.issue(first.id_bytes, 7, 5.0), None, IDS, active, 9.0, longest_s=10.0)


def test_a_label_that_the_model_does_not_have_is_refused(active, first):
    with pytest.raises(LabelUnknown) as refused:
        judge_feedback(IDS.issue(first.id_bytes, 1, 5.0), "splendid", IDS, active, 9.0, longest_s=10.0)
    assert refused.value.labels == ("negative", "positive")


def test_a_model_that_was_replaced_is_still_known_by_its_version(active, first, second):
    active.swap(second, 1.0)
    assert (
        judge_feedback(IDS.issue(first.id_bytes, 1, 5.0), None, IDS, active, 9.0, longest_s=10.0).model_version == "v1"
    )


def test_a_model_that_this_process_never_ran_counts_as_other(active):
    assert (
        judge_feedback(IDS.issue(b"12345678", 1, 5.0), None, IDS, active, 9.0, longest_s=10.0).model_version == "other"
    )


def test_without_a_model_nothing_can_be_judged():
    with pytest.raises(NoModel):
        judge_feedback(IDS.issue(b"12345678", 1, 5.0), None, IDS, ActiveModel("sentiment/v1"), 9.0, longest_s=10.0)


def test_only_so_many_replaced_models_are_remembered(active, first, second):
    for number in range(150):
        second.id_bytes = number.to_bytes(8, "big")
        active.swap(second, 1.0)
    assert active.labels_of((149).to_bytes(8, "big").hex()).version == "v1"
    assert active.labels_of(first.id_bytes.hex()).version == "other"


def test_feedback_is_taken_for_a_time_and_then_says_how_late_it_is(active, first):
    prediction_id = IDS.issue(first.id_bytes, 1, 5.0)
    assert judge_feedback(prediction_id, None, IDS, active, 15.0, longest_s=10.0).given_at_s == 15.0
    with pytest.raises(TooLate) as late:
        judge_feedback(prediction_id, None, IDS, active, 16.0, longest_s=10.0)
    assert (late.value.age_s, late.value.limit_s) == (11.0, 10.0)


def test_a_prediction_by_a_clock_that_is_ahead_takes_feedback(active, first):
    assert judge_feedback(IDS.issue(first.id_bytes, 1, 50.0), None, IDS, active, 9.0, longest_s=10.0).label is None


@pytest.mark.parametrize("model", [b"12345678", None], ids=["a model never met here", "the primary's own"])
def test_a_verdict_of_moderation_takes_no_single_label_whatever_is_loaded(active, first, model):
    prediction_id = IDS.issue(model or first.id_bytes, 1, 5.0, MODERATION)
    with pytest.raises(OfAnotherTask):
        judge_feedback(prediction_id, "positive", IDS, active, 9.0, longest_s=10.0)
