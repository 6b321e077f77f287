from hypothesis import given
from hypothesis import strategies as st
from lib_ml.text import clean, find_words, spans, words


def test_letter_case_and_apostrophes_do_not_matter():
    assert clean("Don’t ASK") == "don't ask"
    assert clean("don´t") == clean("don‘t") == "don't"


def test_compatibility_forms_are_folded():
    assert clean("ﬁne ＧＯＯＤ") == "fine good"


def test_a_composed_and_a_decomposed_accent_are_the_same_word():
    assert clean("café") == clean("cafe\u0301")


def test_words_keep_inner_apostrophes_and_drop_punctuation():
    assert words("don't 'quote' me, o'clock!") == ["don't", "quote", "me", "o'clock"]


@given(st.text(st.characters(codec="ascii")) | st.text("ab_'. \n\x1c"))
def test_the_quick_way_through_ascii_finds_the_same_words(text):
    assert words(text) == find_words(text)


def test_spans_point_into_the_text_as_typed():
    text = "I didn’t LIKE it…"
    assert [(text[start:end], word) for start, end, word in spans(text)] == [
        ("I", "i"),
        ("didn’t", "didn't"),
        ("LIKE", "like"),
        ("it", "it"),
    ]


@given(st.text(alphabet=st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=200))
def test_spans_hold_the_words_the_model_sees(text):
    # Signs that NFKC opens (½, ª…) move word borders; spans promises nothing for those.
    plain = "".join(sign for sign in text if clean(sign) == sign.lower() and len(clean(sign)) == 1)
    assert [word for _, _, word in spans(plain)] == words(clean(plain))


@given(st.text())
def test_spans_of_any_text_are_in_order_and_inside_it(text):
    end_before = 0
    for start, end, _ in spans(text):
        assert end_before <= start < end <= len(text)
        end_before = end
