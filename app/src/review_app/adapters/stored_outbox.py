"""The outbox of feedback in the store."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, and_, delete, func, select, update

from review_app.adapters.database import reading, writing
from review_app.adapters.stored_reviews import NOT_HELD
from review_app.adapters.tables import feedback_outbox
from review_app.domain.feedback import Feedback
from review_app.domain.verdict import Sentiment


class StoredOutbox:
    """The store's Outbox."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, release: str, at: datetime, *, hold: timedelta, limit: int) -> Sequence[Feedback]:
        if not self._has_due(release, at):  # an idle deliverer must not queue among the writers
            return []
        with writing(self._engine) as connection:
            columns = feedback_outbox.c
            due = (
                select(columns.review_id, columns.prediction_id, columns.label, columns.revision, columns.attempts)
                .where(_due(release, at))
                .order_by(columns.due_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            claimed = [
                Feedback(row.review_id, row.prediction_id, _sentiment(row.label), row.revision, row.attempts)
                for row in connection.execute(due)
            ]
            held = columns.review_id.in_([feedback.review_id for feedback in claimed])
            connection.execute(update(feedback_outbox).where(held).values(held_until=at + hold))
        return claimed

    def settled(self, feedback: Feedback) -> None:
        with writing(self._engine) as connection:
            removed = connection.execute(delete(feedback_outbox).where(_unchanged(feedback)))
            if not removed.rowcount:  # a newer word came meanwhile: free it, it is due already
                changed = feedback_outbox.c.review_id == feedback.review_id
                connection.execute(update(feedback_outbox).where(changed).values(held_until=NOT_HELD))

    def postpone(self, feedback: Feedback, until: datetime) -> None:
        with writing(self._engine) as connection:
            mine = feedback_outbox.c.review_id == feedback.review_id
            connection.execute(update(feedback_outbox).where(mine).values(held_until=NOT_HELD))
            later = {"due_at": until, "attempts": feedback.attempts + 1}
            connection.execute(update(feedback_outbox).where(_unchanged(feedback)).values(later))

    def pending(self, release: str) -> int:
        waiting = select(func.count()).select_from(feedback_outbox).where(feedback_outbox.c.release == release)
        with reading(self._engine) as connection:
            return connection.execute(waiting).scalar_one()

    def _has_due(self, release: str, at: datetime) -> bool:
        with reading(self._engine) as connection:
            first = select(feedback_outbox.c.review_id).where(_due(release, at)).limit(1)
            return connection.execute(first).first() is not None


def _due(release: str, at: datetime) -> ColumnElement[bool]:
    columns = feedback_outbox.c
    return and_(columns.release == release, columns.due_at <= at, columns.held_until <= at)


def _unchanged(feedback: Feedback) -> ColumnElement[bool]:
    columns = feedback_outbox.c
    return and_(columns.review_id == feedback.review_id, columns.revision == feedback.revision)


def _sentiment(label: str | None) -> Sentiment | None:
    return Sentiment(label) if label else None
