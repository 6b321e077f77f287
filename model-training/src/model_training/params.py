"""params.yaml, checked: everything that decides about data and models."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from lib_ml.manifest import Closed, Name, Sha256
from lib_ml.training import PipelineParams
from pydantic import Field, ValidationError, field_validator, model_validator

from model_training.refusal import TrainingRefused

Share = Annotated[float, Field(gt=0, le=1)]


class Published(Closed):
    """A file on the web, taken only when its sha256 is the one named here."""

    url: str = Field(pattern=r"^https?://[^\s/]+/\S*[^\s/]$")
    sha256: Sha256
    timeout_s: float = Field(default=10, gt=0)
    deadline_s: float = Field(default=120, gt=0)
    max_megabytes: float = Field(default=50, gt=0)


class Data(Closed):
    """Where the reviews come from. Relative paths start at model-training/."""

    source: Literal["sample", "published", "path"]
    sample: str
    published: Published
    path: str | None = None

    @model_validator(mode="after")
    def _path_is_there_when_needed(self) -> Self:
        if self.source == "path" and not self.path:
            raise ValueError("source is 'path', so path must name a file")
        return self


class Prepare(Closed):
    test_share: float = Field(gt=0, lt=1)
    max_chars: int = Field(ge=1)
    least_per_label: int = Field(ge=10)  # fewer leave a fold or the test side without one of the labels


class Evaluation(Closed):
    folds: int = Field(ge=2, le=10)
    repeats: int = Field(ge=1)
    calibration_bins: int = Field(ge=2)
    learning_curve: tuple[Share, ...] = Field(min_length=1)


class Publish(Closed):
    task: Name
    models: tuple[str, ...]
    experiments: bool = False


class Params(Closed):
    """The whole file. A model's version is its key under `models`."""

    seed: int = Field(ge=0, lt=2**32)
    data: Data
    prepare: Prepare
    evaluation: Evaluation
    models: dict[Name, PipelineParams] = Field(min_length=1)
    publish: Publish

    @field_validator("models", mode="before")
    @classmethod
    def _version_is_the_key(cls, models: Any) -> Any:  # noqa: ANN401 - not checked yet
        if not isinstance(models, dict):
            return models
        return {
            key: {"version": key, **section} if isinstance(section, dict) else section
            for key, section in models.items()
        }

    @model_validator(mode="after")
    def _published_models_exist(self) -> Self:
        if unknown := set(self.publish.models) - set(self.models):
            raise ValueError(f"publish.models names {sorted(unknown)}, which models does not have")
        return self


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
