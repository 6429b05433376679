"""The search index becomes bitmaps. It is derived: the integrator builds it anew, in the background."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("search_bitmaps", "search_blocks", "search_times")
GRANTS = {
    "gateway_writer": (
        f"SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)}",
        "SELECT, UPDATE ON search_progress",
    ),
    "gateway_auditor": (f"SELECT ON {', '.join(TABLES)}, search_progress",),
}


def upgrade() -> None:
    _drop("search_entries", "search_progress")
    op.create_table(
        "search_bitmaps",
        sa.Column("term", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("block", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("term", "block", name="pk_search_bitmaps"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_blocks",
        sa.Column("block", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("block", name="pk_search_blocks"),
    )
    op.create_table(
        "search_times",
        sa.Column("block", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("times", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("block", "first", name="pk_search_times"),
        sqlite_with_rowid=False,
    )
    _make_progress(sa.Column("forgotten", sa.BigInteger, nullable=False))
    op.execute("INSERT INTO search_progress (id, position, forgotten) VALUES (1, 0, 0)")
    _grant(GRANTS)


def downgrade() -> None:
    _drop(*TABLES, "search_progress")
    op.create_table(
        "search_entries",
        sa.Column("term", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "at", "position", name="pk_search_entries"),
        sqlite_with_rowid=False,
    )
    _make_progress()
    op.execute("INSERT INTO search_progress (id, position) VALUES (1, 0)")
    _grant({
        "gateway_writer": ("SELECT, INSERT, DELETE ON search_entries", "SELECT, INSERT, UPDATE ON search_progress"),
        "gateway_auditor": ("SELECT ON search_entries, search_progress",),
    })  # fmt: skip


def _make_progress(*more: sa.Column[int]) -> None:
    op.create_table(
        "search_progress",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name="pk_search_progress"),
    )


def _drop(*tables: str) -> None:
    """Drop tables that hold no secrets: SQLite need not overwrite gigabytes of them before the gateway starts."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        op.execute("PRAGMA secure_delete=OFF")
    for table in tables:
        op.drop_table(table)
    if sqlite:
        op.execute("PRAGMA secure_delete=ON")


def _grant(grants: dict[str, tuple[str, ...]]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        known = sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)")
        for role in op.get_bind().execute(known, {"roles": list(grants)}).scalars():
            for grant in grants[role]:
                op.execute(f"GRANT {grant} TO {role}")
