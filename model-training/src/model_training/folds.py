"""Fitting models on folds, in parallel. Each fit starts from raw texts, so nothing of a fold's test side is learnt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from joblib import Parallel, delayed  # type: ignore[import-untyped]  # joblib publishes no types
from lib_ml.training import PipelineParams, build_pipeline
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedStratifiedKFold, train_test_split

from model_training.progress import track

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """`shares`: parts of the first repeat's training sides that the learning curve is drawn at."""

    folds: int
    repeats: int
    seed: int
    shares: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Fit:
    """One fit to do: `share` < 1 is for the learning curve only."""

    model: str
    fold: int
    share: float
    train: IntArray
    test: IntArray


@dataclass(frozen=True)
class Outcome:
    """`probabilities` of label 1 for the texts at `fit.test`; `on_train` those for `fit.train`, first repeat only."""

    fit: Fit
    probabilities: FloatArray
    on_train: FloatArray | None


@dataclass
class Outcomes:
    """All outcomes of one model, by fold."""

    whole: dict[int, Outcome] = field(default_factory=dict)
    parts: dict[float, list[Outcome]] = field(default_factory=dict)


def cross_validate(
    models: Mapping[str, PipelineParams], texts: Sequence[str], labels: Sequence[int], plan: Plan, jobs: int
) -> dict[str, Outcomes]:
    """Fits every model on every fold. The folds are the same for all models, so figures can be compared by pairs."""
    fits = [fit for model in models for fit in _fits(model, labels, plan)]
    outcomes = {model: Outcomes() for model in models}
    work = (delayed(_carry_out)(fit, models[fit.model], texts, labels, plan) for fit in fits)
    for outcome in track(Parallel(n_jobs=jobs, return_as="generator")(work), len(fits), "folds"):
        mine, fit = outcomes[outcome.fit.model], outcome.fit
        if fit.share == 1:
            mine.whole[fit.fold] = outcome
        if fit.fold < plan.folds and fit.share in plan.shares:
            mine.parts.setdefault(fit.share, []).append(outcome)
    return outcomes


def _fits(model: str, labels: Sequence[int], plan: Plan) -> Iterator[Fit]:
    splitter = RepeatedStratifiedKFold(n_splits=plan.folds, n_repeats=plan.repeats, random_state=plan.seed)
    truth = np.asarray(labels)
    for fold, (train, test) in enumerate(splitter.split(truth, truth)):
        yield Fit(model, fold, 1.0, train, test)
        for share in plan.shares:
            if fold < plan.folds and share < 1:
                part, _ = train_test_split(train, train_size=share, random_state=plan.seed, stratify=truth[train])
                yield Fit(model, fold, share, part, test)


def _carry_out(fit: Fit, params: PipelineParams, texts: Sequence[str], labels: Sequence[int], plan: Plan) -> Outcome:
    pipeline = build_pipeline(params, seed=plan.seed)
    learnt = [texts[at] for at in fit.train]
    pipeline.fit(learnt, [labels[at] for at in fit.train])
    on_train = pipeline.predict_proba(learnt)[:, 1] if fit.fold < plan.folds else None
    return Outcome(fit, pipeline.predict_proba([texts[at] for at in fit.test])[:, 1], on_train)
