"""In which order this database saw policy bundles come into force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_revisions",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_policy_revisions"),
    )
    op.create_index("ix_policy_revisions_revision", "policy_revisions", ["revision"], unique=True)


def downgrade() -> None:
    op.drop_table("policy_revisions")
