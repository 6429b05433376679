"""The files of policy bundles that came into force. Those from before are not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

GRANTS = {"gateway_writer": "SELECT, INSERT", "gateway_auditor": "SELECT"}


def upgrade() -> None:
    op.create_table(
        "policy_files",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", "name", name="pk_policy_files"),
    )
    if op.get_bind().dialect.name == "postgresql":
        known = sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)")
        for role in op.get_bind().execute(known, {"roles": list(GRANTS)}).scalars():
            op.execute(f"GRANT {GRANTS[role]} ON policy_files TO {role}")


def downgrade() -> None:
    op.drop_table("policy_files")
