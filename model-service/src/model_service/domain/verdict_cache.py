"""Verdicts kept for texts that come again, word for word or nearly."""

from collections.abc import Callable, Iterable
from math import log
from time import perf_counter
from typing import Any, Literal, Protocol
from weakref import WeakKeyDictionary, finalize

from lib_ml.scorer import INTERCEPT, OTHER
from lib_ml.text import clean, words
from pydantic_core import from_json, to_json

from model_service.domain.active_model import Model
from model_service.domain.near_duplicates import Guard, LookUp, NearDuplicates, Standing
from model_service.domain.verdict import Classify, TermWeight, Verdict

__all__ = ["CacheObserver", "CachedVerdicts", "Result"]

Result = Literal["exact", "near", "miss"]

MIN_CHARS = 20  # in a shorter text one edit is much of the meaning, and it is scored quickly
# `auto` keeps the verdicts of a model when the look-ups pay from this share of hits on.
WORTH_IT = 0.2
_ROUNDS = 5
_ALMOST_0, _ALMOST_1 = 1e-300, 1 - 1e-16


class CacheObserver(Protocol):
    """Told of each look-up. Must be quick, never raise, and keep nothing of a text."""

    def looked_up(self, model: Model, result: Result, seconds: float) -> None: ...

    def kept(self, name: str, version: str, entries: int) -> None:
        """How many verdicts of the model with that name and version are kept now."""


class CachedVerdicts:
    """Classifies, and remembers: a text that came before, or nearly, gets the verdict of then.

    Verdicts without an explanation are neither kept nor looked up: they are cheap, and who asks for them wants exact
    numbers. Each model has a memory of its own, which goes with it.
    """

    def __init__(
        self,
        classify: Classify,
        observer: CacheObserver,
        *,
        always: bool,
        entries: int,
        max_distance: float,
    ) -> None:
        """`always`: for every model; else only for those whose scoring is much dearer than a look-up."""
        self._classify = classify
        self._observer = observer
        self._always = always
        self._entries = entries
        self._max_distance = max_distance
        self._memories: WeakKeyDictionary[Model, NearDuplicates | None] = WeakKeyDictionary()

    def prepare(self, model: Model) -> None:
        """Decide whether the model's verdicts are kept: takes milliseconds, so before it answers."""
        worth_it = self._always or self.break_even(model) <= WORTH_IT
        self._memories[model] = self._memory(model) if worth_it else None
        gone = finalize(model, self._observer.kept, model.name, model.version, 0)
        # With the process itself, its metrics are gone before.
        gone.atexit = False

    def break_even(self, model: Model) -> float:
        """The share of hits from which on look-ups pay: the time of one by that of scoring a text, on golden texts."""
        texts = [golden.text for golden in model.scorer.manifest.golden if len(golden.text) >= MIN_CHARS]
        if not texts:
            return 1.0
        verdicts = {text: self._classify(text, model) for text in texts}

        def miss() -> None:
            memory = self._memory(model, guard)
            for text in texts:
                _keep(memory, clean(text), memory.look_up(clean(text)).key, verdicts[text], model)

        def score() -> None:
            for text in texts:
                self._classify(text, model)

        guard = Guard(model.scorer)
        miss()  # its words are weighed once
        return _seconds(miss) / _seconds(score)

    def classify(self, text: str, model: Model, *, explain: bool = True) -> Verdict:
        """`model`'s verdict on `text`; with "cached" when it was given before."""
        memory = self._memories.get(model) if explain else None
        if memory is None or len(text) < MIN_CHARS:
            return self._classify(text, model, explain=explain)
        started = perf_counter()
        cleaned = clean(text)
        found = memory.look_up(cleaned)
        if found.value is not None:
            verdict = _served(found, found.value, cleaned, model)
            self._observer.looked_up(model, "near" if found.distance else "exact", perf_counter() - started)
            return verdict
        self._observer.looked_up(model, "miss", perf_counter() - started)
        verdict = self._classify(text, model)
        _keep(memory, cleaned, found.key, verdict, model)
        self._observer.kept(model.name, model.version, len(memory))
        return verdict

    def _memory(self, model: Model, guard: Guard | None = None) -> NearDuplicates:
        guard = guard or Guard(model.scorer)
        return NearDuplicates(guard, entries=self._entries, max_distance=self._max_distance)


def _served(found: LookUp, value: bytes, cleaned: str, model: Model) -> Verdict:
    verdict: Verdict = from_json(value)
    verdict["model"] = model.card
    verdict["cached"] = {"distance": found.distance}
    if found.distance:
        verdict["explanation"] = _own_words(verdict["explanation"], cleaned)
    return verdict


def _keep(memory: NearDuplicates, cleaned: str, key: str, verdict: Verdict, model: Model) -> None:
    # As bytes: thousands of verdicts as objects would be walked through at every full collection of garbage.
    kept: dict[str, Any] = {name: part for name, part in verdict.items() if name != "model"}
    memory.keep(cleaned, key, to_json(kept), standing(verdict, model.thresholds))


def standing(verdict: Verdict, thresholds: Iterable[float]) -> Standing:
    """`lead`: how far the labels may move, each by itself, before the likeliest or a flag changes."""
    log_odds = [_log_odds(probability) for probability in verdict["labels"].values()]
    first, second = sorted(log_odds)[:-3:-1]
    borders = (abs(ours - _log_odds(border)) for ours, border in zip(log_odds, thresholds, strict=True))
    return Standing(min((first - second) / 2, *borders), max(map(abs, log_odds)))


def _log_odds(probability: float) -> float:
    probability = min(max(probability, _ALMOST_0), _ALMOST_1)
    return log(probability / (1 - probability))


def _own_words(explanation: list[TermWeight], cleaned: str) -> list[TermWeight]:
    """Only terms that this text has; what the other text's weighed joins "(other)", so that the sum stays."""
    own = {*words(cleaned), *cleaned.split(), INTERCEPT}
    kept = [part for part in explanation if part["term"] in own]
    other = sum(part["weight"] for part in explanation if part["term"] not in own)
    if other:
        kept.insert(len(kept) - 1, {"term": OTHER, "weight": other})
    return kept


def _seconds(call: Callable[[], None]) -> float:
    """The quickest of a few: what else the machine does only adds."""
    times = []
    for _ in range(_ROUNDS):
        started = perf_counter()
        call()
        times.append(perf_counter() - started)
    return min(times)
