"""What serving must be able to watch: that it answers as training did, on which data, and how good it was then."""

import json

import numpy as np
import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_training.figures import RANGES, figures
from model_training.fitted import load_fitted
from model_training.reviews import read_split
from model_training.source import sha256_of_file

VERSIONS = ("v1", "v2")


@pytest.fixture(scope="module", params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def scorer(trained, version):
    return Scorer(load_bundle(trained.registry.bundle_folder(trained.registry.resolve(f"sentiment/{version}"))))


def test_serving_answers_as_training_on_every_text_of_both_sides(trained, version, scorer):
    pipeline = load_fitted(trained.project / "models" / "sentiment" / f"{version}.joblib")
    for side in ("train.tsv", "test.tsv"):
        texts, _ = read_split(trained.project / "data" / "sentiment" / side)
        served = np.array([scorer.probabilities(text) for text in texts])
        assert np.abs(served - pipeline.predict_proba(texts)).max() <= 1e-12


def test_the_golden_texts_get_their_known_probabilities(scorer):
    scorer.check_golden()
    assert len(scorer.manifest.golden) >= 5


def test_every_figure_stands_in_the_manifest_with_its_interval(scorer):
    assert set(scorer.manifest.metrics) == set(RANGES)
    for metric in scorer.manifest.metrics.values():
        assert metric.low <= metric.value <= metric.high


def test_the_manifest_names_the_data_by_its_hash(trained, scorer):
    assert scorer.manifest.data.sha256 == sha256_of_file(trained.project / "data" / "sentiment" / "raw.tsv")
    assert scorer.manifest.data.sha256 == sha256_of_file(trained.project / "sample" / "reviews.tsv")


def test_the_report_and_the_manifest_agree_on_the_rows(trained, scorer):
    rows = json.loads((trained.project / "data-report.json").read_bytes())["sentiment"]["rows"]
    assert rows["read"] == scorer.manifest.data.rows
    assert rows["train"] + rows["test"] + rows["duplicates_dropped"] == rows["read"]


def test_the_held_out_figures_are_those_of_the_served_model(trained, version, scorer):
    texts, labels = read_split(trained.project / "data" / "sentiment" / "test.tsv")
    served = figures(labels, [scorer.probabilities(text)[1] for text in texts], bins=10)
    told = json.loads((trained.project / "metrics.json").read_bytes())["sentiment"][version]["held_out"]
    assert told == pytest.approx(served, abs=1e-6)


def test_coverage_is_full_on_what_was_learnt_and_falls_on_a_foreign_text(trained, scorer):
    texts, _ = read_split(trained.project / "data" / "sentiment" / "train.tsv")
    learnt = np.mean([scorer.explain(text).coverage for text in texts])
    foreign = scorer.explain("Der Kellner vergaß unsere Bestellung zweimal").coverage
    assert learnt > 0.95
    assert foreign < 0.5


def test_the_models_of_two_versions_truly_differ(trained):
    one, other = (
        Scorer(load_bundle(trained.registry.bundle_folder(trained.registry.resolve(f"sentiment/{version}"))))
        for version in VERSIONS
    )
    texts, _ = read_split(trained.project / "data" / "sentiment" / "test.tsv")
    assert one.manifest.features != other.manifest.features
    assert any(abs(one.probabilities(text)[1] - other.probabilities(text)[1]) > 0.1 for text in texts)
