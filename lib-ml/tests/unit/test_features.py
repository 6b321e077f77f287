from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lib_ml.features import NEGATORS, character_ngrams, discounts, negation, stop_words, tagged, word_ngrams
from lib_ml.text import clean
from sklearn.feature_extraction.text import CountVectorizer


def negated_words(text: str, reach: int = 3) -> list[str]:
    found, inside = negation(clean(text), reach)
    return [word for word, flag in zip(found, inside, strict=True) if flag]


def test_a_negator_marks_the_next_three_words():
    assert negated_words("not a very good place at all") == ["a", "very", "good"]


def test_a_contraction_negates():
    assert negated_words("It isn’t good") == ["good"]
    assert negated_words("dont bother") == ["bother"]


@pytest.mark.parametrize("end", list(".,!?;:()—\n"))
def test_punctuation_ends_a_negation(end):
    assert negated_words(f"not{end} good") == []


def test_a_second_negator_starts_anew():
    assert negated_words("not never one two three four") == ["never", "one", "two", "three"]


def test_a_tag_can_not_be_typed():
    assert tagged(["good"], [True]) == ["not:good"]
    assert "not:good" not in negation(clean("not:good not_good"), 3)[0]


def test_words_before_a_but_are_taken_back():
    assert discounts("nice room but cold soup".split(), 0.6) == [0.6, 0.6, 1, 1, 1]
    assert discounts(["nice"], 0.6) == [1]


def test_stop_words_hold_no_negator():
    assert len(stop_words()) > 100
    assert not stop_words() & NEGATORS
    assert "but" not in stop_words()


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12), st.integers(1, 4), st.integers(0, 3))
def test_word_ngrams_are_those_of_sklearn(tokens, low, more):
    vectorizer = CountVectorizer(
        tokenizer=str.split, token_pattern=None, lowercase=False, ngram_range=(low, low + more)
    )
    assert Counter(word_ngrams(tokens, low, low + more)) == Counter(vectorizer.build_analyzer()(" ".join(tokens)))


@given(st.text(), st.integers(1, 4), st.integers(0, 4))
def test_character_ngrams_are_those_of_sklearn(text, low, more):
    analyzer = CountVectorizer(analyzer="char_wb", ngram_range=(low, low + more), lowercase=False).build_analyzer()
    ours = [gram for chunk in text.split() for gram in character_ngrams(chunk, low, low + more)]
    assert Counter(ours) == Counter(analyzer(text))
