"""params.yaml, checked: everything that decides about data and models."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from lib_ml.manifest import Closed, Name, Sha256
from lib_ml.training import PipelineParams
from lib_ml.training.parameters import NetworkParams, PerLabelRegressionParams
from pydantic import Field, ValidationError, field_validator, model_validator

from model_training.moderation.labels import LABELS, ModerationLabel
from model_training.refusal import TrainingRefused

Share = Annotated[float, Field(gt=0, le=1)]
Prevalence = Annotated[float, Field(gt=0, lt=1)]


class Published(Closed):
    """A file on the web, taken only when its sha256 is the one named here."""

    url: str = Field(pattern=r"^https?://[^\s/]+/\S*[^\s/]$")
    sha256: Sha256
    timeout_s: float = Field(default=10, gt=0)
    deadline_s: float = Field(default=120, gt=0)
    max_megabytes: float = Field(default=50, gt=0)


class Data(Closed):
    """Where a task's table comes from. Relative paths start at model-training/."""

    source: Literal["sample", "published", "path"]
    sample: str
    published: Published | None = None
    path: str | None = None

    @model_validator(mode="after")
    def _source_is_there(self) -> Self:
        if self.source == "path" and not self.path:
            raise ValueError("source is 'path', so path must name a file")
        if self.source == "published" and not self.published:
            raise ValueError("source is 'published', so published must name a url and its sha256")
        return self


class ModerationData(Data):
    """`reviews`: tables of restaurant reviews, which join the comments as clean examples."""

    reviews: tuple[str, ...] = Field(min_length=1)


class Prepare(Closed):
    test_share: float = Field(gt=0, lt=1)
    max_chars: int = Field(ge=1)
    least_per_label: int = Field(ge=10)  # fewer leave a fold or the test side without one of the labels


class Evaluation(Closed):
    folds: int = Field(ge=2, le=10)
    repeats: int = Field(ge=1)
    calibration_bins: int = Field(ge=2)
    learning_curve: tuple[Share, ...] = Field(min_length=1)


class Calibration(Closed):
    """From log-odds of texts that a fold's model has not seen to probabilities and thresholds.

    `most_reviews_flagged`: the share of restaurant reviews that any label's threshold may be reached by.
    `least_threshold`: no flag for a smaller probability, however few comments carry a label.
    """

    folds: int = Field(ge=2, le=10)
    least_threshold: float = Field(gt=0, lt=1)
    most_reviews_flagged: float = Field(gt=0, lt=1)


class ModerationEvaluation(Closed):
    """`resamples`: of the held-out comments, for the intervals."""

    calibration_bins: int = Field(ge=2)
    resamples: int = Field(ge=100)


class Publish(Closed):
    models: tuple[str, ...]
    experiments: bool = False


class TaskParams(Closed):
    """What both tasks have. A model's version is its key under `models`."""

    prepare: Prepare
    models: dict[Name, PipelineParams] = Field(min_length=1)
    publish: Publish

    @field_validator("models", mode="before")
    @classmethod
    def _version_is_the_key(cls, models: Any) -> Any:  # noqa: ANN401 - not checked yet
        if not isinstance(models, dict):
            return models
        return {
            key: {"version": key, "name": cls.name(), **section} if isinstance(section, dict) else section
            for key, section in models.items()
        }

    @model_validator(mode="after")
    def _published_models_exist(self) -> Self:
        if unknown := set(self.publish.models) - set(self.models):
            raise ValueError(f"publish.models names {sorted(unknown)}, which models does not have")
        return self

    @classmethod
    def name(cls) -> str:
        """What the task, and so its models, are called."""
        raise NotImplementedError


class SentimentParams(TaskParams):
    data: Data
    evaluation: Evaluation

    @classmethod
    def name(cls) -> str:
        return "sentiment"


class ModerationParams(TaskParams):
    """`natural_prevalence`: the share of texts with each label where the model will serve, not in the table."""

    data: ModerationData
    natural_prevalence: dict[ModerationLabel, Prevalence] = Field(min_length=len(LABELS))
    calibration: Calibration
    evaluation: ModerationEvaluation

    @classmethod
    def name(cls) -> str:
        return "moderation"

    @model_validator(mode="after")
    def _models_of_several_labels(self) -> Self:
        for key, model in self.models.items():
            if not isinstance(model.classifier, PerLabelRegressionParams | NetworkParams):
                message = f"models.{key}: several labels need logistic_regression_per_label or mlp"
                raise ValueError(message)  # noqa: TRY004 - pydantic takes no other
        return self


class Tasks(Closed):
    sentiment: SentimentParams
    moderation: ModerationParams


class Params(Closed):
    """The whole file."""

    seed: int = Field(ge=0, lt=2**32)
    tasks: Tasks


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Reads and checks params.yaml. Raises TrainingRefused naming the key at fault."""
    try:
        return Params.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in fault["loc"])
        raise TrainingRefused(f"{path.name}: {where}: {fault['msg']}") from error
    except yaml.YAMLError as error:
        raise TrainingRefused(f"{path.name}: not YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise TrainingRefused(f"{path}: {error.strerror}") from error
