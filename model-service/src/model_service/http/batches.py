"""Many texts in one request: for each a verdict or a problem, in their order, written as they are scored."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from time import perf_counter, time
from typing import Any

import structlog
from lib_web.problems import Problem
from lib_web.text_body import text_fault
from pydantic_core import to_json

from model_service.domain import AnswerNotEncodable, ClassifierFailed, Model, Observer, PredictionIds
from model_service.domain.verdict import Classify, Tally
from model_service.http.problem_types import problem_of

__all__ = ["Batch", "Scoring"]

# A stream's lines go out together when they make so many bytes or the oldest has waited so long.
_CHUNK_BYTES = 32_768
_CHUNK_S = 0.02
# A tenth less than one by one without explanations; more at once no longer fit where the processor is quick.
_ENCODED_TOGETHER = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Scoring:
    """How texts are classified and observed; the same for every batch of a service."""

    classify: Classify
    ids: PredictionIds
    observer: Observer
    max_text_chars: int
    service_version: str


class Batch:
    """Texts for one model, also when it is swapped meanwhile."""

    def __init__(
        self, texts: Sequence[object], model: Model, scoring: Scoring, where: dict[str, Any], *, explain: bool
    ) -> None:
        """`where`: the members instance and request_id of its problems."""
        self._texts = texts
        self._explain = explain
        self._model = model
        self._scoring = scoring
        self._where = where
        self._tally = Tally(model.version)
        self.characters = sum([len(text) for text in texts if isinstance(text, str)])

    @property
    def answered(self) -> int:
        """How many got a verdict so far."""
        return len(self._tally.seconds)

    def document(self) -> bytes:
        """All results as one JSON document."""
        results = self._results()
        parts = iter(lambda: [*islice(results, _ENCODED_TOGETHER)], [])
        return b'{"results":[' + b",".join([to_json(part)[1:-1] for part in parts]) + b"]}"

    def lines(self) -> Generator[bytes]:
        """One JSON line a text, some lines at a time; closing it ends the work."""
        started = since = perf_counter()
        chunk, size = list[bytes](), 0
        with closing(self._results()) as results:
            for result in results:
                line = to_json(result)
                chunk.append(line)
                size += len(line)
                if size > _CHUNK_BYTES or perf_counter() - since > _CHUNK_S:
                    yield b"\n".join((*chunk, b""))
                    chunk, size, since = [], 0, perf_counter()
        if chunk:
            yield b"\n".join((*chunk, b""))
        milliseconds = round((perf_counter() - started) * 1000, 3)
        log.info("batch_streamed", texts=len(self._texts), answered=self.answered, ms=milliseconds, **self._where)

    def _results(self) -> Generator[dict[str, Any]]:
        longest, version = self._scoring.max_text_chars, self._scoring.service_version
        model, index_of = self._model, self._model.label_index
        issue = self._scoring.ids.issuer(model.id_bytes, len(model.labels), time(), len(self._texts))
        try:
            for place, text in enumerate(self._texts):
                fault = text_fault(text, longest)
                if fault is not None:
                    yield self._refusal(place, fault)
                    continue
                started = perf_counter()
                try:
                    verdict = self._scoring.classify(str(text), model, explain=self._explain)
                except (ClassifierFailed, AnswerNotEncodable) as failure:
                    yield self._rendered(problem_of(failure), place, "The model failed on this text.")
                    continue
                self._tally.add(verdict, perf_counter() - started)
                yield {"id": issue(index_of[verdict["label"]]), **verdict, "service_version": version}
        finally:
            # What a client did not wait for was predicted, too.
            self._scoring.observer.predicted_many(self._tally)

    def _refusal(self, place: int, fault: str) -> dict[str, Any]:
        detail = f"The text does not fit: texts.{place}."
        return self._rendered(Problem(422, "Unprocessable Content", detail), place, fault)

    def _rendered(self, problem: Problem, place: int, fault: str) -> dict[str, Any]:
        errors = [{"field": f"texts.{place}", "detail": fault}]
        return problem.document() | self._where | {"errors": errors}
