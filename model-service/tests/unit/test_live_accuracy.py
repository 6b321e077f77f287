from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_service.domain.live_accuracy import PredictionCounts, live_accuracy, window_start


def test_the_accuracy_is_the_confirmed_ones_share_of_those_confirmed_or_corrected():
    words = [("v1", "negative", "negative", 6), ("v1", "negative", "positive", 1), ("v1", "positive", "positive", 3)]
    live = live_accuracy({("v1", "negative"): 30, ("v1", "positive"): 10}, words)["v1"]
    assert live.accuracy == pytest.approx(0.9)
    assert live.corrected_share == pytest.approx(1 / 40)
    assert live.confusion["negative", "positive"] == 1
    assert live.predictions == {"negative": 30, "positive": 10}


def test_versions_are_told_apart_and_one_without_feedback_has_no_accuracy():
    figures = live_accuracy({("v1", "positive"): 3}, [("v2", "positive", "negative", 1)])
    assert (figures["v1"].accuracy, figures["v1"].corrected_share) == (None, 0)
    assert (figures["v2"].accuracy, figures["v2"].corrected_share) == (0, None)


def test_a_count_lost_with_a_killed_worker_makes_no_share_over_1():
    live = live_accuracy({("v1", "positive"): 1}, [("v1", "positive", "negative", 2)])["v1"]
    assert live.corrected_share == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), st.integers(1, 100)), min_size=1))
def test_the_figures_are_shares_whatever_was_said(said):
    words = [("v1", *each) for each in said]
    live = live_accuracy({("v1", "a"): 5}, words)["v1"]
    assert 0 <= live.accuracy <= 1
    assert 0 <= live.corrected_share <= 1
    assert live.confusion.total() == sum(count for *_, count in said)


def test_counts_are_taken_once_and_may_be_given_back():
    counts = PredictionCounts()
    counts.add("v1", "positive")
    counts.add("v1", "positive", 4)
    taken = counts.take()
    assert taken == {("v1", "positive"): 5}
    assert counts.take() == Counter()
    counts.add("v1", "positive")
    counts.give_back(taken)
    assert counts.take() == {("v1", "positive"): 6}


def test_the_window_begins_with_a_full_hour():
    assert window_start(100 * 3_600 + 1_234.5, 24 * 3_600) == 76 * 3_600
