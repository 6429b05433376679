"""Up to where nothing of a writer is open, so that a start looks for open intents from there on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WRITER = "gateway_writer"


def upgrade() -> None:
    op.create_table(
        "writer_marks",
        sa.Column("writer", sa.String(16), nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="pk_writer_marks"),
    )
    if op.get_bind().dialect.name == "postgresql":
        known = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role")
        if op.get_bind().execute(known, {"role": _WRITER}).first() is not None:
            op.execute(f"GRANT SELECT, INSERT, UPDATE ON writer_marks TO {_WRITER}")


def downgrade() -> None:
    op.drop_table("writer_marks")
