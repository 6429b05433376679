"""The console: accounts, saved views, reviews. The search index is made anew, with a term that all decisions have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("console_accounts", "console_views", "review_items", "review_notes")
GRANTS = (
    f"SELECT, INSERT, UPDATE ON {', '.join(TABLES)} TO gateway_writer",
    "USAGE ON SEQUENCE review_notes_id_seq TO gateway_writer",
)


def upgrade() -> None:
    op.create_table(
        "console_accounts",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("secret", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(63), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("invite", sa.LargeBinary, nullable=False),
        sa.Column("invite_until", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("locked_until", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_console_accounts"),
    )
    op.create_index("ix_console_accounts_name", "console_accounts", ["name"], unique=True)
    op.create_table(
        "console_views",
        sa.Column("account", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("link", sa.String(2000), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name="pk_console_views"),
    )
    op.create_table(
        "review_items",
        sa.Column("decision_id", sa.String(26), nullable=False),
        sa.Column("sampled", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("assignee", sa.String(16), nullable=False),
        sa.Column("signer", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_review_items"),
    )
    op.create_index("ix_review_items_state_at", "review_items", ["state", "at"])
    op.create_table(
        "review_notes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("decision_id", sa.String(26), nullable=False),
        sa.Column("account", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("entity", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("words", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_notes"),
    )
    op.create_index("ix_review_notes_decision_id", "review_notes", ["decision_id"])
    op.create_index("ix_review_notes_verdict_at", "review_notes", ["verdict", "at"])
    op.execute("DELETE FROM search_entries")
    op.execute("UPDATE search_progress SET position = 0")
    if op.get_bind().dialect.name == "postgresql" and _has_roles():
        for grant in GRANTS:
            op.execute(f"GRANT {grant}")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _has_roles() -> bool:
    return bool(op.get_bind().execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = 'gateway_writer'")).scalar())
