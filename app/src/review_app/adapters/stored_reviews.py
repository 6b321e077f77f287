"""Reviews and their corrections in the store."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, insert, select, update

from review_app.adapters.database import reading, writing
from review_app.adapters.tables import feedback_outbox, reviews
from review_app.domain.moderation import Decision, Moderation, ModerationLabel, Standing
from review_app.domain.review import Review
from review_app.domain.store import ReviewUnknown
from review_app.domain.verdict import ModelIdentity, Sentiment, Term, Verdict

NOT_HELD = datetime(1970, 1, 1, tzinfo=UTC)


class StoredReviews:
    """The store's Reviews."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, review: Review) -> None:
        with writing(self._engine) as connection:
            connection.execute(insert(reviews).values(_row(review)))

    def get(self, review_id: str) -> Review:
        with reading(self._engine) as connection:
            return _review(_found(connection, select(reviews).where(reviews.c.id == review_id)))

    def correct(self, review_id: str, sentiment: Sentiment | None, at: datetime) -> Review:
        with writing(self._engine) as connection:
            # The lock matters on Postgres, where two corrections at once would both read the old one.
            mine = select(reviews).where(reviews.c.id == review_id).with_for_update()
            review = _review(_found(connection, mine))
            if review.correction == sentiment:
                return review
            corrected = review.corrected(sentiment)
            kept = update(reviews).where(reviews.c.id == review_id)
            connection.execute(kept.values(correction=sentiment, corrected_at=at))
            _post(connection, corrected, at)
        return corrected

    def recent(self, visitor_id: str, limit: int) -> list[Review]:
        mine = select(reviews).where(reviews.c.visitor_id == visitor_id)
        return self._listed(mine.order_by(reviews.c.created_at.desc(), reviews.c.id).limit(limit))

    def public(self, limit: int) -> list[Review]:
        public = select(reviews).where(reviews.c.standing == Standing.PUBLIC)
        return self._listed(public.order_by(reviews.c.created_at.desc(), reviews.c.id).limit(limit))

    def held(self, limit: int) -> list[Review]:
        held = select(reviews).where(reviews.c.standing == Standing.HELD)
        return self._listed(held.order_by(reviews.c.created_at, reviews.c.id).limit(limit))

    def decide(self, review_id: str, decision: Decision, at: datetime) -> Review:
        with writing(self._engine) as connection:
            one = select(reviews).where(reviews.c.id == review_id).with_for_update()
            review = _review(_found(connection, one)).decided(decision)
            kept = update(reviews).where(reviews.c.id == review_id)
            connection.execute(kept.values(decision=decision, decided_at=at, standing=review.standing))
        return review

    def _listed(self, query: Select[Any]) -> list[Review]:
        with reading(self._engine) as connection:
            return [_review(row) for row in connection.execute(query).mappings()]


def _found(connection: Connection, query: Select[Any]) -> RowMapping:
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise ReviewUnknown
    return row


def _post(connection: Connection, review: Review, at: datetime) -> None:
    """Puts the latest word on this review into the outbox, in the place of an earlier one."""
    mine = feedback_outbox.c.review_id == review.id
    newer = {"label": review.correction, "attempts": 0, "due_at": at, "revision": feedback_outbox.c.revision + 1}
    replaced = connection.execute(update(feedback_outbox).where(mine).values(newer))
    if replaced.rowcount:
        return
    connection.execute(
        insert(feedback_outbox).values(
            review_id=review.id,
            release=review.release,
            prediction_id=review.verdict.prediction_id,
            label=review.correction,
            revision=1,
            attempts=0,
            due_at=at,
            held_until=NOT_HELD,
        )
    )


def _row(review: Review) -> dict[str, Any]:
    verdict = review.verdict
    return {
        "id": review.id,
        "visitor_id": review.visitor_id,
        "text": review.text,
        "sentiment": verdict.sentiment,
        "probability": verdict.probability,
        "coverage": verdict.coverage,
        "explanation": [asdict(term) for term in verdict.explanation],
        "prediction_id": verdict.prediction_id,
        "model_name": verdict.model.name,
        "model_version": verdict.model.version,
        "model_sha256": verdict.model.sha256,
        "service_version": verdict.service_version,
        "release": review.release,
        "app_version": review.app_version,
        "created_at": review.created_at,
        "correction": review.correction,
        "moderation": asdict(review.moderation) if review.moderation else None,
        "decision": review.decision,
        "standing": review.standing,
    }


def _review(row: RowMapping) -> Review:
    return Review(
        id=row["id"],
        visitor_id=row["visitor_id"],
        text=row["text"],
        verdict=_verdict(row),
        release=row["release"],
        app_version=row["app_version"],
        created_at=row["created_at"],
        correction=Sentiment(row["correction"]) if row["correction"] else None,
        moderation=_moderation(row["moderation"]),
        decision=Decision(row["decision"]) if row["decision"] else None,
    )


def _verdict(row: RowMapping) -> Verdict:
    return Verdict(
        prediction_id=row["prediction_id"],
        sentiment=Sentiment(row["sentiment"]),
        probability=row["probability"],
        explanation=tuple(Term(**term) for term in row["explanation"]),
        coverage=row["coverage"],
        model=ModelIdentity(row["model_name"], row["model_version"], row["model_sha256"]),
        service_version=row["service_version"],
    )


def _moderation(kept: dict[str, Any] | None) -> Moderation | None:
    if kept is None:
        return None
    labels = tuple(ModerationLabel(**each) for each in kept["labels"])
    return Moderation(labels, ModelIdentity(**kept["model"]))
