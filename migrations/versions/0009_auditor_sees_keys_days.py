"""An auditor sees of which tenants and days there are keys, never a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_GRANT = "SELECT (tenant, day) ON commitment_keys"
_AUDITOR = "gateway_auditor"


def upgrade() -> None:
    if _is_there():
        op.execute(f"GRANT {_GRANT} TO {_AUDITOR}")


def downgrade() -> None:
    if _is_there():
        op.execute(f"REVOKE {_GRANT} FROM {_AUDITOR}")


def _is_there() -> bool:
    if op.get_bind().dialect.name != "postgresql":
        return False
    known = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    return op.get_bind().execute(known, {"role": _AUDITOR}).first() is not None
