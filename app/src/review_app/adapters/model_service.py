"""The model-service's client: one deadline per call, answers bounded in size and checked in shape."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import httpcore
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from pydantic import ValidationError
from pydantic_core import to_json

from review_app.adapters.deadline import DeadlineNetwork, deadline, remaining_s
from review_app.adapters.model_answers import (
    Answer,
    FeedbackAnswer,
    ModerationAnswer,
    VerdictAnswer,
    VersionAnswer,
)
from review_app.domain.breaker import Breaker
from review_app.domain.feedback import FeedbackRefused
from review_app.domain.model_release import LastSeenModel, ModelRelease
from review_app.domain.moderation import Moderation
from review_app.domain.verdict import ModelUnavailable, Sentiment, Verdict

A = TypeVar("A", bound=Answer)
CLASSIFY = "/classify"
MAX_ANSWER_BYTES = 262_144
# The reviewer waits for it after the verdict; without it the review is only held back.
MODERATION_TIMEOUT_S = 0.5
OK, CLIENT_ERROR, SERVER_ERROR, TIMED_OUT, TOO_MANY = 200, 400, 500, 408, 429
# The calls' latency objectives, seconds; the last edge is the deadline's default.
LATENCY_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.8)
# A kept connection may have died while it was idle; one fresh one is worth a try.
BROKEN_CONNECTION = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)

log = structlog.get_logger()


class ModelService:
    """The model-service at `url`, as Critic, ModerationModel, FeedbackSink and ModelReleases.

    A call lasts `timeout_s` at most, whatever the far side does. Nothing is opened before the first call.
    Without a `token` it moderates nothing.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        timeout_s: float,
        connections: int,
        seen: LastSeenModel,
        registry: CollectorRegistry,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        self._seen = seen
        self._breaker, self._moderation_breaker = Breaker(time.monotonic), Breaker(time.monotonic)
        self._pool = httpcore.ConnectionPool(
            max_connections=connections, keepalive_expiry=30.0, network_backend=DeadlineNetwork()
        )
        self._calls = Counter(
            "palate_model_calls", "Calls to the model-service", ("call", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "palate_model_call_seconds", "How long they took", ("call",), registry=registry, buckets=LATENCY_EDGES_S
        )

    def close(self) -> None:
        self._pool.close()

    def judge(self, text: str) -> Verdict:
        ask = partial(self._post, "/predict", {"text": text}, VerdictAnswer, timeout_s=self._timeout_s)
        answer = self._guarded(self._breaker, "predict", ask)
        self._seen.saw(answer.model.version)
        return answer.as_verdict()

    def moderate(self, text: str) -> Moderation:
        if self._token is None:
            raise ModelUnavailable("no_token")
        timeout_s = min(MODERATION_TIMEOUT_S, self._timeout_s)
        ask = partial(self._post, CLASSIFY, {"message": text}, ModerationAnswer, timeout_s=timeout_s)
        return self._guarded(self._moderation_breaker, "classify", ask).as_moderation()

    def deliver(self, prediction_id: str, label: Sentiment | None) -> None:
        word = {"id": prediction_id, "label": label}
        ask = partial(self._post, "/feedback", word, FeedbackAnswer, timeout_s=self._timeout_s, refusable=True)
        answer = self._measured("feedback", ask)
        if (answer.id, answer.label) != (prediction_id, label):
            raise ModelUnavailable("garbage")

    def current(self) -> ModelRelease:
        ask = partial(self._call, "GET", "/version", b"", VersionAnswer, timeout_s=self._timeout_s)
        answer = self._measured("version", ask)
        self._seen.saw(answer.model.version)
        return answer.as_release()

    def _post(self, path: str, document: object, shape: type[A], *, timeout_s: float, refusable: bool = False) -> A:
        return self._call("POST", path, to_json(document), shape, timeout_s=timeout_s, refusable=refusable)

    def _guarded(self, breaker: Breaker, call: str, ask: Callable[[], A]) -> A:
        if not breaker.admits():
            self._calls.labels(call, "breaker_open").inc()
            raise ModelUnavailable("breaker_open")
        try:
            answer = self._measured(call, ask)
        except ModelUnavailable as error:
            (breaker.timed_out if error.reason == "timeout" else breaker.failed)()
            raise
        breaker.succeeded()
        return answer

    def _measured(self, call: str, ask: Callable[[], A]) -> A:
        outcome, started = "ok", time.monotonic()
        try:
            return ask()
        except ModelUnavailable as error:
            outcome = error.reason
            log.warning("model_unavailable", call=call, reason=outcome)
            raise
        except FeedbackRefused:
            outcome = "refused"
            raise
        finally:
            self._calls.labels(call, outcome).inc()
            self._seconds.labels(call).observe(time.monotonic() - started)

    def _call(
        self, method: str, path: str, body: bytes, shape: type[A], *, timeout_s: float, refusable: bool = False
    ) -> A:
        try:
            with deadline(timeout_s):
                status, answer = self._exchange(method, path, body)
        except httpcore.TimeoutException as error:
            raise ModelUnavailable("timeout") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ModelUnavailable("connection") from error
        if refusable and CLIENT_ERROR <= status < SERVER_ERROR and status not in (TIMED_OUT, TOO_MANY):
            raise FeedbackRefused(status)
        if status != OK:
            raise ModelUnavailable("status")
        return _checked(answer, shape)

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        try:
            return self._exchange_once(method, path, body)
        except BROKEN_CONNECTION:
            return self._exchange_once(method, path, body)

    def _exchange_once(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = [("Accept", "application/json"), ("Content-Type", "application/json")]
        if path == CLASSIFY and self._token is not None:  # the others ask for none, and a wrong one would shut them too
            headers.append(("Authorization", f"Bearer {self._token}"))
        waiting = {"timeout": {"pool": remaining_s(httpcore.PoolTimeout)}}
        exchange = self._pool.stream(
            method, self._url + path, headers=headers, content=body or None, extensions=waiting
        )
        with exchange as response:
            return response.status, _bounded(response)


def _bounded(response: httpcore.Response) -> bytes:
    """The body; more than MAX_ANSWER_BYTES is garbage, and is not read to its end."""
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ModelUnavailable("garbage")
    return bytes(body)


def _checked(body: bytes, shape: type[A]) -> A:
    try:
        return shape.model_validate_json(body, strict=True)
    except ValidationError:
        raise ModelUnavailable("garbage") from None  # the error would quote the answer, and that quotes the review
