"""Marking the words that drove the verdict."""

from hypothesis import given
from hypothesis import strategies as st
from lib_ml.text import spans
from review_app.domain.highlighting import Run, driving_words, highlight
from review_app.domain.verdict import Sentiment, Term

POSITIVE, NEGATIVE = Sentiment.POSITIVE, Sentiment.NEGATIVE
EXPLANATION = (Term("great", 2.0), Term("cold", -1.0), Term("the", 0.01), Term("(other)", 5.0), Term("(intercept)", -9))


def test_words_are_marked_as_typed_and_the_rest_stays_plain():
    assert highlight("GREAT, but cold!", EXPLANATION) == [
        Run("GREAT", POSITIVE, 3),
        Run(", but "),
        Run("cold", NEGATIVE, 2),
        Run("!"),
    ]


def test_a_weight_above_zero_speaks_for_positive():
    assert driving_words("cold but great", EXPLANATION, POSITIVE) == ["great"]
    assert driving_words("cold but great", EXPLANATION, NEGATIVE) == ["cold"]


def test_words_that_hardly_count_are_not_marked():
    assert highlight("the the", (Term("the", 0.01), Term("great", 9.0))) == [
        Run("the", POSITIVE, 3),
        Run(" "),
        Run("the", POSITIVE, 3),
    ]
    assert highlight("the great", EXPLANATION)[0] == Run("the ")


def test_the_intercept_and_the_cut_off_rest_are_no_words_of_the_text():
    assert highlight("other intercept", EXPLANATION) == [Run("other intercept")]


def test_driving_words_come_strongest_first_and_once():
    terms = (Term("good", 0.5), Term("great", 2.0))
    assert driving_words("good great good", terms, POSITIVE) == ["great", "good"]


@given(st.text(), st.floats(-5, 5))
def test_the_runs_joined_give_the_text_back_and_strengths_are_in_range(text, weight):
    terms = [Term(word, weight / (position + 1)) for position, (_, _, word) in enumerate(spans(text))]
    runs = highlight(text, terms)
    assert "".join(run.text for run in runs) == text
    assert all(run.strength in ({0} if run.sentiment is None else {1, 2, 3}) for run in runs)
    assert all(run.text for run in runs)
