"""Figures in words."""

import pytest
from review_app.domain.coverage import coverage_in_words, little_known
from review_app.http.rendering import percent


@pytest.mark.parametrize(
    ("text", "coverage", "words"),
    [
        ("a b c d", 0.75, "The model knows 3 of your 4 words."),
        ("a b c d", 1.0, "The model knows all of your 4 words."),
        ("a b c d", 0.0, "The model knows none of your 4 words."),
        ("good", 1.0, "The model knows your one word."),
        ("good", 0.0, "The model does not know your one word."),
        ("a b c d", 0.6, "The model knows 60% of your words."),
        ("!!!", 0.0, "There are no words in your text that the model could know."),
    ],
)
def test_coverage_is_told_in_words(text, coverage, words):
    assert coverage_in_words(text, coverage) == words


def test_a_verdict_on_few_known_words_deserves_a_warning():
    assert little_known(0.49)
    assert not little_known(0.5)


@pytest.mark.parametrize(("share", "whole"), [(0, 0), (1, 100), (0.9999, 99), (0.0001, 1), (0.505, 51), (0.5, 50)])
def test_only_a_certainty_is_called_0_or_100_percent(share, whole):
    assert percent(share) == whole
