"""What a kept verdict says of the text that it is given to."""

import gc
import random
from math import fsum, log

import pytest
from altered_texts import altered, reviews
from model_service.domain import Model, Verdict, classify
from model_service.domain.near_duplicates import LIGHT
from model_service.domain.verdict_cache import CachedVerdicts, standing
from small_models import TEXTS, make_bundle

TEXT = "Great food, great prices, great mood"
PROBABILITY_CHANGE = LIGHT / 4  # the logistic function rises by at most a quarter


class Heard:
    def __init__(self) -> None:
        self.results, self.entries = [], {}

    def looked_up(self, model, result, seconds):
        assert 0 < seconds < 60
        self.results.append((model.version, result))

    def kept(self, name, version, entries):
        self.entries[name, version] = entries


@pytest.fixture(scope="module", params=["v1", "v2"])
def scorer(request, tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"), request.param).scorer


@pytest.fixture
def model(scorer):
    return Model(scorer)


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def cached(heard, model):
    made = CachedVerdicts(classify, heard, always=True, entries=1_000, max_distance=0.1)
    made.prepare(model)
    return made


def test_a_text_that_comes_again_gets_the_same_verdict(cached, model, heard):
    first, again = cached.classify(TEXT, model), cached.classify(TEXT.upper(), model)
    assert "cached" not in first
    assert again.pop("cached") == {"distance": 0.0}
    assert again == first
    assert [result for _, result in heard.results] == ["miss", "exact"]


def test_a_near_duplicate_says_how_near_it_is(cached, model, heard):
    cached.classify(TEXT, model)
    near = cached.classify(TEXT + ".", model)
    assert near["cached"] == {"distance": pytest.approx(1 / 37)}
    assert heard.results[-1][1] == "near"


def test_a_text_under_20_characters_is_neither_kept_nor_looked_up(cached, model, heard):
    for _ in range(2):
        assert "cached" not in cached.classify("great food and mood", model)
    assert not heard.results


def test_verdicts_without_explanation_are_neither_kept_nor_looked_up(cached, model, heard):
    assert cached.classify(TEXT, model, explain=False) == classify(TEXT, model, explain=False)
    assert not heard.results
    cached.classify(TEXT, model)
    assert "cached" not in cached.classify(TEXT, model, explain=False)


def test_no_word_of_the_other_text_goes_out_and_the_reasons_still_sum_up(cached, model):
    draw = random.Random(7)
    texts = reviews(draw, 300)
    for text in texts:
        cached.classify(text, model)
    near = 0
    for _ in range(3_000):
        asked = altered(draw, draw.choice(texts))
        verdict = cached.classify(asked, model) if len(asked) >= 20 else {}
        if not verdict.get("cached", {}).get("distance"):
            continue
        near += 1
        for term, weight in ((part["term"], part["weight"]) for part in verdict["explanation"]):
            assert term in asked.lower() or term in {"(other)", "(intercept)"}
            assert isinstance(weight, float)
        positive = verdict["labels"]["positive"]
        log_odds = log(positive / (1 - positive))
        assert fsum(part["weight"] for part in verdict["explanation"]) == pytest.approx(log_odds, abs=1e-6)
    assert near > 50


def test_a_kept_verdict_is_never_another_than_the_text_itself_would_get(cached, model):
    draw = random.Random(11)
    texts = reviews(draw, 300)
    for text in texts:
        cached.classify(text, model)
    furthest = near = 0
    for _ in range(10_000):
        asked = altered(draw, draw.choice(texts))
        verdict = cached.classify(asked, model)
        own = classify(asked, model)
        assert verdict["label"] == own["label"], verdict.get("cached")
        near += "cached" in verdict
        furthest = max(furthest, abs(verdict["labels"]["positive"] - own["labels"]["positive"]))
    assert near > 1_000
    assert furthest <= PROBABILITY_CHANGE


def test_each_model_has_a_memory_of_its_own_that_goes_with_it(cached, heard, tmp_path):
    successor = Model(make_bundle(tmp_path, "v1", version="v9").scorer)
    cached.prepare(successor)
    cached.classify(TEXT, successor)
    assert heard.entries["sentiment", "v9"] == 1
    other = Model(
        make_bundle(tmp_path / "other", "v1", version="v10", texts=TEXTS[5:35], answers=[1] * 15 + [0] * 15).scorer
    )
    cached.prepare(other)
    assert "cached" not in cached.classify(TEXT, other)
    del successor
    gc.collect()
    assert heard.entries["sentiment", "v9"] == 0


def test_auto_keeps_verdicts_of_a_model_much_dearer_than_a_look_up_alone(heard, tmp_path):
    def slowly(text, model, *, explain=True) -> Verdict:
        for _ in range(40):
            model.scorer.explain(text)
        return classify(text, model, explain=explain)

    model = Model(make_bundle(tmp_path).scorer)
    for plainly, kept in ((classify, False), (slowly, True)):
        cached = CachedVerdicts(plainly, heard, always=False, entries=10, max_distance=0.1)
        cached.prepare(model)
        verdicts = [cached.classify(TEXT, model) for _ in range(2)]
        assert ("cached" in verdicts[1]) == kept


def test_a_model_that_was_not_prepared_just_answers(heard, model):
    cached = CachedVerdicts(classify, heard, always=True, entries=10, max_distance=0.1)
    assert "cached" not in [cached.classify(TEXT, model) for _ in range(2)][1]


@pytest.mark.parametrize(
    ("probabilities", "thresholds", "expected"),
    [
        ({"no": 0.5, "yes": 0.5}, (0.5, 0.5), 0.0),
        ({"no": 1.0, "yes": 0.0}, (0.5, 0.5), 36.7),
        ({"toxic": 0.5, "threat": 0.01, "insult": 0.02}, (0.9, 0.5, 0.5), 1.95),  # insult is next to toxic: 3.9 / 2
        ({"toxic": 0.8, "threat": 0.01, "insult": 0.02}, (0.8, 0.5, 0.5), 0.0),
    ],
)
def test_the_lead_is_what_may_move_before_a_flag_or_the_likeliest_label_changes(probabilities, thresholds, expected):
    assert standing({"labels": probabilities}, thresholds).lead == pytest.approx(expected, abs=0.05)
