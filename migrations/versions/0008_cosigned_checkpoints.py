"""Checkpoints that witnesses outside have cosigned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

GRANTS = {"gateway_writer": "SELECT, INSERT, DELETE", "gateway_auditor": "SELECT"}


def upgrade() -> None:
    op.create_table(
        "cosigned_checkpoints",
        sa.Column("witness", sa.String(128), nullable=False),
        sa.Column("size", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("witness", "size", name="pk_cosigned_checkpoints"),
    )
    if op.get_bind().dialect.name == "postgresql":
        known = sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)")
        for role in op.get_bind().execute(known, {"roles": list(GRANTS)}).scalars():
            op.execute(f"GRANT {GRANTS[role]} ON cosigned_checkpoints TO {role}")


def downgrade() -> None:
    op.drop_table("cosigned_checkpoints")
