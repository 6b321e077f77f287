"""A review's text and its correction."""

import pytest
from review_app.domain.desk import REVIEW_ID
from review_app.domain.review import ReviewRefused, review_text


def test_a_text_over_the_limit_is_refused_and_names_the_limit():
    with pytest.raises(ReviewRefused, match="at most 5 characters"):
        review_text("123456", 5)


@pytest.mark.parametrize("text", ["", " ", "\r\n\t ", "\u3000"])
def test_a_blank_text_is_refused(text):
    with pytest.raises(ReviewRefused, match="empty"):
        review_text(text, 5)


def test_a_nul_is_refused():
    with pytest.raises(ReviewRefused, match="NUL"):
        review_text("a\0b", 5)


def test_a_browsers_line_end_counts_as_one_character():
    assert review_text("ab\r\ncd", 5) == "ab\ncd"


def test_an_emoji_counts_as_one_character():
    assert review_text("😀" * 5, 5) == "😀" * 5


def test_an_id_is_128_bits_in_hexadecimal():
    assert REVIEW_ID.fullmatch("0123456789abcdef" * 2)
    assert not REVIEW_ID.fullmatch("0123456789ABCDEF" * 2)
