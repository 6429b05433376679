"""What records are searched by, derived from them; legal holds; roles that may do no more than they must (PostgreSQL).

A later migration that makes a table grants what these roles need of it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLES = ("gateway_writer", "gateway_retention", "gateway_auditor")
SEARCH = "search_terms, search_entries, search_progress"
APPENDED = "records, record_salts, commitment_keys, tree_entries, tree_nodes, checkpoints"
OTHERS = "api_keys, exception_uses, policy_revisions"
READ = "records, tree_entries, tree_nodes, checkpoints, legal_holds, alembic_version"
GRANTS = (
    f"SELECT, INSERT ON {APPENDED}, {SEARCH}, {OTHERS} TO gateway_writer",
    "SELECT ON legal_holds, alembic_version TO gateway_writer",
    "UPDATE (revoked) ON api_keys TO gateway_writer",
    "UPDATE (used) ON exception_uses TO gateway_writer",
    "UPDATE ON search_progress TO gateway_writer",
    "DELETE ON checkpoints, search_entries TO gateway_writer",
    "USAGE ON SEQUENCE search_terms_id_seq TO gateway_writer",
    "DELETE ON records, record_salts, commitment_keys, api_keys TO gateway_retention",
    "INSERT, DELETE ON legal_holds TO gateway_retention",
    f"SELECT ON {READ}, {SEARCH} TO gateway_auditor",
    "SELECT (writer, sequence) ON record_salts TO gateway_auditor",
)

_TRIED = (
    "DO $$ BEGIN {}; EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL; END $$"
)


def upgrade() -> None:
    op.create_table(
        "search_terms",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("term", sa.String(160), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_terms"),
    )
    op.create_index("ix_search_terms_term", "search_terms", ["term"], unique=True)
    op.create_table(
        "search_entries",
        sa.Column("term", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "at", "position", name="pk_search_entries"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_progress",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_progress"),
    )
    op.execute("INSERT INTO search_progress (id, position) VALUES (1, 0)")
    op.create_table(
        "legal_holds",
        sa.Column("tenant", sa.String(63), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_legal_holds"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _grant()


def downgrade() -> None:
    for table in ("legal_holds", "search_progress", "search_entries", "search_terms"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for role in _existing():
            op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {_schema()} FROM {role}")


def _grant() -> None:
    """Make the roles, which belong to the whole server, where they are missing and may be made; grant what they need.

    Who may not make roles has them made by somebody who may, before this migration; without them nothing is granted."""
    may = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    if op.get_bind().execute(sa.text(may)).scalar_one():
        for role in ROLES:
            op.execute(_TRIED.format(f"CREATE ROLE {role} NOLOGIN"))
        op.execute(_TRIED.format("GRANT gateway_writer TO gateway_retention"))
    if set(_existing()) == set(ROLES):
        for grant in GRANTS:
            op.execute(f"GRANT {grant}")


def _existing() -> list[str]:
    known = sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)")
    return list(op.get_bind().execute(known, {"roles": list(ROLES)}).scalars())


def _schema() -> str:
    return str(op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one())
