"""Setting reviews aside before anything is fitted, and what can be said of the data."""

from statistics import quantiles
from typing import Any

from lib_ml.text import clean, words
from rapidfuzz import fuzz, process
from sklearn.model_selection import train_test_split

from model_training.params import Prepare
from model_training.reviews import LABELS, Review, Table, key_of

NEARLY_ALIKE = 90  # percent of edit similarity from which two reviews count as near-duplicates
MOST_COMPARED = 500  # test texts; comparing each of a large file's with each training text would take minutes


def split(table: Table, params: Prepare, seed: int) -> tuple[list[Review], list[Review]]:
    """The training and the test side, each with the labels' shares of the whole; no text is on both."""
    train, test = train_test_split(
        list(table.reviews),
        test_size=params.test_share,
        random_state=seed,
        stratify=[review.label for review in table.reviews],
    )
    return train, test


def data_report(table: Table, train: list[Review], test: list[Review]) -> dict[str, Any]:
    """Counts, label shares, lengths, and how many held-out reviews have a near-duplicate among the training ones."""
    return {
        "rows": {
            "read": table.rows,
            "duplicates_dropped": table.duplicates,
            "train": len(train),
            "test": len(test),
        },
        "label_share": {side: _label_share(reviews) for side, reviews in (("train", train), ("test", test))},
        "words_per_review": _lengths([len(words(clean(review.text))) for review in table.reviews]),
        "near_duplicates_across_split": near_duplicates(test, train),
    }


def near_duplicates(test: list[Review], train: list[Review]) -> dict[str, int]:
    """Of the first `compared` test reviews, the number that resemble a training review by at least 90 %."""
    compared = [key_of(review.text) for review in test[:MOST_COMPARED]]
    similar = process.cdist(
        compared, [key_of(review.text) for review in train], scorer=fuzz.ratio, score_cutoff=NEARLY_ALIKE
    )
    return {"compared": len(compared), "found": int(similar.any(axis=1).sum())}


def _label_share(reviews: list[Review]) -> dict[str, float]:
    return {
        word: round(sum(review.label == label for review in reviews) / len(reviews), 4)
        for label, word in enumerate(LABELS)
    }


def _lengths(lengths: list[int]) -> dict[str, float]:
    lower, median, upper = quantiles(lengths, n=4)
    return {
        "least": min(lengths),
        "lower_quarter": lower,
        "median": median,
        "upper_quarter": upper,
        "most": max(lengths),
    }
