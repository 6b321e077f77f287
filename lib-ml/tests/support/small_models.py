"""Small real models: every kind of pipeline, fitted on forty reviews, and the bundles made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lib_ml.bundle import load_bundle
from lib_ml.manifest import DataSource
from lib_ml.scorer import Scorer
from lib_ml.training import PipelineParams, build_pipeline, calibrated, compile_bundle

LIKED = """\
Lovely soup and the kindest waiter in town.
Not bad at all, we'd come back for the noodles!
Great food, great prices, great mood
the bread was warm and the staff were friendly
Couldn't fault it: fresh fish, fair bill.
Best burger I've had in years!!!
Never disappoints. Try the crème brûlée.
cosy room, quick service :)
I can't recommend the dumplings enough
Slow start, but the steak was worth every minute
Delicious curry and a smile with it
Everything came hot and on time
Simple, honest, cheap – we loved it
Wow, that chocolate cake 😋
A hidden gem with a view over the harbour
Our kids ate every bite
The wine list is short yet brilliant
10/10 would eat the whole menu again
Good coffee, good music, no rush
Perfect eggs, crisp bacon, happy me"""
DISLIKED = """\
Cold soup and the rudest waiter in town.
Not good at all, we won't come back.
Terrible food, terrible prices, terrible mood
the bread was stale and the staff were bored
Overpriced fish, and the bill was wrong.
Worst burger I've had in years!!!
Always disappoints. Skip the brûlée.
cramped room, slow service :(
I can't recommend this place
Nice start, but the steak wasn't worth a cent
Bland curry without a smile
Nothing came hot, nothing on time
Loud, dirty, expensive – never again
Ugh, a hair in my cake
A tourist trap with a view of the bins
Our kids left every bite
The wine was warm and the glass greasy
0/10 would rather starve
Bad coffee, bad music, all rush
Burnt eggs, limp bacon, sad me"""
TEXTS = [*LIKED.splitlines(), *DISLIKED.splitlines()]
ANSWERS = [1] * 20 + [0] * 20
DATA = DataSource(source="sample", name="forty.tsv", rows=40, sha256="0" * 64)

WORDS_COUNTED = {"words": {"weighting": "counts"}}
EVERYTHING = {
    "negation_reach": 3,
    "words": {"ngrams": [1, 2], "weighting": "tfidf", "tag_negation": True},
    "characters": {"weighting": "tfidf", "min_count": 2},
    "valence": {"lexicons": ["vader", "afinn", "textblob"]},
}
LOGISTIC = {"kind": "logistic_regression"}

MODELS: dict[str, dict[str, Any]] = {
    "v1": {**WORDS_COUNTED, "classifier": LOGISTIC},
    "v2": {**EVERYTHING, "classifier": {"kind": "logistic_regression", "C": 10}},
    "svm": {**EVERYTHING, "classifier": {"kind": "linear_svm", "folds": 3}},
    "multinomial": {"words": {"ngrams": [1, 3]}, "classifier": {"kind": "multinomial_nb", "alpha": 0.5}},
    "complement": {
        "words": {"weighting": "tfidf", "stop_words": True},
        "classifier": {"kind": "complement_nb"},
    },
    "sublinear": {
        "words": {"ngrams": [2, 3], "sublinear": True},
        "characters": {"ngrams": [1, 4], "weighting": "tfidf", "sublinear": True},
        "classifier": LOGISTIC,
    },
    "valence": {
        "negation_reach": 2,
        "valence": {"lexicons": ["afinn"], "before_but": 1},
        "classifier": LOGISTIC,
    },
}

# Several labels: each is given to the reviews that hold its sign, so that there is something to learn.
SIGNS = {
    "toxic": "ba",
    "severe_toxic": "worst",
    "obscene": "!",
    "threat": "come",
    "insult": "staff",
    "identity_hate": "soup",
}
MODERATORS: dict[str, dict[str, Any]] = {
    "logistic": {
        "words": {"ngrams": [1, 2], "weighting": "tfidf", "sublinear": True, "max_terms": 120},
        "characters": {"weighting": "tfidf", "sublinear": True, "max_terms": 200},
        "classifier": {"kind": "logistic_regression_per_label", "C": 4, "log_count_ratio": True},
    },
    "mlp": {
        **EVERYTHING,
        "classifier": {"kind": "mlp", "hidden": 7, "epochs": 30, "batch": 10, "learning_rate": 0.01},
    },
    "counted": {"words": {"ngrams": [1, 1], "max_terms": 50}, "classifier": {"kind": "mlp", "hidden": 3}},
}


def params_of(name: str, version: str = "v1") -> PipelineParams:
    return PipelineParams.model_validate({"version": version, **(MODELS | MODERATORS)[name]})


def signs_of(texts: Sequence[str]) -> list[list[int]]:
    """For each text whether it holds the sign of each label."""
    return [[int(sign in text.lower()) for sign in SIGNS.values()] for text in texts]


class Trained(NamedTuple):
    """A fitted pipeline, the folder of the bundle made of it, and the scorer loaded from there."""

    pipeline: Any
    folder: Path
    scorer: Scorer


def make_bundle(
    folder: Path,
    name: str = "v1",
    *,
    version: str = "v1",
    texts: Sequence[str] = TEXTS,
    answers: Sequence[int] = ANSWERS,
    **fields: object,
) -> Trained:
    """Fits the model `name` and writes its bundle into `folder`; `fields` replace those of the manifest."""
    params = params_of(name, version)
    pipeline = build_pipeline(params, seed=7).fit(texts, answers)
    described = {"task": "sentiment", "labels": ("negative", "positive"), "data": DATA, "metrics": {}}
    compile_bundle(pipeline, params, folder, **{**described, "texts": texts, **fields})
    return Trained(pipeline, folder, Scorer(load_bundle(folder)))


def make_moderator(folder: Path, name: str = "logistic", *, version: str = "v1", **fields: object) -> Trained:
    """Fits the model `name` of MODERATORS, six labels, calibrated, and writes its bundle into `folder`."""
    params = params_of(name, version)
    fitted = build_pipeline(params, seed=7).fit(TEXTS, signs_of(TEXTS))
    pipeline = calibrated(fitted, np.linspace(0.5, 1.5, len(SIGNS)), np.linspace(-1, 1, len(SIGNS)))
    described = {"task": "moderation", "labels": tuple(SIGNS), "data": DATA, "metrics": {}, "multilabel": True}
    compile_bundle(pipeline, params, folder, **{**described, "texts": TEXTS, **fields})
    return Trained(pipeline, folder, Scorer(load_bundle(folder)))
