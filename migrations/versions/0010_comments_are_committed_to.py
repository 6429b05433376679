"""What opens a record's commitment to a reviewer's comment. Those from before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nothing = "X''" if op.get_bind().dialect.name == "sqlite" else "''"
    op.add_column("review_notes", sa.Column("salt", sa.LargeBinary, nullable=False, server_default=sa.text(nothing)))


def downgrade() -> None:
    with op.batch_alter_table("review_notes") as table:
        table.drop_column("salt")
