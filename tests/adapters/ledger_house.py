"""A ledger's database that tests fill, integrate and look into."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select, text, update

from gateway.adapters.checkpoint_signer import CheckpointSigner
from gateway.adapters.database import open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_chain import Chain
from gateway.adapters.sql_integrator import Integrator
from gateway.adapters.tables import records
from gateway.domain.evidence import Event, EventKind, Evidence
from gateway.verifier.formats import PublicKey, read_public_key
from tests.evidence import CLOCK, activated, decided, outcome

ORIGIN = "ledger.test/acme"


@dataclass(frozen=True)
class House:
    """A database with its key. Writers and integrators are made as a test wants them."""

    engine: Engine
    folder: Path
    key: LedgerKey

    def signer(self) -> CheckpointSigner:
        """Another process's signer: it shares the file."""
        return CheckpointSigner(self.key, ORIGIN, self.folder / "signed")

    @property
    def public(self) -> PublicKey:
        """What an auditor holds."""
        return read_public_key(self.signer().public_key)

    def integrator(self) -> Integrator:
        """Another process's candidate."""
        return Integrator(self.engine, self.signer(), CLOCK.now, contextlib.nullcontext())

    def integrate(self) -> int:
        """Bring everything into the tree. The size that is signed."""
        candidate = self.integrator()
        size = 0
        while (signed := candidate.step()) is not None:
            size = signed.size
        while candidate.index():
            pass
        candidate.close()
        return size

    def write(self, writer: str, *evidence: Evidence) -> None:
        """Records of one writer."""
        chain = Chain(self.engine, writer, CLOCK.now)
        chain.write(evidence)
        chain.close()

    def fill(self, count: int, writer: str = "gw-00000001") -> None:
        """A writer that boots, activates a policy and answers `count` requests."""
        boot = Event(kind=EventKind.BOOT, at=CLOCK.now(), action="started", subject="0.1.0")
        pairs: list[Evidence] = []
        for _ in range(count):
            evidence = decided()
            pairs += [evidence, outcome(evidence.decision_id)]
        self.write(writer, boot, activated(), *pairs)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What a query gives."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def change(self, sql: str, **values: object) -> int:
        """What a database administrator does. How many rows that changed."""
        with self.engine.begin() as connection:
            return connection.execute(text(sql), values).rowcount

    def alter(self, decision_id: str, old: str, new: str) -> None:
        """Other bytes in the records of a decision, put there by a database administrator."""
        of_it = records.c.decision_id == decision_id
        with self.engine.begin() as connection:
            for body in connection.execute(select(records.c.body).where(of_it)).scalars().all():
                other = bytes(body).replace(old.encode(), new.encode())
                connection.execute(update(records).where(records.c.body == body).values(body=other))


@contextlib.contextmanager
def house_at(url: str, folder: Path) -> Iterator[House]:
    """A house on a database of its own."""
    engine = open_database(url)
    upgrade(engine)
    yield House(engine, folder, LedgerKey.load(folder / "ledger.key"))
    engine.dispose()


def leaves_of(rows: Sequence[tuple[object, ...]]) -> list[bytes]:
    """The first column of each row, as bytes."""
    return [bytes(row[0]) for row in rows]  # type: ignore[call-overload]
