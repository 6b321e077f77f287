"""The data and the features: is what we learn from sound, and is nothing learnt from what we test on?"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from lib_ml.text import clean, words
from lib_ml.training import PipelineParams, build_pipeline
from model_training.folds import Plan, cross_validate
from model_training.params import Prepare, load_params
from model_training.refusal import TrainingRefused
from model_training.reviews import HEADER, key_of, read_split, read_table, write_split
from model_training.splitting import data_report, near_duplicates, split
from rapidfuzz import fuzz, process

SAMPLE = Path(__file__).parents[2] / "sample"
PREPARE = Prepare(test_share=0.2, max_chars=10_000, least_per_label=10)


@pytest.fixture(scope="module")
def sample():
    return read_table(SAMPLE / "reviews.tsv", name="reviews.tsv", max_chars=10_000, least_per_label=10)


@pytest.fixture(scope="module")
def sides(sample):
    return split(sample, PREPARE, seed=7)


def lengths(sample):
    return [len(review.text.split()) for review in sample.reviews]


# The sample that ships with the project


def test_the_sample_has_enough_reviews_and_no_duplicate(sample):
    assert len(sample.reviews) >= 1200
    assert sample.duplicates == 0


def test_no_two_reviews_of_the_sample_are_nearly_the_same(sample):
    texts = [key_of(review.text) for review in sample.reviews]
    alike = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=85)
    assert np.count_nonzero(alike) == len(texts)


def test_no_template_repeats_in_the_sample(sample):
    openings = Counter(
        tuple(words(clean(review.text))[:5]) for review in sample.reviews if len(review.text.split()) > 5
    )
    assert sum(count - 1 for count in openings.values()) <= 5
    firsts = Counter(words(clean(review.text))[0] for review in sample.reviews)
    assert firsts.most_common(1)[0][1] < 0.1 * len(sample.reviews)


def test_the_sample_is_balanced_in_labels_and_mixed_in_length(sample):
    assert 0.45 < np.mean([review.label for review in sample.reviews]) < 0.55
    counts = np.array(lengths(sample))
    shares = [np.mean((counts >= low) & (counts <= high)) for low, high in ((1, 6), (7, 18), (19, 49), (50, 150))]
    assert np.allclose(shares, [0.30, 0.46, 0.16, 0.08], atol=0.05)


def test_length_alone_does_not_tell_the_label(sample):
    labels = np.array([review.label for review in sample.reviews])
    counts = np.array(lengths(sample))
    assert abs(np.median(counts[labels == 1]) - np.median(counts[labels == 0])) <= 4


def test_the_sample_holds_no_contact_data_and_no_links(sample):
    contact = re.compile(r"https?:|www\.|\S@\S+\.\S|\+?\d[\d\s-]{8,}\d")
    assert not [review.line for review in sample.reviews if contact.search(review.text)]


def test_the_sheet_states_the_figures_of_the_sample(sample):
    sheet = (SAMPLE / "README.md").read_text(encoding="utf-8")
    positive = sum(review.label for review in sample.reviews)
    counts = np.array(lengths(sample))
    bands = [int(((counts >= low) & (counts <= high)).sum()) for low, high in ((1, 6), (7, 18), (19, 49), (50, 150))]
    for figure in (len(sample.reviews), positive, len(sample.reviews) - positive, *bands, counts.max()):
        assert f" {figure:,} " in sheet, figure


# Reading a table


def lines(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows, "")).encode()


GOOD = [f"good number {at}\t1" for at in range(12)] + [f"bad number {at}\t0" for at in range(12)]
FAULTS = {
    "an empty file": (b"", "t.tsv: empty"),
    "white space only": (b" \n\n", "t.tsv: empty"),
    "a header alone": (lines(), "t.tsv: has a header but no reviews"),
    "no header": ("\n".join(GOOD).encode(), "t.tsv: line 1: the header must be Review<TAB>Liked"),
    "one column": (lines(*GOOD, "no tab here"), "t.tsv: line 26: 1 column instead of 2"),
    "three columns": (lines(GOOD[0], "one\ttwo\t1", *GOOD[1:]), "t.tsv: line 3: 3 columns instead of 2"),
    "an empty line": (lines(*GOOD[:3], "", *GOOD[3:]), "t.tsv: line 5: 1 column instead of 2"),
    "a label that is none": (lines(*GOOD, "fine\tyes"), "t.tsv: line 26: the label is neither 1 (liked) nor 0"),
    "a missing label": (lines(*GOOD, "fine\t"), "t.tsv: line 26: the label is neither"),
    "an empty review": (lines("  \t1", *GOOD), "t.tsv: line 2: the review is empty"),
    "a review too long": (lines(*GOOD, "x" * 101 + "\t1"), "t.tsv: line 26: 101 characters, more than 100"),
    "other bytes than UTF-8": (lines(*GOOD) + b"caf\xe9\t1\n", "t.tsv: line 26: not UTF-8"),
    "a file of zeros": (b"\0" * 500, "t.tsv: line 1: the header must be"),
    "one label only": (lines(*GOOD[:12]), "t.tsv: no negative review (label 0): a model needs both"),
    "too few of a label": (lines(*GOOD[:17]), "t.tsv: only 5 different negative reviews (label 0): at least 10"),
    "conflicting labels": (lines(*GOOD, "GOOD  number 3\t0"), "t.tsv: lines 5 and 26: the same review with different"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_table_is_refused_with_file_line_and_remedy(fault, tmp_path):
    content, expected = FAULTS[fault]
    (tmp_path / "raw").write_bytes(content)
    with pytest.raises(TrainingRefused) as refused:
        read_table(tmp_path / "raw", name="t.tsv", max_chars=100, least_per_label=10)
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)
    assert "number" not in str(refused.value)  # of the reviews' texts


def test_the_first_ten_conflicts_are_listed(tmp_path):
    rows = [f"{word} review\t{label}" for label in (0, 1) for word in map(str, range(15))]
    (tmp_path / "raw").write_bytes(lines(*rows))
    with pytest.raises(TrainingRefused, match=r"lines 2 and 17; .*; 11 and 26 and 5 more: the same review"):
        read_table(tmp_path / "raw", name="t.tsv", max_chars=100, least_per_label=10)


def test_windows_line_ends_a_byte_order_mark_and_quotes_are_read_as_they_are(tmp_path):
    rows = [*GOOD, '"so called" soup\t0', 'he said "fine\u2028really\t1']
    (tmp_path / "raw").write_bytes(b"\xef\xbb\xbf" + lines(*rows).replace(b"\n", b"\r\n"))
    table = read_table(tmp_path / "raw", name="t.tsv", max_chars=100, least_per_label=10)
    assert [review.text for review in table.reviews[-2:]] == ['"so called" soup', 'he said "fine\u2028really']
    assert table.reviews[-1].line == 27


def test_duplicates_after_cleaning_are_dropped_and_counted(tmp_path):
    (tmp_path / "raw").write_bytes(lines(*GOOD, "Good  NUMBER 1\t1", "good number 1\t1"))
    table = read_table(tmp_path / "raw", name="t.tsv", max_chars=100, least_per_label=10)
    assert (table.rows, table.duplicates, len(table.reviews)) == (26, 2, 24)
    assert table.reviews[1].text == "good number 1"


# Splitting


def test_no_text_is_on_both_sides_and_none_is_lost(sample, sides):
    train, test = ({key_of(review.text) for review in side} for side in sides)
    assert not train & test
    assert len(train) + len(test) == len(sample.reviews)


def test_both_sides_have_the_labels_shares(sides):
    train, test = (np.mean([review.label for review in side]) for side in sides)
    assert abs(train - test) < 0.01


def test_the_seed_alone_decides_the_split(sample, sides):
    assert split(sample, PREPARE, seed=7) == sides
    assert split(sample, PREPARE, seed=8) != sides


def test_a_split_is_read_back_as_it_was_written(sides, tmp_path):
    write_split(tmp_path / "test.tsv", sides[1])
    texts, labels = read_split(tmp_path / "test.tsv")
    assert list(zip(texts, labels, strict=True)) == [(review.text, review.label) for review in sides[1]]


def test_the_report_counts_rows_labels_and_near_duplicates(sample, sides):
    report = data_report(sample, *sides)
    assert report["rows"]["read"] == report["rows"]["train"] + report["rows"]["test"] == len(sample.reviews)
    assert report["near_duplicates_across_split"] == {"compared": len(sides[1]), "found": 0}
    assert near_duplicates(sides[1][:5], sides[1][3:5]) == {"compared": 5, "found": 2}


# Features


def test_nothing_of_a_test_side_is_fitted():
    """A word that stands in one text only is unknown to the model of the fold that holds this text out."""
    texts = [f"{side} unique{at}" for at, side in enumerate(["good", "bad"] * 10)]
    params = PipelineParams.model_validate(
        {"version": "v1", "words": {"weighting": "tfidf"}, "classifier": {"kind": "logistic_regression"}}
    )
    plan = Plan(folds=2, repeats=1, seed=0)
    outcomes = cross_validate({"v1": params}, texts, [1, 0] * 10, plan, jobs=1)["v1"]
    for outcome in outcomes.whole.values():
        # Known words decide alone, so every text of a side gets the same probability as its neighbours.
        assert len({round(value, 9) for value in outcome.probabilities}) == 2


def test_each_text_is_tested_once_a_repeat_and_never_trained_on_in_its_fold():
    texts = [f"{side} {at}" for at, side in enumerate(["good", "bad"] * 10)]
    params = PipelineParams.model_validate({"version": "v1", "words": {}, "classifier": {"kind": "multinomial_nb"}})
    plan = Plan(folds=4, repeats=2, seed=0, shares=(0.5, 1.0))
    outcomes = cross_validate({"v1": params}, texts, [1, 0] * 10, plan, jobs=1)["v1"]
    assert len(outcomes.whole) == 8
    for repeat in (range(4), range(4, 8)):
        tested = np.concatenate([outcomes.whole[fold].fit.test for fold in repeat])
        assert sorted(tested) == list(range(20))
    for outcome in [*outcomes.whole.values(), *outcomes.parts[0.5]]:
        assert not set(outcome.fit.train) & set(outcome.fit.test)
    assert [len(part.fit.train) for part in outcomes.parts[0.5]] == [7] * 4


@pytest.mark.parametrize("model", ["v1", "v2"])
def test_every_feature_of_the_shipped_models_carries_weight(model, sides):
    params = load_params(Path(__file__).parents[2] / "params.yaml").tasks.sentiment
    train = sides[0][:300]
    pipeline = build_pipeline(params.models[model], seed=0).fit(
        [review.text for review in train], [review.label for review in train]
    )
    weights = pipeline.named_steps["classifier"].coef_[0]
    assert np.isfinite(weights).all()
    assert np.mean(np.abs(weights) > 1e-9) > 0.95
