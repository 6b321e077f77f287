"""What a bundle says of itself: `manifest.json`, checked against one closed schema."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FORMAT: Literal[1] = 1

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,8}$")]  # the primary subtag of a BCP 47 tag
Probability = Annotated[float, Field(ge=0, le=1)]
NgramRange = tuple[Annotated[int, Field(ge=1, le=10)], Annotated[int, Field(ge=1, le=10)]]


class Closed(BaseModel):
    """Immutable, and refuses a key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Ngrams(Closed):
    """One block of counted terms. `ngrams` is (shortest, longest), both included."""

    ngrams: NgramRange
    weighting: Literal["counts", "tfidf"] = "counts"
    sublinear: bool = False  # 1 + ln(count) instead of the count

    @model_validator(mode="after")
    def _in_order(self) -> "Ngrams":
        if self.ngrams[0] > self.ngrams[1]:
            raise ValueError("ngrams must be [shortest, longest]")
        return self


class WordFeatures(Ngrams):
    """Runs of words; `tag_negation` keeps a negated word apart from the plain one."""

    tag_negation: bool = False
    stop_words: bool = False  # leave out the words of stop_words.txt


class CharacterFeatures(Ngrams):
    """Runs of characters inside whitespace-separated chunks, as sklearn's char_wb."""


class ValenceFeatures(Closed):
    """Summed valence of sentiment lexicons: per lexicon positive and negative, inside and outside a negation."""

    lexicons: tuple[str, ...] = Field(min_length=1)
    scale: float = Field(default=0.3, gt=0)  # the sums would else outweigh the unit-length n-gram blocks
    before_but: float = Field(default=0.6, ge=0, le=1)  # what a word counts that a later "but" takes back


class Features(Closed):
    """How a text becomes numbers. At least one of the three blocks is there."""

    negation_reach: int = Field(default=0, ge=0, le=10)  # words after a negator that count as negated
    words: WordFeatures | None = None
    characters: CharacterFeatures | None = None
    valence: ValenceFeatures | None = None

    @model_validator(mode="after")
    def _some_block(self) -> "Features":
        if not (self.words or self.characters or self.valence):
            raise ValueError("a model needs words, characters or valence to read a text by")
        if self.words and self.words.tag_negation and not self.negation_reach:
            raise ValueError("words.tag_negation needs a negation_reach of at least 1")
        return self


class DataSource(Closed):
    """The table a model was trained on. `name` is the file's name without its folder; `rows` those it holds."""

    source: Literal["sample", "published", "path"]
    name: str = Field(min_length=1, max_length=255)
    rows: int = Field(ge=1)
    sha256: Sha256


class Metric(Closed):
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class Golden(Closed):
    """A text and the exact probability of each label: what a loaded model must answer before it may serve."""

    text: str
    probabilities: tuple[Probability, ...]


class TermCounts(Closed):
    """How many lines of vocabulary.txt belong to each block, in this order."""

    words: int = Field(default=0, ge=0, le=5_000_000)
    characters: int = Field(default=0, ge=0, le=5_000_000)
    valence: int = Field(default=0, ge=0, le=5_000_000)

    @property
    def total(self) -> int:
        return self.words + self.characters + self.valence


class Manifest(Closed):
    """`manifest.json`. Its sha256 names the bundle, and it names the sha256 of every other file.

    `hidden`: how many rectified linear units stand between the terms and the outputs; 0 for a linear model.
    """

    format: Annotated[int, Field(strict=True, ge=FORMAT, le=FORMAT)] = FORMAT
    name: Name
    version: Version
    task: Name
    labels: tuple[Label, ...] = Field(min_length=2, max_length=64)
    outputs: Literal["binary", "multilabel"]  # binary: one output, for labels[1]; else one for each label
    hidden: int = Field(default=0, ge=0, le=1024)
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1, max_length=64)
    lib_ml_version: str
    features: Features
    terms: TermCounts
    files: dict[str, Sha256]
    data: DataSource
    params: dict[str, Any]
    metrics: dict[str, Metric]
    thresholds: dict[str, Probability]
    golden: tuple[Golden, ...] = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Manifest":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels repeat")
        if self.outputs == "binary" and len(self.labels) != 2:  # noqa: PLR2004 - what binary means
            raise ValueError("a binary model has two labels")
        if any(len(golden.probabilities) != len(self.labels) for golden in self.golden):
            raise ValueError("each golden text needs a probability for every label")
        if not set(self.thresholds) <= set(self.labels):
            raise ValueError("thresholds name labels that the model does not have")
        for block in ("words", "characters", "valence"):
            if getattr(self.terms, block) and getattr(self.features, block) is None:
                raise ValueError(f"terms counts {block}, which features does not have")
        return self

    @property
    def output_columns(self) -> int:
        """How many log-odds the model gives."""
        return 1 if self.outputs == "binary" else len(self.labels)

    @property
    def columns(self) -> int:
        """How many weights a term has: one for each hidden unit, or for each output when there are none."""
        return self.hidden or self.output_columns
