"""The moderation models of the sample: sound figures, steady under changes that mean nothing, mild to reviews."""

from pathlib import Path

import numpy as np
import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_training.fitted import load_fitted
from model_training.moderation.calibration import flagged, in_order
from model_training.moderation.comments import read_comments, read_side
from model_training.moderation.labels import LABELS
from model_training.moderation.splitting import split, whole_side
from model_training.params import load_params
from model_training.reviews import read_table
from model_training.stages.moderation.evaluate import judge
from model_training.stages.moderation.train import fit

from ..conftest import CHECKOUT, COMMENTS, PROJECT, sample_table  # noqa: TID252 - it has no other name

HISTORIC = Path("shared/data/restaurant/historic.tsv")
MODELS = ("v1", "mlp")


@pytest.fixture(scope="module")
def params():
    return load_params(PROJECT / "params.yaml")


@pytest.fixture(scope="module")
def sides(params):
    moderation = params.tasks.moderation
    table = read_comments(COMMENTS, "comments.csv", moderation.prepare)
    whole = whole_side(table, [review.text for review in sample_table().reviews])
    return split(whole, moderation.natural_prevalence, moderation.prepare.test_share, params.seed)


@pytest.fixture(scope="module")
def fitted(params, sides):
    return {model: fit(model, params.tasks.moderation, sides[0], seed=params.seed, jobs=1) for model in MODELS}


@pytest.fixture(params=MODELS)
def model(request, fitted):
    return fitted[request.param]


@pytest.fixture(scope="module")
def figures(params, fitted, sides):
    return {
        name: judge(one, params.tasks.moderation, sides[1], sides[0], params.seed)[0] for name, one in fitted.items()
    }


def flags(model, texts):
    return flagged(model.pipeline.predict_proba(list(texts)), in_order(model.thresholds))


def toxic(sides):
    test = sides[1]
    return [text for text, labels in zip(test.texts, test.labels, strict=True) if labels[0]]


# Quality


@pytest.mark.parametrize("name", MODELS)
def test_the_figures_of_the_sample(name, figures):
    mean = figures[name]["held_out"]["mean"]
    assert mean["roc_auc"]["value"] > 0.92
    assert mean["average_precision"]["value"] > 0.3
    assert mean["ece"]["value"] < 0.03
    assert figures[name]["held_out"]["toxic"]["recall"]["value"] > 0.6


@pytest.mark.parametrize("name", MODELS)
def test_few_reviews_are_flagged_that_the_model_has_not_seen(name, figures):
    assert figures[name]["reviews"]["out_of_fold"]["share"]["value"] <= 0.005
    assert figures[name]["reviews"]["held_out"]["share"]["value"] <= 0.01


def test_probabilities_stand_for_natural_prevalence_and_not_for_the_table(model, sides):
    test = sides[1].chosen(~sides[1].review)
    said = model.pipeline.predict_proba(test.texts)[:, 0]
    assert test.labels[:, 0].mean() > 0.4
    assert said[test.labels[:, 0] == 0].mean() < 0.05


def test_every_label_is_told_from_mere_toxicity():
    """Each label has a model of its own: what is obscene but meant for nobody is not called an insult."""
    # Held by the sample itself; see its sheet.
    table = read_comments(COMMENTS, "comments.csv", load_params(PROJECT / "params.yaml").tasks.moderation.prepare)
    assert sum(comment.labels == (0, 0, 1, 0, 0, 0) for comment in table.comments) >= 10


# Metamorphic: changes that mean nothing


def test_shouting_changes_nothing(model, sides):
    texts = toxic(sides)
    calm, loud = (model.pipeline.predict_proba(cased) for cased in (texts, [text.upper() for text in texts]))
    assert np.abs(calm - loud).max() < 1e-9


def test_spaces_change_nothing(model, sides):
    texts = toxic(sides)
    plain, spaced = (
        model.pipeline.predict_proba(one) for one in (texts, ["  " + text.replace(" ", "   ") for text in texts])
    )
    assert np.abs(plain - spaced).max() < 1e-9


def test_an_exclamation_seldom_changes_a_flag(model, sides):
    texts = toxic(sides)
    assert np.mean(flags(model, texts) != flags(model, [text.rstrip(".!? ") + "!!" for text in texts])) <= 0.1


def test_a_friendly_frame_does_not_hide_an_insult(model):
    framed = ["You are an idiot.", "Thanks for the edit. You are an idiot.", "you are an IDIOT, sir"]
    assert flags(model, framed).sum() >= 2


IDIOMS = [
    "The tart is to die for.",
    "Killer burger!",
    "Damn good steak.",
    "I would kill for those fries.",
    "Drop dead gorgeous.",
]


def test_idioms_of_praise_are_not_flagged(model):
    assert flags(model, IDIOMS).sum() <= 1


HARSH = [
    "Terrible food, slow service, never again.",
    "The soup was disgusting and the room was dirty.",
    "I hated the decor, and the bill was a bad joke.",
    "Worst lunch in years, and they would not say sorry.",
]


def test_a_harsh_review_is_no_abuse(model):
    assert not flags(model, HARSH).any()


NAMES = ("gay", "Jewish", "Muslim", "black", "deaf", "Christian", "German", "tall", "retired")


@pytest.mark.parametrize("frame", ["I am a {} man and I liked the soup.", "My {} neighbour runs a bakery."])
def test_the_name_of_a_group_is_no_reason_to_flag(frame, model):
    texts = [frame.format(name) for name in NAMES]
    assert not flags(model, texts).any()
    assert np.ptp(model.pipeline.predict_proba(texts)[:, 0]) < 0.15


# What cannot be had from a bag of words, written down so that nobody takes it for granted


def test_a_negated_insult_is_taken_for_less_of_one(fitted):
    """Less, but not for none: the model card says so."""
    insult, negated = fitted["v1"].pipeline.predict_proba(["You are an idiot.", "You are not an idiot."])[:, 0]
    assert negated < insult


# Serving


@pytest.mark.parametrize("name", MODELS)
def test_serving_answers_as_training_on_the_held_out_side(name, trained):
    pipeline = load_fitted(trained.project / "models" / "moderation" / f"{name}.joblib").pipeline
    scorer = Scorer(load_bundle(trained.registry.bundle_folder(trained.registry.resolve(f"moderation/{name}"))))
    scorer.check_golden()
    texts = read_side(trained.project / "data" / "moderation" / "test.csv").texts
    assert np.abs(scorer.probabilities_of_many(texts) - pipeline.predict_proba(texts)).max() <= 1e-12
    assert scorer.labels == LABELS
    assert (scorer.manifest.hidden > 0) == (name == "mlp")
    assert scorer.manifest.languages == ("en",)
    assert set(scorer.manifest.thresholds) == set(LABELS)


# Reviews from elsewhere


@pytest.mark.shared_data
def test_hardly_any_review_from_elsewhere_is_flagged(model):
    found = [folder / HISTORIC for folder in CHECKOUT.parents if (folder / HISTORIC).is_file()]
    if not found:
        pytest.skip(f"the published data set is not here: put it at {HISTORIC} beside the checkout")
    table = read_table(found[0], name="historic.tsv", max_chars=10_000, least_per_label=10)
    # 1 % is what is aimed at; 900 reviews tell it to half a percent.
    assert flags(model, [review.text for review in table.reviews]).mean() <= 0.015
