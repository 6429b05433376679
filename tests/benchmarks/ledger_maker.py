"""Makes a sound ledger of millions of records in minutes: chained, in the tree, signed and indexed for search.

    python -m tests.benchmarks.ledger_maker --records 5000000 --postgres --folder DIR

keeps it in DIR, with its key and PostgreSQL's data directory, for benchmarks that only read (`opened`).

Each record is a copy of one that the gateway's own encoder made, with its id, time, place and predecessor put in: so
verification passes, and finds whatever is altered afterwards. Rows go in by COPY on PostgreSQL, many at once on SQLite.
Half of the records are decisions, half their outcomes, of four writers, forty apps and eight tenants; one decision in a
thousand is of a rare class, and one in two thousand is open still.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, Table, select

from gateway.adapters.sql_search_index import PART
from gateway.adapters.tables import (
    checkpoints,
    commitment_keys,
    record_salts,
    records,
    search_bitmaps,
    search_blocks,
    search_progress,
    search_terms,
    search_times,
    tree_entries,
    tree_nodes,
)
from gateway.domain.bitmaps import BLOCK, packed
from gateway.domain.bitmaps import encode as encoded
from gateway.domain.checkpoint import Checkpoint, signed_note
from gateway.domain.commitment import NO_SECRETS, Secrets, day_of
from gateway.domain.evidence import Evidence, PolicyEvidence, Route
from gateway.domain.labels import DataClass, Label
from gateway.domain.ledger_search import OPEN, terms_of
from gateway.domain.record import NO_LEAF, Link, encode
from gateway.verifier.formats import Tree, leaf_hash
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, activated, decided, finding, outcome
from tests.postgres import server_url, start_server

TENANTS, APPS, DAYS = 8, 40, 420
_WRITERS = 4
_VARIANTS = 400
_AT_ONCE = 20_000
_FILLED = "filled.json"
_IN_A_ROW = 128
_DAY = 86_400_000_000
_MARK = Link("gw-0123abcd", 7_777_777_777, bytes.fromhex("5a" * 32), bytes.fromhex("a5" * 16))
_MARK_ID, _MARK_AT = "01JZZZZZZZZZZZZZZZZZZZZZZZ", 1_777_777_777_777_777
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_KINDS = {BigInteger: "int8", Integer: "int4", LargeBinary: "bytea"}
_POLICIES = (
    ("mask-contact", "CONTACT_MASKED", Route.EXTERNAL_TRANSFORMED, "openai-eu"),
    ("plain-leaves", "NOTHING_FOUND", Route.EXTERNAL, "azure-eu"),
    ("phi-stays-inside", "PHI_INSIDE", Route.LOCAL, "vllm"),
    ("secrets-are-refused", "SECRET_FOUND", Route.BLOCKED, ""),
)
_ENTITIES = (
    "EMAIL_ADDRESS",
    "PERSON",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "US_SSN",
    "LOCATION",
    "IBAN_CODE",
    "MEDICAL_RECORD",
)
_LABELS = ("public", "internal", "confidential", "restricted")


@dataclass(frozen=True, slots=True)
class _Form:
    """A record to be copied. `text` takes id, nonce, previous leaf, sequence, time and writer."""

    text: str
    row: tuple[str, ...]
    tenant: str
    terms: tuple[int, ...]


@dataclass(slots=True)
class _Batch:
    """Rows of each table that are not in the database yet."""

    rows: dict[Table, list[tuple[object, ...]]] = field(default_factory=dict)

    def add(self, table: Table, row: tuple[object, ...]) -> None:
        self.rows.setdefault(table, []).append(row)

    def write(self, connection: Connection) -> None:
        """Put all of it in, and forget it."""
        for table, rows in self.rows.items():
            _insert(connection, table, rows)
        connection.commit()
        self.rows.clear()


@dataclass(slots=True)
class _Block:
    """What the search index will hold of the newest block of the tree."""

    number: int = 0
    bits: dict[int, int] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)

    def add(self, at: int, terms: Sequence[int]) -> bool:
        """One record more; whether the block is full now."""
        for term in terms:
            self.bits[term] = self.bits.get(term, 0) | 1 << len(self.times)
        self.times.append(at)
        return len(self.times) == BLOCK

    def end(self, batch: _Batch) -> _Block:
        """Have it written. The next one."""
        for term, bits in self.bits.items():
            batch.add(search_bitmaps, (term, self.number, encoded(bits)))
        batch.add(search_blocks, (self.number, min(self.times), max(self.times)))
        for first in range(0, len(self.times), PART):
            batch.add(search_times, (self.number, first, packed(self.times[first : first + PART])))
        return _Block(self.number + 1)


class Maker:
    """Fills one empty house. `since` and `until` in microseconds since the epoch."""

    def __init__(self, house: House, records_wanted: int, since: int, until: int, seed: int = 7) -> None:
        self._house, self._wanted = house, records_wanted
        self._since, self._step = since, max(2_000, (until - since) * 7 // (records_wanted * 4))
        self._chance = random.Random(seed)
        self._secrets = {
            f"tenant-{each}": Secrets(*map(self._chance.randbytes, (32, 32, 16))) for each in range(TENANTS)
        }
        self._terms: dict[str, int] = {}
        self._chains = [(f"gw-0000000{each}", 0, NO_LEAF) for each in range(_WRITERS)]
        self._tree = Tree()
        self._batch = _Batch()
        self._block = _Block()

    def fill(self) -> int:
        """Make it. How many records there are now."""
        forms = [self._decision(number) for number in range(_VARIANTS)]
        rare = [self._decision(number, rare=True) for number in range(TENANTS)]
        ends = {
            tenant: _form(outcome(_MARK_ID, at=_MARK_AT, tenant=tenant), NO_SECRETS, ()) for tenant in self._secrets
        }
        with self._house.engine.connect() as connection:
            self._begin(connection)
            self._record(
                0, _form(activated(), NO_SECRETS, (self._term("any"), self._term("kind:policy"))), "", self._since
            )
            number, at = 0, self._since
            while self._tree.size < self._wanted:
                number, at = number + 1, at + self._step
                form = self._chance.choice(rare if self._chance.random() < 0.001 else forms)
                self._pair(number // _IN_A_ROW % _WRITERS, form, ends[form.tenant], at)
                if at // _DAY != (at - self._step) // _DAY:
                    self._checkpoint(at)
                if number % _AT_ONCE == 0:
                    self._flush(connection)
            self._end(connection, at)
        return self._tree.size

    def _pair(self, writer: int, form: _Form, end: _Form, at: int) -> None:
        decision, kind = _ulid(at, self._chance), form.row[0]
        is_open = kind == "intent" and self._chance.random() < 0.0005
        ended = () if kind == "block" else (self._terms["outcome:open" if is_open else "outcome:completed"],)
        self._record(writer, form, decision, at, ended)
        if ended and not is_open:
            self._record(writer, end, decision, at + 900)

    def _record(self, number: int, form: _Form, decision: str, at: int, ended: tuple[int, ...] = ()) -> None:
        """One record more. An outcome `ended` its decision."""
        writer, sequence, previous = self._chains[number]
        nonce = self._chance.randbytes(16).hex()
        body = (form.text % (decision, nonce, previous.hex(), sequence, at, writer)).encode()
        leaf = leaf_hash(body)
        self._chains[number] = (writer, sequence + 1, leaf)
        kind, *rest = form.row
        self._batch.add(records, (writer, sequence, body, leaf, kind, decision, at, *rest))
        self._batch.add(tree_entries, (self._tree.size, writer, sequence, leaf))
        if form.terms and decision:
            self._batch.add(record_salts, (writer, sequence, self._secrets[form.tenant].salt))
        self._tree.append(leaf)
        if self._block.add(at, (*form.terms, *ended)):
            self._block = self._block.end(self._batch)

    def _checkpoint(self, at: int) -> None:
        signer, key = self._house.signer(), self._house.key
        said = Checkpoint(signer.origin, self._tree.size, self._tree.root())
        self._batch.add(checkpoints, (said.size, signed_note(said, key.public, key.signature_of(said)), at))

    def _decision(self, number: int, *, rare: bool = False) -> _Form:
        chance = self._chance
        tenant = f"tenant-{number % TENANTS}"
        rule, reason, route, destination = chance.choice(_POLICIES)
        found = tuple(finding(each, confidence=chance.randrange(400, 1000)) for each in chance.sample(_ENTITIES, 3))
        usual = [DataClass.PII, DataClass.FINANCIAL, DataClass.PROPRIETARY]
        evidence = decided(
            decision_id=_MARK_ID, at=_MARK_AT, tenant=tenant, app=f"app-{chance.randrange(APPS)}", route=route,
            label=Label(chance.choice(_LABELS)), findings=found[: chance.randrange(4)], destination=destination,
            classes=frozenset({DataClass.PHI} if rare else chance.sample(usual, chance.randrange(3))),
            policy=PolicyEvidence(412, "sha256:" + "ab" * 32, "0" * 16, (rule,), reason, ()),
        )  # fmt: skip
        said = terms_of(json.loads(encode(evidence, _MARK, self._secrets[tenant]).body))
        return _form(evidence, self._secrets[tenant], tuple(self._term(each) for each in said if each != OPEN))

    def _term(self, term: str) -> int:
        return self._terms.setdefault(term, len(self._terms) + 1)

    def _begin(self, connection: Connection) -> None:
        assert connection.execute(select(records.c.writer).limit(1)).first() is None, "the ledger is not empty"
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET synchronous_commit = off")
        for ended in ("open", "completed"):
            self._term(f"outcome:{ended}")

    def _flush(self, connection: Connection) -> None:
        for (level, number), value in self._tree.tiles.items():
            self._batch.add(tree_nodes, (level, number, value))
        self._tree.tiles.clear()
        self._batch.write(connection)

    def _end(self, connection: Connection, at: int) -> None:
        """Keys, the numbers of terms, how far the index is, and the newest checkpoint, which the signer remembers."""
        if self._block.times:
            self._block.end(self._batch)
        days = range(self._since // _DAY, at // _DAY + 1)
        for tenant, secrets in self._secrets.items():
            self._batch.add(commitment_keys, (tenant, "", secrets.tenant_key))
            for day in days:
                self._batch.add(commitment_keys, (tenant, day_of(day * _DAY), secrets.day_key))
        self._flush(connection)
        connection.execute(
            search_terms.insert(), [{"id": number, "term": term} for term, number in self._terms.items()]
        )
        connection.execute(search_progress.update().values(position=self._tree.size))
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT setval('search_terms_id_seq', {len(self._terms)})")
        connection.commit()
        self._house.integrate()


@contextlib.contextmanager
def house_in(folder: Path, *, postgres: bool) -> Iterator[House]:
    """The ledger in a folder: its database (a server of its own on PostgreSQL, while this lasts), its key, its signer's
    memory. Empty where the folder is."""
    data = folder / "postgres"
    if not postgres:
        with house_at(f"sqlite:///{folder}/gateway.db", folder) as house:
            yield house
        return
    data.mkdir(parents=True, exist_ok=True)
    server = start_server(data)
    try:
        with house_at(server_url(server, "postgres"), folder) as house:
            yield house
    finally:
        server.stop()


def fill(house: House, records_wanted: int) -> int:
    """Records of `DAYS` days until now, and what autovacuum would come to do. How many there are now."""
    now = CLOCK.now()
    made = Maker(house, records_wanted, days_before(now, DAYS), now).fill()
    with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE")
    return made


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[House]:
    """The ledger that this module's command made in a folder. Raises `FileNotFoundError` for a folder without one."""
    kept = json.loads((folder / _FILLED).read_text(encoding="utf-8"))
    with house_in(folder, postgres=kept["database"] == "postgresql") as house:
        yield house


def days_before(at: int, days: int) -> int:
    """A time so many days earlier, in microseconds."""
    return at - days * _DAY


def _form(evidence: Evidence, secrets: Secrets, terms: tuple[int, ...]) -> _Form:
    """A record with its own values cut out."""
    record = encode(evidence, _MARK, secrets)
    text = record.body.decode().replace("%", "%%")
    said = evidence.at
    for value in (f'"id":"{_MARK_ID}"', f'"n":"{_MARK.nonce.hex()}"', f'"p":"{_MARK.previous.hex()}"',
                  f'"s":{_MARK.sequence}', f'"t":{said}', f'"w":"{_MARK.writer}"'):  # fmt: skip
        name = value.partition(":")[0]
        quote = '"' if value.endswith('"') else ""
        text = text.replace(value, f"{name}:{quote}%s{quote}")
    if not record.search.decision_id:
        text = text.replace('{"action"', '%.0s{"action"', 1)
    found = record.search
    row = (found.kind, found.tenant, found.app, found.label, found.route, found.destination, found.reason)
    return _Form(text, row, found.tenant, terms)


def _ulid(at: int, chance: random.Random) -> str:
    time = "".join(_CROCKFORD[at // 1000 >> shift & 31] for shift in range(45, -5, -5))
    return time + chance.randbytes(8).hex().upper()


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Rows with a value for each column."""
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(rows[0]))
        connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", list(rows))
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_KINDS.get(type(column.type), "text") for column in table.columns])
        for row in rows:
            copy.write_row(row)


def main() -> None:
    """Fill a folder, and say last that it is full."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not on SQLite")
    parser.add_argument("--folder", type=Path, required=True, help="an empty one, or one that is not there yet")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with house_in(arguments.folder, postgres=arguments.postgres) as house:
        made = fill(house, arguments.records)
        name = house.engine.dialect.name
    took = round(time.monotonic() - start)
    (arguments.folder / _FILLED).write_text(json.dumps({"database": name, "records": made, "seconds": took}))
    print(f"{made} records in {took} s")


if __name__ == "__main__":
    main()
