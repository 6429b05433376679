"""How often exceptions from rules were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exception_uses",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exception_uses"),
    )


def downgrade() -> None:
    op.drop_table("exception_uses")
