"""The ledger in the database: what it survives, what it refuses, and what it does when nobody knows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from gateway.adapters.database import DatabaseUnfit, open_database, upgrade
from gateway.adapters.ledger_key import LedgerKey, verify
from gateway.adapters.sql_chain import Chain, Written
from gateway.adapters.sql_ledger import SqlLedger, _settled
from gateway.domain.commitment import commitment
from gateway.domain.errors import GatewayFault
from gateway.domain.evidence import Content, Decided, Event, EventKind, Evidence, PolicyEvidence, Route
from gateway.domain.labels import Entity, Label
from gateway.domain.merkle import leaf_hash
from gateway.domain.record_schema import RecordError
from tests.domain.test_record import CANARY
from tests.evidence import CLOCK, RECEIVED, SENT, decided, finding, outcome
from tests.postgres import server_url, start_server


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty SQLite database."""
    made = open_database(f"sqlite:///{tmp_path}/gateway.db")
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
async def ledger(engine: Engine, tmp_path: Path) -> AsyncIterator[SqlLedger]:
    """A ledger on it, with a deadline that a loaded machine keeps."""
    made = new_ledger(engine, tmp_path)
    await made.start(announce=False)
    yield made
    await made.close()


def new_ledger(engine: Engine, folder: Path, *, deadline_ms: int = 5000) -> SqlLedger:
    """A ledger that has not started."""
    return SqlLedger(engine=engine, key=LedgerKey.load(folder / "ledger.key"), clock=CLOCK, deadline_ms=deadline_ms)


def rows(engine: Engine, columns: str = "kind, decision_id") -> list[tuple[object, ...]]:
    """Some columns of all records, in the order of the chain."""
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT {columns} FROM records ORDER BY writer, sequence"))
        return [tuple(row) for row in found]


async def settled(ledger: SqlLedger, engine: Engine) -> list[tuple[object, ...]]:
    """The records, once the committer has written what was queued (first round) and what follows from it (second)."""
    for _ in range(2):
        await ledger._ask(_settled, 20)
    return rows(engine)


async def test_a_ledger_announces_itself_and_says_good_bye(engine: Engine, tmp_path: Path) -> None:
    """`boot` first, `shutdown` last, by a writer of its own each time."""
    for _ in range(2):
        ledger = new_ledger(engine, tmp_path)
        await ledger.start()
        await ledger.close()

    assert ["boot", "shutdown"] * 2 == [kind for (kind,) in rows(engine, "kind")]
    assert 2 == len({writer for (writer,) in rows(engine, "writer")})


async def test_a_token_is_signed_over_the_stored_record(ledger: SqlLedger, engine: Engine, tmp_path: Path) -> None:
    """With the public key alone anyone can check that this decision has this leaf."""
    evidence = decided()
    receipt = await ledger.append(evidence)
    said = json.loads(verify(receipt.token, LedgerKey.load(tmp_path / "ledger.key").public))

    [(writer, sequence, body, leaf)] = rows(engine, "writer, sequence, body, leaf")
    assert isinstance(body, bytes)
    assert isinstance(leaf, bytes)
    assert leaf_hash(body) == leaf
    assert {
        "v": 1,
        "id": evidence.decision_id,
        "w": writer,
        "s": sequence,
        "leaf": leaf.hex(),
        "t": evidence.at,
    } == said


async def test_commitments_open_with_the_kept_key_and_salt(ledger: SqlLedger, engine: Engine) -> None:
    """Whoever holds the database can show that this very body was judged and sent; one byte more, and it is not."""
    await ledger.append(decided())
    with engine.connect() as connection:
        salt = connection.execute(text("SELECT salt FROM record_salts")).scalar_one()
        key = connection.execute(text("SELECT key FROM commitment_keys WHERE day <> ''")).scalar_one()
    [(body,)] = rows(engine, "body")
    assert isinstance(body, bytes)
    said = json.loads(body)

    assert commitment(key, salt, RECEIVED) == said["body"]["c"]
    assert commitment(key, salt, SENT) == said["do"]["sent"]["c"]
    assert commitment(key, salt, SENT + b" ") != said["do"]["sent"]["c"]


async def test_tenants_and_days_have_keys_of_their_own(ledger: SqlLedger, engine: Engine) -> None:
    """Two tenants on two days: four keys for content and two for pseudonyms, all different."""
    for tenant in ("acme", "globex"):
        for at in (1_795_478_400_000_000, 1_795_478_400_000_000 - 1):
            await ledger.append(decided(tenant=tenant, at=at))
    with engine.connect() as connection:
        keys = list(connection.execute(text("SELECT tenant, day, key FROM commitment_keys ORDER BY tenant, day")))

    assert [(t, d) for t in ("acme", "globex") for d in ("", "2026-11-23", "2026-11-24")] == [
        (k[0], k[1]) for k in keys
    ]
    assert 6 == len({key[2] for key in keys})


async def test_a_new_ledger_uses_the_keys_of_the_old(engine: Engine, tmp_path: Path) -> None:
    """One caller has one pseudonym, also after a restart."""
    for _ in range(2):
        ledger = new_ledger(engine, tmp_path)
        await ledger.start(announce=False)
        await ledger.append(decided())
        await ledger.close()

    assert 1 == len(
        {json.loads(str(body, "ascii"))["who"] for (body,) in rows(engine, "body") if isinstance(body, bytes)}
    )


async def test_waiting_appends_share_a_commit(
    ledger: SqlLedger, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What piles up behind one commit is written by the next: far fewer commits than records."""
    await ledger.append(decided())
    commits: list[int] = []
    commit = engine.dialect.do_commit

    def counted(connection: object) -> None:
        commit(connection)  # type: ignore[arg-type]
        commits.append(1)

    monkeypatch.setattr(engine.dialect, "do_commit", counted)
    await asyncio.gather(*(ledger.append(decided()) for _ in range(512)))

    assert 513 == len(rows(engine))
    assert 2 <= len(commits) <= 64


def copy_of(engine: Engine, folder: Path) -> list[tuple[object, ...]]:
    """What a crash at this moment would leave: the files as they are, opened elsewhere."""
    folder.mkdir()
    database = Path(str(engine.url.database))
    for suffix in ("", "-wal"):
        if (source := Path(f"{database}{suffix}")).exists():
            shutil.copy(source, folder / f"copy.db{suffix}")
    with sqlite3.connect(folder / "copy.db") as connection:
        return connection.execute("SELECT kind, decision_id FROM records ORDER BY sequence").fetchall()


async def test_what_is_acknowledged_survives_a_crash(ledger: SqlLedger, engine: Engine, tmp_path: Path) -> None:
    """At each receipt the files on disk, without any help of the process, hold the record."""
    for count in range(5):
        evidence = decided()
        await ledger.append(evidence)

        assert ("intent", evidence.decision_id) == copy_of(engine, tmp_path / str(count))[-1]


class EagerChain(Chain):
    """Deliberately wrong: acknowledges before it commits."""

    def write(self, batch: Sequence[Evidence]) -> list[Written | RecordError]:
        """Results for records that nobody has written yet."""
        return self._prepare(self._ready(), batch).results


async def test_the_crash_test_finds_a_ledger_that_acknowledges_too_early(engine: Engine, tmp_path: Path) -> None:
    """The control of the test above: an early acknowledgement has no record on disk."""
    ledger = new_ledger(engine, tmp_path)
    ledger._chain = EagerChain(engine, ledger.writer, CLOCK.now)
    await ledger.start(announce=False)
    await ledger.append(decided())

    assert [] == copy_of(engine, tmp_path / "copy")
    await ledger.close()


async def refused(ledger: SqlLedger, evidence: Evidence | None = None) -> None:
    """An append is refused with `ledger_unavailable`."""
    with pytest.raises(GatewayFault, match="ledger_unavailable"):
        await ledger.append(evidence or decided())


async def test_a_dropped_table_refuses_until_it_is_back(ledger: SqlLedger, engine: Engine) -> None:
    """Each append fails while the table is gone; the chain then goes on without a gap."""
    await ledger.append(decided())
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE records RENAME TO hidden"))
    await refused(ledger)
    await refused(ledger)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO records"))
    await ledger.append(decided())

    assert [0, 1] == [sequence for (sequence,) in rows(engine, "sequence")]


async def test_a_read_only_database_refuses(engine: Engine, tmp_path: Path) -> None:
    """A ledger that cannot write refuses to start, and one that has started refuses to append."""
    ledger = new_ledger(engine, tmp_path)
    await ledger.start(announce=False)

    def read_only(chain: Chain) -> Sequence[str]:
        chain._ready().exec_driver_sql("PRAGMA query_only = ON")
        return ()

    await ledger._ask(read_only, 5)
    await refused(ledger)
    assert [] == rows(engine)
    await ledger.close()


async def test_a_full_disk_refuses_until_there_is_room(ledger: SqlLedger, engine: Engine) -> None:
    """SQLite says that it is full: nothing is acknowledged; with room again the chain goes on without a gap."""
    await ledger.append(decided())

    def limit(pages: str) -> Callable[[Chain], Sequence[str]]:
        def set_limit(chain: Chain) -> Sequence[str]:
            connection = chain._ready()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            return ()

        return set_limit

    await ledger._ask(limit("1"), 5)  # SQLite takes the size that the file has for the smallest
    acknowledged = 1
    with contextlib.suppress(GatewayFault):
        while acknowledged < 1000:
            await ledger.append(decided())
            acknowledged += 1
    assert acknowledged < 1000
    assert acknowledged == len(rows(engine))

    await ledger._ask(limit("1000000"), 5)
    await ledger.append(decided())
    assert list(range(acknowledged + 1)) == [sequence for (sequence,) in rows(engine, "sequence")]


async def test_a_clock_that_jumps_changes_no_order(ledger: SqlLedger, engine: Engine) -> None:
    """Records keep the order in which they were written, whatever their times say."""
    for at in (1_795_000_000_000_000, 1, 2**52, 1_795_000_000_000_001):
        await ledger.append(decided(at=at))

    assert [1_795_000_000_000_000, 1, 2**52, 1_795_000_000_000_001] == [at for (at,) in rows(engine, "at")]


async def test_a_stalled_database_refuses_at_the_deadline_and_leaves_no_doubt(engine: Engine, tmp_path: Path) -> None:
    """Another process holds the write lock: refused at the deadline, and what gets in later is `not_sent`."""
    ledger = new_ledger(engine, tmp_path, deadline_ms=100)
    await ledger.start(announce=False)
    evidence = decided()
    loop = asyncio.get_running_loop()
    with sqlite3.connect(str(engine.url.database), isolation_level=None) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        start = loop.time()
        await refused(ledger, evidence)
        assert 0.1 <= loop.time() - start < 2
        assert not (await ledger.health()).ok
        blocker.execute("ROLLBACK")
    blocker.close()
    await ledger.close()

    assert rows(engine) in ([], [("intent", evidence.decision_id), ("outcome", evidence.decision_id)])


class Stalled(Chain):
    """Writes when the test lets it."""

    def __init__(self, engine: Engine, writer: str, now: Callable[[], int]) -> None:
        super().__init__(engine, writer, now)
        self.entered: asyncio.Event = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.let_go: asyncio.Future[None] = self.loop.create_future()

    def write(self, batch: Sequence[Evidence]) -> list[Written | RecordError]:
        """Wait for the test, then write."""
        self.loop.call_soon_threadsafe(self.entered.set)
        asyncio.run_coroutine_threadsafe(self._wait(), self.loop).result(timeout=30)
        return super().write(batch)

    async def _wait(self) -> None:
        await asyncio.shield(self.let_go)


@pytest.fixture
async def stalled(engine: Engine, tmp_path: Path) -> AsyncIterator[tuple[SqlLedger, Stalled]]:
    """A ledger whose commits wait for the test."""
    ledger = new_ledger(engine, tmp_path, deadline_ms=100)
    chain = Stalled(engine, ledger.writer, CLOCK.now)
    ledger._chain = chain
    await ledger.start(announce=False)
    yield ledger, chain
    if not chain.let_go.done():
        chain.let_go.set_result(None)
    await ledger.close()


async def test_a_record_that_comes_too_late_is_followed_by_not_sent(
    stalled: tuple[SqlLedger, Stalled], engine: Engine
) -> None:
    """The caller was refused at the deadline; the late intent gets its outcome; a later one in the queue is dropped."""
    ledger, chain = stalled
    late, queued = decided(), decided()
    await refused(ledger, late)
    await refused(ledger, queued)
    chain.let_go.set_result(None)

    assert [("intent", late.decision_id), ("outcome", late.decision_id)] == await settled(ledger, engine)
    assert "not_sent" == json.loads(str(rows(engine, "body")[1][0], "ascii"))["result"]  # type: ignore[call-overload]


async def test_a_caller_that_leaves_while_the_record_is_written_sent_nothing(
    stalled: tuple[SqlLedger, Stalled], engine: Engine
) -> None:
    """A cancelled append has a record all the same, and its outcome says that nothing was sent."""
    ledger, chain = stalled
    evidence = decided()
    task = asyncio.create_task(ledger.append(evidence))
    await chain.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    chain.let_go.set_result(None)

    assert [("intent", evidence.decision_id), ("outcome", evidence.decision_id)] == await settled(ledger, engine)


async def test_a_late_record_commits_to_the_bytes_that_were_judged(
    stalled: tuple[SqlLedger, Stalled], engine: Engine
) -> None:
    """Whoever gives up lets go of the bodies, yet a record on its way still holds the right commitment."""
    ledger, chain = stalled
    await refused(ledger, decided(received=Content(b"x" * 4821)))
    chain.let_go.set_result(None)
    await settled(ledger, engine)

    assert 4821 == json.loads(str(rows(engine, "body")[0][0], "ascii"))["body"]["bytes"]  # type: ignore[call-overload]


async def test_a_blocked_decision_that_comes_too_late_owes_no_outcome(
    stalled: tuple[SqlLedger, Stalled], engine: Engine
) -> None:
    """Nothing would have been done because of it. The record after it proves that nothing else was queued."""
    ledger, chain = stalled
    block = decided(route=Route.BLOCKED, destination="", sent=Content(b""))
    await refused(ledger, block)
    chain.let_go.set_result(None)
    await settled(ledger, engine)
    last = decided()
    await ledger.append(last)

    assert [("block", block.decision_id), ("intent", last.decision_id)] == rows(engine)


@pytest.mark.parametrize("committed", [True, False])
async def test_an_unknown_commit_is_refused_and_reconciled(
    ledger: SqlLedger, engine: Engine, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    """The connection breaks around COMMIT: refused either way. What did get in is followed by `not_sent`, once."""
    first, doubtful, last = decided(), decided(), decided()
    await ledger.append(first)
    commit = engine.dialect.do_commit

    def broken(connection: object) -> None:
        if committed:
            commit(connection)  # type: ignore[arg-type]
        raise OperationalError("COMMIT", None, Exception("the connection was cut"))

    monkeypatch.setattr(engine.dialect, "do_commit", broken)
    await refused(ledger, doubtful)
    monkeypatch.setattr(engine.dialect, "do_commit", commit)
    await ledger.append(last)

    between = [("intent", doubtful.decision_id), ("outcome", doubtful.decision_id)] if committed else []
    assert [("intent", first.decision_id), *between, ("intent", last.decision_id)] == rows(engine)
    assert list(range(len(between) + 2)) == [sequence for (sequence,) in rows(engine, "sequence")]


async def test_open_intents_of_a_dead_writer_are_recovered(engine: Engine, tmp_path: Path) -> None:
    """A process died between intent and outcome: its successor says so, once, and only of that one."""
    dead = new_ledger(engine, tmp_path)
    await dead.start()
    finished, lost, inside = decided(), decided(), decided(route=Route.LOCAL, sent=Content(b""))
    for each in (finished, outcome(finished.decision_id), lost, inside):
        await dead.append(each)
    _die(dead)
    for _ in range(2):
        successor = new_ledger(engine, tmp_path)
        await successor.start()
        await successor.close()

    assert [("recovered", lost.decision_id)] == [row for row in rows(engine) if row[0] == "recovered"]
    await dead.close()


async def test_a_living_writer_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    """While another process serves, its open intents are its own."""
    living, second = new_ledger(engine, tmp_path), new_ledger(engine, tmp_path)
    await living.start()
    await living.append(decided())
    await second.start()

    assert "recovered" not in {row[0] for row in rows(engine)}
    await second.close()
    await living.close()


async def test_on_postgresql_each_dead_writer_is_recovered_while_others_live(postgres_url: str, tmp_path: Path) -> None:
    """A living writer holds a lock of its own, a dead one does not: its open intents are told of, and no other's."""
    engine = open_database(postgres_url)
    upgrade(engine)
    dead, living = new_ledger(engine, tmp_path), new_ledger(engine, tmp_path)
    lost, open_still = decided(), decided()
    for ledger, evidence in ((dead, lost), (living, open_still)):
        await ledger.start()
        await ledger.append(evidence)
    dead._announced = False
    dead._chain.close()
    successor = new_ledger(engine, tmp_path)
    await successor.start()

    assert [("recovered", lost.decision_id)] == [row for row in rows(engine) if row[0] == "recovered"]
    for ledger in (successor, living, dead):
        await ledger.close()
    engine.dispose()


def _die(ledger: SqlLedger) -> None:
    """As a killed process: no good-bye, and the system lets go of its lock."""
    assert ledger._lock is not None
    ledger._lock.release()
    ledger._lock = None
    ledger._announced = False


async def test_a_database_without_tables_refuses_to_start(tmp_path: Path) -> None:
    """No tables: said at once, not at the first request."""
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")

    with pytest.raises(DatabaseUnfit):
        await new_ledger(engine, tmp_path).start()
    engine.dispose()


async def test_a_weak_database_refuses_to_start(engine: Engine, tmp_path: Path) -> None:
    """Durability is read back by the committer itself, on the connection that it writes with."""
    engine.dispose()
    weak = create_engine(engine.url)
    with weak.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")

    with pytest.raises(DatabaseUnfit, match="journal_mode is delete"):
        await new_ledger(weak, tmp_path).start()
    weak.dispose()


async def test_a_closed_ledger_refuses(engine: Engine, tmp_path: Path) -> None:
    """After `close`, and before `start`, nothing is acknowledged."""
    ledger = new_ledger(engine, tmp_path)
    await refused(ledger)
    await ledger.start(announce=False)
    await ledger.close()
    await refused(ledger)


async def test_a_stopped_postgresql_refuses_and_the_chain_goes_on_afterwards(tmp_path: Path) -> None:
    """The server goes away under load and comes back: refused in between, no gap, nothing acknowledged lost."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))
    server = start_server(folder)
    engine = open_database(server_url(server, "postgres"))
    upgrade(engine)
    ledger = new_ledger(engine, tmp_path, deadline_ms=10_000)
    await ledger.start()
    acknowledged = [decided(), decided()]
    await ledger.append(acknowledged[0])
    await asyncio.to_thread(server.stop)
    await refused(ledger)
    assert not (await ledger.health()).ok
    await asyncio.to_thread(server.start)
    await ledger.append(acknowledged[1])
    await ledger.close()

    assert {each.decision_id for each in acknowledged} == {i for k, i in rows(engine) if k == "intent"}
    assert list(range(4)) == [sequence for (sequence,) in rows(engine, "sequence")]
    engine.dispose()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


async def test_two_writers_on_postgresql_keep_two_chains(postgres_url: str, tmp_path: Path) -> None:
    """Two gateways at once, the same tenant's first records in both: each chain is contiguous, the keys are shared."""
    engines = [open_database(postgres_url), open_database(postgres_url)]
    upgrade(engines[0])
    ledgers = [new_ledger(engine, tmp_path, deadline_ms=20_000) for engine in engines]
    await asyncio.gather(*(ledger.start() for ledger in ledgers))
    await asyncio.gather(*(ledger.append(decided()) for ledger in ledgers for _ in range(50)))
    for ledger in ledgers:
        await ledger.close()

    found = rows(engines[0], "writer, sequence")
    assert [(writer, n) for writer in sorted(ledger.writer for ledger in ledgers) for n in range(52)] == found
    with engines[0].connect() as connection:
        assert 2 == connection.execute(text("SELECT count(*) FROM commitment_keys")).scalar_one()
    for engine in engines:
        engine.dispose()


def written_as(canary: str) -> list[bytes]:
    """How a text could hide in a file."""
    plain = canary.encode()
    return [
        plain,
        base64.b64encode(plain).rstrip(b"="),
        canary.encode("utf-16-le"),
        canary.replace(" ", "%20").encode(),
    ]


def canaries() -> Iterator[tuple[str, Evidence]]:
    """A canary of its own in each field that takes a string or bytes."""
    number = iter(range(1000))

    def canary() -> str:
        return f"{CANARY} canary {next(number):04}"

    for field in ("decision_id", "tenant", "app", "who", "operation", "model", "purpose", "claimed_label", "detector",
                  "destination"):  # fmt: skip
        text_here = canary()
        yield text_here, decided(**{field: text_here})
    for field in ("received", "sent"):
        text_here = canary()
        yield text_here, decided(**{field: Content(text_here.encode())})
    text_here = canary()
    yield text_here, decided(label=Label(text_here))
    yield (text_here := canary()), decided(findings=(finding(text_here),))
    yield (text_here := canary()), decided(findings=(finding(schema=text_here),))
    digest = "sha256:" + "0" * 64
    yield (text_here := canary()), decided(policy=PolicyEvidence(1, text_here, "0" * 16, (), "R", ()))
    yield (text_here := canary()), decided(policy=PolicyEvidence(1, digest, "0" * 16, (text_here,), "R", ()))
    yield (text_here := canary()), decided(policy=PolicyEvidence(1, digest, "0" * 16, (), text_here, ()))
    yield (text_here := canary()), decided(policy=PolicyEvidence(1, digest, "0" * 16, (), "R", (text_here,)))
    yield (text_here := canary()), decided(transforms=(Entity(text_here),))
    yield (text_here := canary()), outcome(text_here)
    yield (text_here := canary()), outcome("01JD0000000000000000000000", tenant=text_here)
    yield (text_here := canary()), Event(kind=EventKind.ADMIN, at=1, action="key_created", subject=text_here)
    yield (text_here := canary()), Event(kind=EventKind.ADMIN, at=1, action=text_here, subject="")


def everything_in(folder: Path) -> bytes:
    """The bytes of all files."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_no_canary_reaches_the_files(ledger: SqlLedger, engine: Engine, tmp_path: Path) -> None:
    """A text in any field is refused or committed to: no form of it is in any file of the database."""
    texts = []
    for canary, evidence in canaries():
        texts.append(canary)
        try:
            await ledger.append(evidence)
        except GatewayFault:
            continue
        assert isinstance(evidence, Decided), "only what callers say may be committed to instead"
    await ledger.append(decided(destination="findable-destination"))
    files = everything_in(tmp_path)

    assert b"findable-destination" in files
    assert not any(part in files for part in (b"078-05-1120", b"Jane Roe", b"canary"))
    assert 20 <= len(texts)
    assert [] == [canary for canary in texts if any(form in files for form in written_as(canary))]


KILLED_WHILE_SENDING = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.adapters.database import open_database
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_ledger import SqlLedger
from tests.evidence import CLOCK, decided

async def main():
    folder = Path(sys.argv[1])
    engine = open_database(f"sqlite:///{folder}/gateway.db")
    ledger = SqlLedger(engine=engine, key=LedgerKey.load(folder / "ledger.key"), clock=CLOCK, deadline_ms=10_000)
    await ledger.start()
    receipt = await ledger.append(decided())
    print(receipt.decision_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_killed_while_it_sent_leaves_a_visible_intent(
    engine: Engine, tmp_path: Path, repository: Path
) -> None:
    """A real process, a real SIGKILL: its acknowledged intent is there, and its successor says that it stayed open."""
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED_WHILE_SENDING, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=repository
    )
    told, _ = await killed.communicate()
    assert -signal.SIGKILL == killed.returncode
    successor = new_ledger(engine, tmp_path)
    await successor.start()
    await successor.close()

    decision = told.decode().strip()
    assert sorted([("intent", decision), ("recovered", decision)]) == sorted(r for r in rows(engine) if r[1])
