"""params.yaml and the environment: what is refused, and that the refusal names the key."""

import os
from pathlib import Path

import pytest
from model_training.params import load_params
from model_training.refusal import TrainingRefused
from model_training.repro import data_path, name_data
from model_training.settings import settings_from
from ruamel.yaml import YAML

PARAMS = Path(__file__).parents[2] / "params.yaml"


def changed(tmp_path, key, value):
    document = YAML().load(PARAMS.read_text(encoding="utf-8"))
    *above, last = key.split(".")
    section = document
    for step in above:
        section = section[step]
    section[last] = value
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(document, stream)
    return tmp_path / "params.yaml"


def test_the_shipped_parameters_are_valid_and_start_with_the_sample():
    params = load_params(PARAMS)
    assert (params.tasks.sentiment.data.source, params.tasks.moderation.data.source) == ("sample", "sample")
    named = [(key, model.name, model.version) for key, model in params.tasks.sentiment.models.items()]
    assert named == [("v1", "sentiment", "v1"), ("v2", "sentiment", "v2")]
    named = [(key, model.name, model.version) for key, model in params.tasks.moderation.models.items()]
    assert named == [("v1", "moderation", "v1"), ("mlp", "moderation", "mlp")]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("tasks.sentiment.data.source", "web", "data.source"),
        ("tasks.sentiment.data.source", "path", "data: Value error, source is 'path', so path must name a file"),
        ("tasks.sentiment.data.published.url", "ftp://host/file.tsv", "data.published.url"),
        ("tasks.sentiment.data.published.sha256", "abc", "data.published.sha256"),
        ("tasks.sentiment.prepare.test_share", 1.5, "prepare.test_share"),
        ("tasks.sentiment.prepare.least_per_label", 2, "prepare.least_per_label"),
        ("tasks.sentiment.evaluation.folds", 1, "evaluation.folds"),
        ("tasks.sentiment.models.v2.classifier.C", -1, "models.v2.classifier.logistic_regression.C"),
        (
            "tasks.sentiment.models.v2.classifier.penalty",
            "l1",
            "logistic_regression.penalty: Extra inputs",
        ),
        ("tasks.sentiment.models.v2.valence.lexicons", ["mine"], "models.v2.valence: Value error, no lexicon ['mine']"),
        ("tasks.sentiment.models.v1", None, "models.v1"),
        ("tasks.sentiment.publish.models", ["v3"], "Value error, publish.models names ['v3']"),
        ("seed", "x", "seed"),
        (
            "tasks.moderation.data.source",
            "published",
            "source is 'published', so published must",
        ),
        ("tasks.moderation.data.reviews", [], "tasks.moderation.data.reviews"),
        ("tasks.moderation.natural_prevalence", {"toxic": 0.1}, "tasks.moderation.natural_prevalence"),
        ("tasks.moderation.natural_prevalence.threat", 0, "tasks.moderation.natural_prevalence.threat"),
        ("tasks.moderation.natural_prevalence.rude", 0.1, "tasks.moderation.natural_prevalence.rude"),
        ("tasks.moderation.calibration.folds", 1, "tasks.moderation.calibration.folds"),
        ("tasks.moderation.evaluation.resamples", 1, "tasks.moderation.evaluation.resamples"),
        ("tasks.moderation.models.mlp.classifier.hidden", 0, "classifier.mlp.hidden"),
        ("tasks.moderation.models.v1.words.max_terms", 0, "words.max_terms"),
        ("tasks.moderation.models.v1.classifier", {"kind": "logistic_regression"}, "models.v1: several labels need"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(key, value, expected, tmp_path):
    with pytest.raises(TrainingRefused) as refused:
        load_params(changed(tmp_path, key, value))
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["tasks: [", "[]", "", "tasks: 3"])
def test_a_file_that_is_no_parameters_is_refused(content, tmp_path):
    (tmp_path / "params.yaml").write_text(content)
    with pytest.raises(TrainingRefused, match=r"^params\.yaml: "):
        load_params(tmp_path / "params.yaml")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TrainingRefused, match="No such file"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize("task", ["sentiment", "moderation"])
def test_naming_data_changes_two_values_and_keeps_every_comment(task, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text(PARAMS.read_text(encoding="utf-8"), encoding="utf-8")
    name_data(params, task, "/data/it's: #mine.tsv")
    data = getattr(load_params(params).tasks, task).data
    assert (data.source, data.path) == ("path", "/data/it's: #mine.tsv")
    before, after = PARAMS.read_text(encoding="utf-8").splitlines(), params.read_text(encoding="utf-8").splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 2
    (source, named), _ = changed
    assert source.partition("#")[2] == named.partition("#")[2]


def test_a_path_beside_the_checkout_is_kept_relative_and_a_far_one_absolute(tmp_path):
    project = tmp_path / "home" / "checkout" / "model-training"
    project.mkdir(parents=True)
    assert data_path(project, tmp_path / "home" / "data.tsv") == os.path.join("..", "..", "data.tsv")  # noqa: PTH118
    assert data_path(project, tmp_path / "data.tsv") == str(tmp_path / "data.tsv")


def test_the_registry_lies_in_the_checkout_unless_the_environment_says_otherwise(tmp_path, monkeypatch):
    project = tmp_path / "model-training"
    project.mkdir()
    monkeypatch.chdir(project)
    assert settings_from({}).registry.resolve() == tmp_path / ".palate" / "registry"
    assert settings_from({"PALATE_REGISTRY": "/r"}).registry == Path("/r")


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_jobs_is_refused(jobs):
    with pytest.raises(TrainingRefused, match="MODEL_TRAINING_JOBS"):
        settings_from({"MODEL_TRAINING_JOBS": jobs})


def test_jobs_are_the_cores_at_hand_unless_set():
    assert settings_from({}).jobs >= 1
    assert settings_from({"MODEL_TRAINING_JOBS": "3"}).jobs == 3


def test_an_unreadable_signing_key_is_refused(tmp_path):
    with pytest.raises(TrainingRefused, match="MODEL_TRAINING_SIGNING_KEY_FILE"):
        settings_from({"MODEL_TRAINING_SIGNING_KEY_FILE": str(tmp_path / "none.pem")})
