"""Reviews and their corrections in the store."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, insert, select, update

from review_app.adapters.database import reading, writing
from review_app.adapters.tables import feedback_outbox, reviews
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
        newest = (
            select(reviews)
            .where(reviews.c.visitor_id == visitor_id)
            .order_by(reviews.c.created_at.desc(), reviews.c.id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_review(row) for row in connection.execute(newest).mappings()]


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
