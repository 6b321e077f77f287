import pytest
from lib_ml.training import PipelineParams
from lib_ml.training.lexicons import LEXICONS, lexicon
from pydantic import ValidationError

LOGISTIC = {"kind": "logistic_regression"}


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"classifier": LOGISTIC}, "words, characters or valence"),
        ({"words": {"ngrams": [2, 1]}, "classifier": LOGISTIC}, "shortest, longest"),
        ({"words": {"tag_negation": True}, "classifier": LOGISTIC}, "negation_reach"),
        ({"words": {"n_grams": [1, 2]}, "classifier": LOGISTIC}, "n_grams"),
        ({"valence": {"lexicons": ["bing"]}, "classifier": LOGISTIC}, "choose among"),
        ({"valence": {"lexicons": ["afinn"]}, "classifier": {"kind": "multinomial_nb"}}, "negative"),
        ({"words": {}, "classifier": {"kind": "forest"}}, "forest"),
        ({"words": {}, "classifier": {**LOGISTIC, "C": 0}}, "C"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused_with_the_reason(section, complaint):
    with pytest.raises(ValidationError, match=complaint):
        PipelineParams.model_validate({"version": "v1", **section})


@pytest.mark.parametrize("name", LEXICONS)
def test_a_lexicon_tells_praise_from_blame(name):
    valences = lexicon(name)
    assert len(valences) > 1000
    assert valences["good"] > 0 > valences["bad"]
    assert all(word == word.lower() and " " not in word for word in valences)
