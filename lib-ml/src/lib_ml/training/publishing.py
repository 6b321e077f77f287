"""From a fitted pipeline to a bundle on disk, proved equal to the pipeline before it is called done."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sklearn.pipeline import Pipeline

from lib_ml.bundle import encode_files, lib_ml_version, load_bundle, sha256_of, write_bundle
from lib_ml.manifest import DataSource, Golden, Manifest, Metric
from lib_ml.scorer import GOLDEN_TOLERANCE, Scorer
from lib_ml.training.folding import CannotFold, fold
from lib_ml.training.parameters import PipelineParams

# Written for this purpose and in no training set: what a model must still answer exactly after every copy and load.
GOLDEN_TEXTS = (
    "",
    "Lovely food, kind staff, fair prices. We'll be back!",
    "Cold soup, rude waiter, and we waited an hour. Never again.",
    "Not bad at all, but the room was far too loud.",
    "I can't say that I didn't enjoy it.",
    "the decor is nice but the pasta wasn't worth the money :(",
    "İstanbul'da değil, café crème brûlée 😋🍕",
    "Wow... JUST WOW!!! 10/10",
    "a\u0301 e\u0308\u202e tfel ot thgir \u05d8\u05e2\u05d9\u05dd",
    "word " * 400,
)


class NotEqual(CannotFold):
    """The compiled scorer and the pipeline differ on a text: a fault in folding, never to be published."""


def compile_bundle(
    pipeline: Pipeline,
    params: PipelineParams,
    folder: Path,
    *,
    task: str,
    labels: Sequence[str],
    data: DataSource,
    metrics: Mapping[str, Metric],
    texts: Sequence[str],
    multilabel: bool = False,
    thresholds: Mapping[str, float] | None = None,
    languages: Sequence[str] = ("en",),
    signing_key: bytes | None = None,
) -> str:
    """Folds `pipeline` into a bundle in `folder` and returns its sha256.

    `thresholds`: for each label (a binary model: the second) the probability from which it counts as given; 0.5 each
    unless told. `languages`: primary BCP 47 subtags.
    Then loads it again and compares it with the pipeline on all `texts` and the golden ones. Raises CannotFold when
    the classifier can't be folded, NotEqual when a probability differs by more than 1e-12.
    """
    folded = fold(pipeline)
    contents = encode_files(folded.vocabulary, folded.arrays)
    manifest = Manifest(
        name=params.name,
        version=params.version,
        task=task,
        labels=tuple(labels),
        outputs="multilabel" if multilabel else "binary",
        hidden=folded.hidden,
        languages=tuple(languages),
        lib_ml_version=lib_ml_version(),
        features=params.features(),
        terms=folded.terms,
        files={name: sha256_of(content) for name, content in contents.items()},
        data=data,
        params=params.model_dump(mode="json"),
        metrics=dict(metrics),
        thresholds=dict(thresholds or dict.fromkeys(labels if multilabel else labels[1:], 0.5)),
        golden=_golden(pipeline),
    )
    sha256 = write_bundle(folder, manifest, contents, signing_key=signing_key)
    check_equal(Scorer(load_bundle(folder)), pipeline, [*texts, *GOLDEN_TEXTS])
    return sha256


def check_equal(scorer: Scorer, pipeline: Pipeline, texts: Sequence[str]) -> float:
    """The largest difference in any probability between the two. Raises NotEqual when it is above 1e-12."""
    expected = pipeline.predict_proba(list(texts))
    worst = max(scorer.difference(text, row) for text, row in zip(texts, expected.tolist(), strict=True))
    if not worst <= GOLDEN_TOLERANCE:
        raise NotEqual(f"the compiled scorer differs from the pipeline by {worst:.3g} on one of {len(texts)} texts")
    return worst


def _golden(pipeline: Pipeline) -> tuple[Golden, ...]:
    rows = pipeline.predict_proba(list(GOLDEN_TEXTS))
    return tuple(
        Golden(text=text, probabilities=tuple(row.tolist())) for text, row in zip(GOLDEN_TEXTS, rows, strict=True)
    )
