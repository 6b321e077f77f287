"""The sample of comments, and how strictly a table of comments is read."""

import csv
import re
from collections import Counter

import numpy as np
import pytest
from lib_ml.text import clean, words
from model_training.moderation.comments import HEADER, Side, read_comments, read_side, write_side
from model_training.moderation.labels import LABELS
from model_training.moderation.prior import natural_weights, rarest_label
from model_training.moderation.splitting import report, split, whole_side
from model_training.params import Prepare, load_params
from model_training.refusal import TrainingRefused
from model_training.reviews import key_of
from rapidfuzz import fuzz, process

from ..conftest import COMMENTS, PROJECT, sample_table  # noqa: TID252 - it has no other name

LIMITS = Prepare(test_share=0.2, max_chars=10_000, least_per_label=20)
PREVALENCE = load_params(PROJECT / "params.yaml").tasks.moderation.natural_prevalence


@pytest.fixture(scope="module")
def sample():
    return read_comments(COMMENTS, "comments.csv", LIMITS)


@pytest.fixture(scope="module")
def whole(sample):
    return whole_side(sample, [review.text for review in sample_table().reviews])


@pytest.fixture(scope="module")
def sides(whole):
    return split(whole, PREVALENCE, 0.2, seed=7)


# The sample that ships with the project


def test_no_two_comments_of_the_sample_are_nearly_the_same(sample):
    texts = [key_of(comment.text) for comment in sample.comments]
    alike = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=80)
    assert np.count_nonzero(alike) == len(texts)


def test_no_template_repeats_in_the_sample(sample):
    openings = Counter(tuple(words(clean(comment.text))[:4]) for comment in sample.comments)
    assert sum(count - 1 for count in openings.values()) <= 10


def test_the_sample_holds_no_contact_data_and_no_links(sample):
    contact = re.compile(r"https?:|www\.|\S@\S+\.\S|\+?\d[\d\s-]{8,}\d")
    assert not [comment.line for comment in sample.comments if contact.search(comment.text)]


def test_identity_terms_stand_in_clean_comments_as_well(sample):
    clean_words = Counter(
        word for comment in sample.comments if not any(comment.labels) for word in set(words(clean(comment.text)))
    )
    for term in ("islanders", "northerners", "valley", "gay", "jewish", "muslim", "black", "deaf", "women"):
        assert clean_words[term] >= 1, term


def test_labels_stand_beside_each_other_as_in_the_published_data(sample):
    labels = np.array([comment.labels for comment in sample.comments])
    toxic, severe = labels[:, 0] == 1, labels[:, 1] == 1
    assert toxic[severe].all()
    assert (labels.sum(axis=1) >= 3).sum() > 50
    assert not toxic[labels[:, 2] == 1].all()  # an oath need not be meant for anybody


def test_the_sheet_states_the_figures_of_the_sample(sample):
    sheet = (PROJECT / "sample" / "README.md").read_text(encoding="utf-8")
    labels = np.array([comment.labels for comment in sample.comments])
    for figure in (len(labels), int((~labels.any(axis=1)).sum()), *labels.sum(axis=0)):
        assert f" {figure:,} " in sheet, figure


# Reading a table


def table(*rows: str, header: str = ",".join(HEADER)) -> bytes:
    return "\n".join((header, *rows, "")).encode()


GOOD = [f"a{at},rude {at},1,1,1,1,1,1" for at in range(12)] + [f"b{at},calm {at},0,0,0,0,0,0" for at in range(12)]
SMALL = Prepare(test_share=0.2, max_chars=100, least_per_label=10)
FAULTS = {
    "an empty file": (b" \n", "c.csv: empty"),
    "another header": (table(*GOOD, header="id,text,toxic"), "c.csv: line 1: the header must be id,comment_text,toxic"),
    "a header alone": (table(), "c.csv: has a header but no comments"),
    "a column too few": (table(GOOD[0], "x,rude,1,0,0,0,0"), "c.csv: line 3: 7 columns instead of 8"),
    "an empty line": (table(GOOD[0], "", *GOOD[1:]), "c.csv: line 3: 0 columns instead of 8"),
    "a label that is none": (table(*GOOD, "x,rude,1,0,0,yes,0,0"), "c.csv: line 26: threat is neither 1 nor 0"),
    "an empty comment": (table("x,  ,0,0,0,0,0,0", *GOOD), "c.csv: line 2: the comment is empty"),
    "a comment too long": (table(*GOOD, f"x,{'r' * 101},0,0,0,0,0,0"), "c.csv: line 26: 101 characters, more than 100"),
    "other bytes than UTF-8": (table(*GOOD) + b"x,caf\xe9,0,0,0,0,0,0\n", "c.csv: line 26: not UTF-8"),
    "a quote left open": (table(*GOOD, 'x,"rude,1,0,0,0,0,0'), "c.csv: not CSV"),
    "too few of a label": (table(*GOOD[5:]), "c.csv: only 7 different toxic comments: at least 10"),
    "nothing clean": (table(*GOOD[:12]), "c.csv: only 0 different clean comments"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_table_is_refused_with_file_and_line(fault, tmp_path):
    content, expected = FAULTS[fault]
    (tmp_path / "raw").write_bytes(content)
    with pytest.raises(TrainingRefused) as refused:
        read_comments(tmp_path / "raw", "c.csv", SMALL)
    assert str(refused.value).startswith(expected)
    assert "\n" not in str(refused.value)
    assert "rude" not in str(refused.value)


def test_a_comment_of_several_lines_is_read_whole_and_counted_by_its_first(tmp_path):
    (tmp_path / "raw").write_bytes(table(*GOOD, 'x,"so ""calm""\n\nand long",0,0,0,0,0,0', "y,end,0,0,0,0,0,0"))
    read = read_comments(tmp_path / "raw", "c.csv", SMALL).comments
    assert [(comment.text, comment.line) for comment in read[-2:]] == [('so "calm"\n\nand long', 26), ("end", 29)]


def test_a_comment_that_came_twice_is_kept_once_and_one_with_two_verdicts_is_left_out(tmp_path):
    (tmp_path / "raw").write_bytes(table(*GOOD, "x,Calm  1,0,0,0,0,0,0", "y,calm 2,1,0,0,0,0,0"))
    read = read_comments(tmp_path / "raw", "c.csv", SMALL)
    assert (read.rows, read.dropped, read.conflicting) == (26, 3, 2)
    assert "calm 2" not in [comment.text for comment in read.comments]


def test_a_side_is_read_back_as_it_was_written(tmp_path):
    odd = Side(
        ['a "quote"\n\nand a line', "\u2028,;\t", "=1+1"], np.eye(3, 6, dtype=np.int64), np.array([0, 0, 1]) == 1
    )
    write_side(tmp_path / "side.csv", odd)
    back = read_side(tmp_path / "side.csv")
    assert back.texts == odd.texts
    assert (back.labels == odd.labels).all()
    assert (back.review == odd.review).all()
    with (tmp_path / "side.csv").open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.reader(stream))) == 4


# Splitting and weighing


def test_no_text_is_on_both_sides_and_none_is_lost(whole, sides):
    train, test = ({key_of(text) for text in side.texts} for side in sides)
    assert not train & test
    assert len(sides[0].texts) + len(sides[1].texts) == len(whole.texts)


def test_reviews_are_clean_examples_on_both_sides(sides):
    for side, share in zip(sides, (0.8, 0.2), strict=True):
        assert side.review.sum() == pytest.approx(share * 1782, abs=1)
        assert not side.labels[side.review].any()


def test_every_label_has_its_share_on_the_test_side(whole, sides):
    assert sides[1].labels.sum(axis=0) == pytest.approx(0.2 * whole.labels.sum(axis=0), abs=6)


def test_a_review_that_is_a_comment_as_well_is_kept_once(sample):
    side = whole_side(sample, [sample.comments[0].text, "A review of its own."])
    assert (len(side.texts), int(side.review.sum())) == (len(sample.comments) + 1, 1)


def test_the_report_counts_comments_reviews_and_labels(sample, sides):
    counted = report(sample, *sides)
    assert counted["rows"]["train"] + counted["rows"]["test"] == counted["rows"]["read"] == len(sample.comments)
    assert counted["label_count"]["train"]["toxic"] == int(sides[0].labels[:, 0].sum())


def test_weights_give_every_label_its_natural_prevalence(sample):
    labels = np.array([comment.labels for comment in sample.comments])
    weights = natural_weights(labels, PREVALENCE)
    assert weights.min() > 0
    assert weights.mean() == pytest.approx(1)
    for at, label in enumerate(LABELS):
        assert np.average(labels[:, at], weights=weights) == pytest.approx(PREVALENCE[label])


def test_an_enrichment_by_the_rarest_label_is_taken_back_exactly():
    """A population, of which every carrier of a rare label is kept and a tenth of the others."""
    chance = np.random.default_rng(1)
    people = (chance.random((200_000, 6)) < [0.1, 0.01, 0.05, 0.005, 0.05, 0.01]).astype(int)
    prevalence = dict(zip(LABELS, people.mean(axis=0), strict=True))
    rarest = rarest_label(people, prevalence)
    kept = np.where(np.isin(rarest, [1, 3, 5]), 1.0, 0.1) > chance.random(len(people))
    weights = natural_weights(people[kept], prevalence)
    several = people[:, 0] & people[:, 2]
    assert np.average(several[kept], weights=weights) == pytest.approx(several.mean(), rel=0.1)


def test_a_prevalence_that_cannot_be_reached_is_refused():
    labels = np.array([[1, 1, 0, 1, 1, 1]] * 5 + [[1, 1, 1, 1, 1, 1]] * 5 + [[0] * 6] * 90)
    with pytest.raises(TrainingRefused, match=r"natural_prevalence\.\w+: the data can't be weighted"):
        natural_weights(labels, PREVALENCE)
