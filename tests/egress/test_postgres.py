"""The main job again, with records and keys in a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from pydantic import SecretStr

from gateway.cli.running import RunningGateway
from gateway.settings import Database
from gateway.testing.stand_in import StandIn
from tests.egress.harness import ENVIRONMENT, client_for, holds, left, settings_for
from tests.postgres import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]

EMAIL = "dana.whitfield@example.com"


def test_decisions_are_recorded_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """An intent and its outcome, no text, and the masked bytes at the provider."""
    with StandIn() as provider:
        settings = settings_for(tmp_path, provider.base_url, database=Database(url=SecretStr(postgres_url)))
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            reply = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": f"mail {EMAIL}"}]
            )
            client.close()
        engine = sqlalchemy.create_engine(postgres_url)
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.text("SELECT kind, body FROM records ORDER BY sequence")).fetchall()
        engine.dispose()

    assert EMAIL in (reply.choices[0].message.content or "")
    assert ["intent", "outcome"] == [kind for kind, _ in rows if kind in {"intent", "outcome"}]
    assert {"boot", "policy", "admin", "shutdown"} <= {kind for kind, _ in rows}
    assert not any(holds(bytes(body), EMAIL) for _, body in rows)
    assert not holds(left(provider), EMAIL)
