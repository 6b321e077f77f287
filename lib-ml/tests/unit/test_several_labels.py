"""Models of several labels, linear and with hidden units: equal to sklearn, and exact in their reasons."""

import io
import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lib_ml.bundle import ARRAYS, MANIFEST, BundleRefused, encode_files, load_bundle, sha256_of
from lib_ml.scorer import INTERCEPT, GoldenMismatch, Scorer
from lib_ml.training import build_pipeline, compile_bundle
from lib_ml.training.multilabel import PerLabelRegression, StrongestTerms, log_count_ratio
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from small_models import ANSWERS, DATA, MODERATORS, SIGNS, TEXTS, Trained, make_moderator, params_of, signs_of

TOLERANCE = 1e-12
ODD_TEXTS = [
    "",
    " \t\n",
    "\0",
    "😋 not 🙂",
    "İSTANBUL ıI",
    "\ufdfa ½ ﬀ",
    "good " * 2_000,
    "x" * 5_000,
    "soup!soup!! soup",
]
SPOKEN = st.lists(st.sampled_from("soup worst ! staff come bad not the good 😋".split())).map(" ".join)
LENIENT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@cache
def moderator(name: str) -> Trained:
    return make_moderator(Path(mkdtemp()), name)


@pytest.fixture(params=MODERATORS)
def model(request) -> Trained:
    return moderator(request.param)


def test_the_scorer_equals_the_pipeline_on_odd_texts(model):
    texts = [*ODD_TEXTS, *TEXTS]
    expected = pytest.approx(model.pipeline.predict_proba(texts), abs=TOLERANCE, rel=0)
    assert model.scorer.probabilities_of_many(texts) == expected
    assert np.array([list(model.scorer.explain(text).labels.values()) for text in texts]) == expected


@pytest.mark.parametrize("name", MODERATORS)
@LENIENT
@given(text=st.one_of(st.text(max_size=300), SPOKEN))
def test_the_scorer_equals_the_pipeline_on_any_text(name, text):
    expected = moderator(name).pipeline.predict_proba([text])[0]
    assert moderator(name).scorer.probabilities(text) == pytest.approx(expected, abs=TOLERANCE, rel=0)


def test_the_network_is_the_one_that_sklearn_fitted():
    params = params_of("mlp")
    pipeline = build_pipeline(params, seed=7).fit(TEXTS, signs_of(TEXTS))
    folder = Path(mkdtemp())
    described = {"task": "moderation", "labels": tuple(SIGNS), "data": DATA, "metrics": {}, "multilabel": True}
    compile_bundle(pipeline, params, folder, texts=TEXTS, **described)
    fitted = pipeline.named_steps["classifier"].fitted_
    expected = fitted.predict_proba(pipeline[:-1].transform(TEXTS))
    assert Scorer(load_bundle(folder)).probabilities_of_many(TEXTS) == pytest.approx(expected, abs=TOLERANCE, rel=0)


@pytest.mark.parametrize("label", SIGNS)
@pytest.mark.parametrize("name", MODERATORS)
@settings(LENIENT, max_examples=10)
@given(text=st.one_of(st.text(max_size=200), SPOKEN))
def test_the_reasons_of_every_label_sum_to_its_log_odds(name, label, text):
    explained = moderator(name).scorer.explain(text, limit=4, of=label)
    log_odds = sum(term.weight for term in explained.explanation)
    expected = moderator(name).pipeline.predict_proba([text])[0][list(SIGNS).index(label)]
    assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(expected, abs=TOLERANCE, rel=0)
    assert explained.explanation[-1].term == INTERCEPT


def test_the_reasons_are_those_of_the_likeliest_label_unless_told(model):
    explained = model.scorer.explain("the worst soup")
    assert explained.explanation == model.scorer.explain("the worst soup", of=explained.label).explanation


def test_a_network_with_one_output_is_scored_and_explained_as_two_labels():
    whole = load_bundle(moderator("counted").folder)
    arrays = {name: array[..., :1] if name.startswith("output") else array for name, array in whole.arrays.items()}
    manifest = whole.manifest.model_copy(update={"outputs": "binary", "labels": ("calm", "toxic"), "golden": ()})
    scorer = Scorer(replace(whole, manifest=manifest, arrays=arrays))
    for text in TEXTS:
        toxic = moderator("counted").scorer.probabilities(text)[0]
        assert scorer.probabilities(text) == pytest.approx((1 - toxic, toxic), abs=TOLERANCE)
        for_toxic, for_calm = (dict(scorer.explain(text, of=label).explanation) for label in ("toxic", "calm"))
        assert for_calm == pytest.approx({term: -weight for term, weight in for_toxic.items()})
        assert 1 / (1 + math.exp(-sum(for_toxic.values()))) == pytest.approx(toxic, abs=TOLERANCE)


def test_the_bundle_names_its_languages_and_thresholds(tmp_path):
    scorer = make_moderator(tmp_path, thresholds={"toxic": 0.7}, languages=("en", "nl")).scorer
    assert scorer.manifest.languages == ("en", "nl")
    assert scorer.manifest.thresholds == {"toxic": 0.7}
    assert moderator("mlp").scorer.manifest.languages == ("en",)
    assert set(moderator("mlp").scorer.manifest.thresholds) == set(SIGNS)


# The form


def amend(folder: Path, arrays: dict[str, np.ndarray], **changes: object) -> None:
    """Writes other arrays, named by their right hash, and other values into the manifest."""
    (folder / ARRAYS).write_bytes(encode_files((), arrays)[ARRAYS])
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][ARRAYS] = sha256_of((folder / ARRAYS).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes))


def without(name):
    return lambda arrays: {key: array for key, array in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("spoil", "changes", "complaint"),
    [
        (without("output.weights"), {}, "holds"),
        (lambda arrays: arrays | {"output.weights": arrays["output.weights"].T}, {}, "output.weights is"),
        (lambda arrays: arrays | {"output.intercept": np.zeros(5)}, {}, "output.intercept is"),
        (lambda arrays: arrays | {"output.weights": np.full((7, 6), np.nan)}, {}, "NaN"),
        (lambda arrays: arrays | {"intercept": np.zeros(6)}, {}, "intercept is"),
        (dict, {"hidden": 8}, "intercept is <f8"),
        (dict, {"hidden": 0}, "holds"),
        (dict, {"hidden": -1}, "hidden"),
        (dict, {"hidden": 10**9}, "hidden"),
        (dict, {"languages": []}, "languages"),
        (dict, {"languages": ["en-US; rm"]}, "languages"),
    ],
)
def test_a_network_that_disagrees_with_its_manifest_is_refused(spoil, changes, complaint, tmp_path):
    make_moderator(tmp_path, "mlp")
    amend(tmp_path, spoil(dict(load_bundle(tmp_path).arrays)), **changes)
    with pytest.raises(BundleRefused, match=complaint):
        load_bundle(tmp_path)


def test_a_bundle_from_before_hidden_units_and_languages_still_loads(tmp_path):
    make_moderator(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    del manifest["hidden"], manifest["languages"]
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    Scorer(load_bundle(tmp_path)).check_golden()


def test_a_network_whose_second_layer_was_changed_fails_its_golden_texts():
    bundle = load_bundle(moderator("mlp").folder)
    bundle.arrays["output.weights"][0] += 1e-6
    with pytest.raises(GoldenMismatch):
        Scorer(bundle).check_golden()


def test_nothing_of_a_bundle_is_an_object():
    with np.load(io.BytesIO((moderator("mlp").folder / ARRAYS).read_bytes()), allow_pickle=False) as packed:
        assert {packed[name].dtype.kind for name in packed.files} == {"f"}


def test_the_same_seed_gives_the_same_network(tmp_path):
    assert make_moderator(tmp_path, "mlp").scorer.sha256 == moderator("mlp").scorer.sha256


# Training


def test_the_strongest_terms_are_kept_and_scaled_as_if_there_had_never_been_others():
    chosen = StrongestTerms(TfidfVectorizer(sublinear_tf=True), 15)
    features = chosen.fit_transform(TEXTS, np.array(signs_of(TEXTS)))
    assert features.shape == (40, 15)
    assert features.toarray() == pytest.approx(chosen.transform(TEXTS).toarray(), abs=TOLERANCE)
    assert {"soup", "staff", "worst"} <= set(chosen.get_feature_names_out())


def test_a_vocabulary_under_the_limit_stays_whole():
    chosen = StrongestTerms(TfidfVectorizer(), 100_000)
    whole = TfidfVectorizer().fit_transform(TEXTS)
    assert (chosen.fit_transform(TEXTS, np.array(ANSWERS)) != whole).nnz == 0


def test_a_log_count_ratio_is_that_of_smoothed_shares():
    features = csr_matrix(np.array([[2.0, 0.0], [5.0, 1.0], [0.0, 3.0]]))
    ratio = log_count_ratio(features, np.array([1, 1, 0]))
    assert ratio == pytest.approx([np.log((3 / 3) / (1 / 2)), np.log((2 / 3) / (2 / 2))])


def test_each_label_is_learnt_by_itself():
    features, labels = csr_matrix(np.eye(4)), np.array([[1, 0], [0, 1], [0, 0], [0, 1]])
    both = PerLabelRegression(C=2).fit(features, labels)
    first = PerLabelRegression(C=2).fit(features, labels[:, :1])
    assert both.coef_[0] == pytest.approx(first.coef_[0])
