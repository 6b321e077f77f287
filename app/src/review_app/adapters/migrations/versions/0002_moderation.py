"""What the moderation model says of a review, and what a moderator decides."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from review_app.adapters.tables import Moment

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("reviews", sa.Column("moderation", sa.JSON, nullable=True))
    op.add_column("reviews", sa.Column("decision", sa.String(16), nullable=True))
    op.add_column("reviews", sa.Column("decided_at", Moment, nullable=True))
    # No model has moderated what was written before: it waits for a moderator.
    op.add_column("reviews", sa.Column("standing", sa.String(16), nullable=False, server_default="held"))
    op.create_index("ix_reviews_standing_created_at", "reviews", ["standing", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_reviews_standing_created_at", "reviews")
    for column in ("standing", "decided_at", "decision", "moderation"):
        op.drop_column("reviews", column)
