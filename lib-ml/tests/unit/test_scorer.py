import math
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lib_ml.blocks import Words
from lib_ml.bundle import load_bundle
from lib_ml.matrix import MatrixScorer
from lib_ml.scorer import INTERCEPT, OTHER, GoldenMismatch, Scorer
from lib_ml.training import CannotFold, PipelineParams, build_pipeline, compile_bundle
from lib_ml.training.pipeline import CLASSIFIER, FEATURES
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from small_models import DATA, MODELS, TEXTS, params_of

TOLERANCE = 1e-12
ODD_TEXTS = [
    "",
    " \t\n ",
    "\x00",
    "good\x00food",
    "😋🍕👨‍👩‍👧 not 🙂",
    "e\u0301a\u0308 Z\u0351\u036b\u0343",
    "İSTANBUL ıI iİ",
    "\u202eruoy ti ekil I\u202c שלום مرحبا",
    "but but but not not not good",
    "¬not:good not_good __",
    "\ufdfa ½ ﬀ ª",
    "a" * 30_000,
    "not good, " * 3_000,
]
# Words that the models know, so that generated texts meet every path and not only the unknown.
SPOKEN = st.lists(st.sampled_from("not good bad but , . never soup wasn't the waiter 😋 GREAT".split())).map(" ".join)
# Emoji with joiners, combining marks, Turkish i's, both directions, NUL, signs that NFKC opens, every apostrophe.
ODD_SIGNS = "😋👩\u200d🍳\u0301\u0308\u0363İıiIſß\u202e\u202c\u200fשלוםمرحبا\0\u200b\ufdfa½ﬁª'’ʼ´.,!?— \n\tabGOOD"
ODD = st.text(ODD_SIGNS, max_size=200)
ANY_TEXT = st.one_of(st.text(max_size=400), ODD, SPOKEN)
THIRTY_KB = (
    st.one_of(st.text(min_size=1, max_size=30), ODD, SPOKEN).filter(bool).map(lambda text: (text * 30_000)[:30_000])
)
LENIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@cache
def matrix_of(folder: Path) -> MatrixScorer:
    return MatrixScorer(load_bundle(folder))


@pytest.mark.parametrize("name", MODELS)
def test_the_scorer_equals_sklearn_on_odd_texts(trained, name):
    model = trained(name)
    expected = model.pipeline.predict_proba(ODD_TEXTS)
    for text, row in zip(ODD_TEXTS, expected, strict=True):
        assert model.scorer.probabilities(text) == pytest.approx(row, abs=TOLERANCE, rel=0)
    assert model.scorer.probabilities_of_many(ODD_TEXTS) == pytest.approx(expected, abs=TOLERANCE, rel=0)
    assert matrix_of(model.folder).probabilities(ODD_TEXTS) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
@LENIENT
@given(text=ANY_TEXT)
def test_the_scorer_equals_sklearn_on_any_text(trained, name, text):
    model = trained(name)
    expected = model.pipeline.predict_proba([text])
    assert model.scorer.probabilities(text) == pytest.approx(expected[0], abs=TOLERANCE, rel=0)
    assert matrix_of(model.folder).probabilities([text]) == pytest.approx(expected, abs=TOLERANCE, rel=0)


def test_the_golden_texts_prove_the_explanation_too(trained, monkeypatch):
    """A service answers with `explain`; a model whose explanation is off must not be called ready."""
    scorer = Scorer(load_bundle(trained("v2").folder))
    scorer.check_golden()
    monkeypatch.setattr(Words, "attribute", lambda *_: {})
    assert scorer.probabilities("good soup") == trained("v2").scorer.probabilities("good soup")
    with pytest.raises(GoldenMismatch):
        scorer.check_golden()


@pytest.mark.parametrize("name", MODELS)
@settings(LENIENT, max_examples=5)
@given(text=THIRTY_KB)
def test_the_scorer_equals_sklearn_on_thirty_kilobytes_of_anything(trained, name, text):
    model = trained(name)
    expected = model.pipeline.predict_proba([text])[0]
    assert model.scorer.probabilities(text) == pytest.approx(expected, abs=TOLERANCE, rel=0)


@pytest.mark.parametrize("name", MODELS)
@LENIENT
@given(text=ANY_TEXT)
def test_an_explanation_sums_to_the_log_odds(trained, name, text):
    model = trained(name)
    explained = model.scorer.explain(text, limit=3)
    margin = sum(term.weight for term in explained.explanation)
    expected = model.pipeline.predict_proba([text])[0, 1]
    assert 1 / (1 + math.exp(-margin)) == pytest.approx(expected, abs=TOLERANCE)
    assert explained.explanation[-1].term == INTERCEPT
    assert 0 <= explained.coverage <= 1


@pytest.mark.parametrize("name", MODELS)
def test_a_verdict_without_reasons_is_that_with_reasons(trained, name):
    scorer = trained(name).scorer
    for text in ODD_TEXTS:
        judged, explained = scorer.judge(text), scorer.explain(text)
        assert judged.labels == pytest.approx(explained.labels, abs=TOLERANCE, rel=0)
        assert (judged.probability, judged.coverage) == (judged.labels[judged.label], explained.coverage)
        assert tuple(judged.labels.values()) == scorer.probabilities(text)


def test_an_explanation_of_the_other_label_is_the_opposite(trained):
    scorer = trained("v2").scorer
    text = "the soup was not good but the waiter smiled"
    for_positive = dict(scorer.explain(text).explanation)
    for_negative = dict(scorer.explain(text, of="negative").explanation)
    assert for_negative == pytest.approx({term: -weight for term, weight in for_positive.items()})


def test_terms_are_words_and_those_left_out_are_summed(trained):
    explained = trained("v2").scorer.explain(TEXTS[0], limit=2)
    assert [term.term for term in explained.explanation][2:] == [OTHER, INTERCEPT]
    assert {term.term for term in explained.explanation[:2]} < set("lovely soup and the kindest waiter in town".split())


def test_a_word_that_weighs_nothing_is_no_reason(trained):
    terms = [term.term for term in trained("v1").scorer.explain("lovely xyzzy").explanation]
    assert terms == ["lovely", INTERCEPT]


def test_a_smiley_is_a_term_of_its_own(trained):
    assert ":)" in dict(trained("v2").scorer.explain("cosy :)").explanation)


def test_the_label_is_the_likeliest_one(trained):
    explained = trained("v1").scorer.explain("Lovely soup")
    assert (explained.label, explained.probability) == ("positive", explained.labels["positive"])
    assert explained.labels["negative"] + explained.labels["positive"] == pytest.approx(1)


def test_coverage_is_the_share_of_known_words(trained):
    assert trained("v1").scorer.coverage("lovely soup xyzzy plugh") == 0.5
    assert trained("v1").scorer.coverage("") == 0


def test_a_lexicon_makes_a_word_known_that_no_review_held(trained):
    assert "superb" not in " ".join(TEXTS)
    assert trained("v1").scorer.coverage("superb") == 0
    assert trained("v2").scorer.coverage("superb") == 1


def test_coverage_leaves_stop_words_out(trained):
    assert trained("complement").scorer.coverage("the soup and xyzzy") == 0.5


def test_a_negated_word_speaks_the_other_way(trained):
    scorer = trained("v2").scorer
    assert scorer.probabilities("superb")[1] > 0.5 > scorer.probabilities("not superb")[1]


def test_several_labels_each_get_their_probability(tmp_path):
    params = params_of("v2")
    features = build_pipeline(params).named_steps[FEATURES]
    flagged = [[int("soup" in text), int("!" in text), int("staff" in text)] for text in TEXTS]
    many = OneVsRestClassifier(LogisticRegression())
    pipeline = Pipeline([(FEATURES, features), (CLASSIFIER, many)]).fit(TEXTS, flagged)
    labels = ("soup", "loud", "staff")
    compile_bundle(
        pipeline, params, tmp_path, task="topics", labels=labels, data=DATA, metrics={}, texts=TEXTS, multilabel=True
    )
    scorer = Scorer(load_bundle(tmp_path))
    scorer.check_golden()
    found = scorer.explain("soup!", of="loud")
    assert tuple(found.labels.values()) == pytest.approx(pipeline.predict_proba(["soup!"])[0], abs=TOLERANCE)
    log_odds = sum(term.weight for term in found.explanation)
    assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(found.labels["loud"], abs=TOLERANCE)
    assert scorer.explain("soup").label == "soup"
    expected = pytest.approx(pipeline.predict_proba(ODD_TEXTS), abs=TOLERANCE, rel=0)
    assert scorer.probabilities_of_many(ODD_TEXTS) == expected


def test_gaussian_naive_bayes_is_trained_for_comparison_but_refused(tmp_path):
    params = PipelineParams.model_validate({"version": "v1", "words": {}, "classifier": {"kind": "gaussian_nb"}})
    pipeline = build_pipeline(params).fit(TEXTS, [1] * 20 + [0] * 20)
    assert pipeline.predict_proba(TEXTS).shape == (40, 2)
    with pytest.raises(CannotFold, match=r"GaussianNB can't be folded .* choose logistic_regression"):
        compile_bundle(
            pipeline,
            params,
            tmp_path,
            task="sentiment",
            labels=("negative", "positive"),
            data=DATA,
            metrics={},
            texts=TEXTS,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_answers_otherwise_than_its_golden_texts_is_found_out(trained):
    bundle = load_bundle(trained("v1").folder)
    bundle.arrays["intercept"] += 1e-9
    with pytest.raises(GoldenMismatch, match="golden text 0 is off by"):
        Scorer(bundle).check_golden()
