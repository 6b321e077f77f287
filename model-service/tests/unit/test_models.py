"""Which models a service has, and what they are used for."""

import pytest
from lib_ml.bundle import load_bundle
from lib_ml.scorer import Scorer
from model_service.domain import MODERATION_LABELS, Model, Models

NETWORKS = {"logistic": "moderation/v1", "mlp": "moderation/mlp"}


@pytest.fixture
def model(bundles):
    return Model(Scorer(load_bundle(bundles["first"])))


def test_every_alias_has_one_place_however_often_it_is_used():
    models = Models("sentiment/v1", NETWORKS, moderation="logistic", shadow="moderation/mlp")
    assert [active.alias for active in models.all] == ["sentiment/v1", "moderation/v1", "moderation/mlp"]
    assert models.shadow is models.networks["mlp"]
    assert models.moderation is models.networks["logistic"]
    assert [models.uses(active) for active in models.all] == [
        ("predict",),
        ("classify", "network logistic"),
        ("shadow", "network mlp"),
    ]


def test_only_networks_must_have_the_six_labels_and_only_the_primary_must_be_there():
    models = Models("sentiment/v1", NETWORKS, moderation="mlp", shadow="sentiment/v2")
    assert models.primary.labels is None
    assert {active.labels for active in models.networks.values()} == {MODERATION_LABELS}
    assert [active.required for active in models.all] == [True, False, False, False]


def test_a_moderation_that_is_no_network_is_refused_naming_them():
    with pytest.raises(ValueError, match="'gpt' is none of the networks logistic, mlp"):
        Models("sentiment/v1", NETWORKS, moderation="gpt")


def test_a_service_may_have_no_networks_at_all():
    models = Models("sentiment/v1", {}, moderation="logistic")
    assert (models.networks, models.moderation, len(models.all)) == ({}, None, 1)


def test_a_bundle_that_some_alias_runs_is_found_by_its_hash(model):
    models = Models("sentiment/v1", shadow="sentiment/v2")
    assert models.loaded(model.sha256) is None
    models.shadow.swap(model, 1.0)
    assert models.loaded(model.sha256) is model


def test_in_step_means_running_what_is_wanted(model):
    active = Models("sentiment/v1").primary
    assert active.runs_the_wanted
    active.wanted = model.sha256
    assert not active.runs_the_wanted
    active.swap(model, 1.0)
    assert active.runs_the_wanted
