"""The store's tables, in SQL that SQLite and Postgres share. Changes go through a migration beside this."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

# The newest migration's name: the schema that these tables describe.
SCHEMA = "0002"


class Moment(TypeDecorator[datetime]):
    """A point in time in UTC. SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

reviews = Table(
    "reviews",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("visitor_id", String(32), nullable=True),
    Column("text", Text, nullable=False),
    Column("sentiment", String(16), nullable=False),
    Column("probability", Float, nullable=False),
    Column("coverage", Float, nullable=False),
    Column("explanation", JSON, nullable=False),
    Column("prediction_id", Text, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", Text, nullable=False),
    Column("service_version", Text, nullable=False),
    Column("release", String(16), nullable=False),
    Column("app_version", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("correction", String(16), nullable=True),
    Column("corrected_at", Moment, nullable=True),
    Column("moderation", JSON(none_as_null=True), nullable=True),
    Column("decision", String(16), nullable=True),
    Column("decided_at", Moment, nullable=True),
    # Follows from the two above; kept for the lists.
    Column("standing", String(16), nullable=False, server_default="held"),
    Index("ix_reviews_standing_created_at", "standing", "created_at"),
    Index("ix_reviews_visitor_id_created_at", "visitor_id", "created_at"),
)

# One row per corrected review: a change of mind replaces the row, so the last word wins and the outbox never
# outgrows the reviews. `held_until` keeps two deliverers from sending old and new words out of order.
feedback_outbox = Table(
    "feedback_outbox",
    metadata,
    Column("review_id", String(32), ForeignKey("reviews.id"), primary_key=True),
    Column("release", String(16), nullable=False),
    Column("prediction_id", Text, nullable=False),
    Column("label", String(16), nullable=True),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("held_until", Moment, nullable=False),
    Index("ix_feedback_outbox_release_due_at", "release", "due_at"),
)

people_views = Table(
    "people_views",
    metadata,
    Column("release", String(16), primary_key=True),
    Column("visitor_id", String(32), primary_key=True),
    Column("assigned", String(16), nullable=False),
    Column("views", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

people_clicks = Table(
    "people_clicks",
    metadata,
    Column("release", String(16), primary_key=True),
    Column("visitor_id", String(32), primary_key=True),
    Column("slug", String(64), primary_key=True),
    Column("assigned", String(16), nullable=False),
    Column("clicks", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)
