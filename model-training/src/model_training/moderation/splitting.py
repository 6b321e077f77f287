"""Setting comments and reviews aside before anything is fitted, and what can be said of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from model_training.moderation.comments import CommentTable, Side
from model_training.moderation.crossfit import strata
from model_training.moderation.labels import LABELS, ModerationLabel
from model_training.moderation.prior import rarest_label
from model_training.reviews import key_of


def whole_side(table: CommentTable, reviews: Sequence[str]) -> Side:
    """All comments, then all reviews as clean texts; a review that is a comment, too, is left out."""
    known = {key_of(comment.text) for comment in table.comments}
    clean = [text for text in dict.fromkeys(reviews) if key_of(text) not in known]
    labels = np.array([comment.labels for comment in table.comments] + [(0,) * len(LABELS)] * len(clean), np.int64)
    review = np.arange(len(labels)) >= len(table.comments)
    return Side([comment.text for comment in table.comments] + clean, labels, review)


def split(whole: Side, prevalence: Mapping[ModerationLabel, float], test_share: float, seed: int) -> tuple[Side, Side]:
    """The training and the test side, each with the whole's shares of reviews and of every label's carriers."""
    groups = strata(whole, rarest_label(whole.labels, prevalence))
    train, test = train_test_split(np.arange(len(groups)), test_size=test_share, random_state=seed, stratify=groups)
    return whole.chosen(np.sort(train)), whole.chosen(np.sort(test))


def report(table: CommentTable, train: Side, test: Side) -> dict[str, Any]:
    return {
        "rows": {
            "read": table.rows,
            "dropped": table.dropped,
            "of_these_conflicting": table.conflicting,
            "train": int((~train.review).sum()),
            "test": int((~test.review).sum()),
        },
        "reviews": {"train": int(train.review.sum()), "test": int(test.review.sum())},
        "label_count": {name: _counts(side) for name, side in (("train", train), ("test", test))},
    }


def _counts(side: Side) -> dict[str, int]:
    return dict(zip(LABELS, side.labels.sum(axis=0).tolist(), strict=True))
