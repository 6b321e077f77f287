"""Reviews, the outbox of feedback, and the People page's counts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from review_app.adapters.tables import Moment

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    _create_reviews()
    _create_outbox()
    _create_people()


def downgrade() -> None:
    for table in ("people_clicks", "people_views", "feedback_outbox", "reviews"):
        op.drop_table(table)


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("visitor_id", sa.String(32), nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sentiment", sa.String(16), nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("coverage", sa.Float, nullable=False),
        sa.Column("explanation", sa.JSON, nullable=False),
        sa.Column("prediction_id", sa.Text, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("model_sha256", sa.Text, nullable=False),
        sa.Column("service_version", sa.Text, nullable=False),
        sa.Column("release", sa.String(16), nullable=False),
        sa.Column("app_version", sa.Text, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("correction", sa.String(16), nullable=True),
        sa.Column("corrected_at", Moment, nullable=True),
    )
    op.create_index("ix_reviews_visitor_id_created_at", "reviews", ["visitor_id", "created_at"])


def _create_outbox() -> None:
    op.create_table(
        "feedback_outbox",
        sa.Column("review_id", sa.String(32), sa.ForeignKey("reviews.id"), primary_key=True),
        sa.Column("release", sa.String(16), nullable=False),
        sa.Column("prediction_id", sa.Text, nullable=False),
        sa.Column("label", sa.String(16), nullable=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("held_until", Moment, nullable=False),
    )
    op.create_index("ix_feedback_outbox_release_due_at", "feedback_outbox", ["release", "due_at"])


def _create_people() -> None:
    for table, counted, extra in (("people_views", "views", []), ("people_clicks", "clicks", ["slug"])):
        op.create_table(
            table,
            sa.Column("release", sa.String(16), primary_key=True),
            sa.Column("visitor_id", sa.String(32), primary_key=True),
            *(sa.Column(name, sa.String(64), primary_key=True) for name in extra),
            sa.Column("assigned", sa.String(16), nullable=False),
            sa.Column(counted, sa.Integer, nullable=False),
            sa.Column("first_at", Moment, nullable=False),
            sa.Column("last_at", Moment, nullable=False),
        )
