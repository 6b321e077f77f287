"""What a data scientist may decide about one model: a section of params.yaml, checked."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lib_ml.manifest import (
    CharacterFeatures,
    Closed,
    Features,
    Name,
    NgramRange,
    ValenceFeatures,
    Version,
    WordFeatures,
)
from lib_ml.training.lexicons import LEXICONS

Count = Annotated[int, Field(ge=1)]


class WordParams(WordFeatures):
    """`ngrams`: [shortest, longest]. `min_count`: leave out terms that fewer texts hold.

    `max_terms`: keep only so many, those that weigh most in a first model of the training texts.
    """

    ngrams: NgramRange = (1, 1)
    min_count: Count = 1
    max_terms: Count | None = None


class CharacterParams(CharacterFeatures):
    ngrams: NgramRange = (2, 5)
    min_count: Count = 1
    max_terms: Count | None = None


class ValenceParams(ValenceFeatures):
    """`lexicons`: any of vader, afinn, textblob."""

    @model_validator(mode="after")
    def _known_lexicons(self) -> Self:
        if unknown := set(self.lexicons) - set(LEXICONS):
            raise ValueError(f"no lexicon {sorted(unknown)}: choose among {sorted(LEXICONS)}")
        return self


class LogisticRegressionParams(Closed):
    kind: Literal["logistic_regression"]
    C: float = Field(default=1.0, gt=0)
    max_iter: Count = 3000


class LinearSvmParams(Closed):
    """A linear SVM whose margin is turned into a probability by Platt's sigmoid, fitted on `folds` folds."""

    kind: Literal["linear_svm"]
    C: float = Field(default=1.0, gt=0)
    max_iter: Count = 10_000
    folds: int = Field(default=5, ge=2)


class NaiveBayesParams(Closed):
    kind: Literal["multinomial_nb", "complement_nb"]
    alpha: float = Field(default=1.0, gt=0)


class GaussianNaiveBayesParams(Closed):
    """For comparison only: quadratic in the counts, so it can't be folded, and publishing it is refused."""

    kind: Literal["gaussian_nb"]
    var_smoothing: float = Field(default=1e-9, gt=0)


class PerLabelRegressionParams(Closed):
    """For several labels: a logistic regression each. `log_count_ratio`: NB-SVM's scaling of the features."""

    kind: Literal["logistic_regression_per_label"]
    C: float = Field(default=1.0, gt=0)
    log_count_ratio: bool = False
    max_iter: Count = 1000


class NetworkParams(Closed):
    """For several labels: one hidden layer of `hidden` rectified linear units, `epochs` passes over the texts."""

    kind: Literal["mlp"]
    hidden: int = Field(default=16, ge=1, le=1024)
    alpha: float = Field(default=1e-4, ge=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    epochs: Count = 5
    batch: Count = 200


ClassifierParams = Annotated[
    LogisticRegressionParams
    | LinearSvmParams
    | NaiveBayesParams
    | GaussianNaiveBayesParams
    | PerLabelRegressionParams
    | NetworkParams,
    Field(discriminator="kind"),
]


class PipelineParams(Features):
    """One model: how it reads a text (`Features`), and which classifier learns from that."""

    name: Name = "sentiment"
    version: Version
    words: WordParams | None = None
    characters: CharacterParams | None = None
    valence: ValenceParams | None = None
    classifier: ClassifierParams

    @model_validator(mode="after")
    def _counts_are_not_negative(self) -> Self:
        if isinstance(self.classifier, NaiveBayesParams) and self.valence:
            raise ValueError(f"{self.classifier.kind} needs features of at least 0, and valence sums can be negative")
        return self

    def features(self) -> Features:
        """The part that a bundle carries: what must happen to a text at serving, too."""
        return Features.model_validate(
            {
                "negation_reach": self.negation_reach,
                "words": _as_served(self.words),
                "characters": _as_served(self.characters),
                "valence": self.valence and self.valence.model_dump(),
            }
        )


def _as_served(block: WordParams | CharacterParams | None) -> dict[str, object] | None:
    return block.model_dump(exclude={"min_count", "max_terms"}) if block else None
