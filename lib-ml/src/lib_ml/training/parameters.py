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
    """`ngrams`: [shortest, longest]. `min_count`: leave out terms that fewer texts hold."""

    ngrams: NgramRange = (1, 1)
    min_count: Count = 1


class CharacterParams(CharacterFeatures):
    ngrams: NgramRange = (2, 5)
    min_count: Count = 1


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


ClassifierParams = Annotated[
    LogisticRegressionParams | LinearSvmParams | NaiveBayesParams | GaussianNaiveBayesParams,
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
                "words": _without_min_count(self.words),
                "characters": _without_min_count(self.characters),
                "valence": self.valence and self.valence.model_dump(),
            }
        )


def _without_min_count(block: WordParams | CharacterParams | None) -> dict[str, object] | None:
    return block.model_dump(exclude={"min_count"}) if block else None
