"""API keys: found by their hash, revoked within two seconds, never stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.sql_keys import MAX_REMEMBERED, REMEMBER_SECONDS, KeyNameError, NewKey, SqlKeys
from gateway.domain.errors import ErrorCode, GatewayFault
from gateway.domain.evidence import Event, EventKind
from gateway.pipeline.ports import Principal, UnknownKey
from gateway.testing.memory_ledger import MemoryLedger
from tests.evidence import CLOCK


class Watch:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The time it shows."""
        return self.seconds


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty SQLite database."""
    made = open_database(f"sqlite:///{tmp_path}/gateway.db")
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def watch() -> Watch:
    """The time that the store sees."""
    return Watch()


@pytest.fixture
def keys(engine: Engine, watch: Watch) -> SqlKeys:
    """A store without keys."""
    return SqlKeys(engine, CLOCK, monotonic=watch)


@pytest.fixture
def queries(engine: Engine) -> list[str]:
    """The statements that reach the database, as they do."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    return seen


def everything_in(folder: Path) -> bytes:
    """The bytes of all files."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def made(keys: SqlKeys, name: str = "demo") -> NewKey:
    """A key of the tenant `acme`."""
    return await keys.create(MemoryLedger(), name=name, tenant="acme", app="claims-bot")


async def test_a_key_is_found_by_itself_alone(keys: SqlKeys) -> None:
    """The whole key, to the last character, and no other string."""
    key = await made(keys)
    other = await made(keys)

    assert Principal(key_id=key.id, name="demo", tenant="acme", app="claims-bot") == await keys.find(key.key)
    mixed = key.key[:16] + other.key[16:]
    last = "A" if key.key[-1] != "A" else "B"
    for wrong in (mixed, key.key[:-1] + last, key.key[:-1], key.key + "A", key.key.upper(), key.id, "", " " + key.key):
        assert UnknownKey() == await keys.find(wrong)


async def test_keys_have_the_documented_form(keys: SqlKeys) -> None:
    """`gw_<id>_<secret>` with at least 32 random bytes, each key its own."""
    one, other = await made(keys), await made(keys)

    assert one.key.startswith(f"gw_{one.id}_")
    assert 43 == len(one.key.removeprefix(f"gw_{one.id}_"))
    assert one.id != other.id
    assert one.key[16:] != other.key[16:]


@given(st.text(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_a_key_by_chance(keys: SqlKeys, presented: str) -> None:
    """Any string is answered, and only a key's own form reaches the database."""
    assert UnknownKey() == asyncio.run(keys.find(presented))


async def test_the_secret_is_nowhere_in_the_files(keys: SqlKeys, engine: Engine, tmp_path: Path) -> None:
    """Only the id and a hash are stored; the name proves that the file was searched."""
    key = await made(keys, "findable-name")
    engine.dispose()
    files = everything_in(tmp_path)

    assert b"findable-name" in files
    assert key.key.encode() not in files
    assert key.key[16:].encode() not in files


async def test_a_known_key_costs_no_query(keys: SqlKeys, queries: list[str], watch: Watch) -> None:
    """One query, then none for two seconds."""
    key = await made(keys)
    queries.clear()
    for _ in range(100):
        await keys.find(key.key)
    assert 1 == len(queries)

    watch.seconds += REMEMBER_SECONDS
    await keys.find(key.key)
    assert 2 == len(queries)


async def test_requests_at_once_share_a_query(keys: SqlKeys, queries: list[str]) -> None:
    """A burst after the memory ran out does not become a burst of queries."""
    key = await made(keys)
    queries.clear()
    found = await asyncio.gather(*(keys.find(key.key) for _ in range(100)))

    assert 1 == len(queries)
    assert {key.id} == {each.key_id for each in found if isinstance(each, Principal)}


async def test_a_caller_that_leaves_does_not_take_the_others_with_it(keys: SqlKeys) -> None:
    """The shared query goes on when the request that began it is cancelled."""
    key = await made(keys)
    first, second = asyncio.create_task(keys.find(key.key)), asyncio.create_task(keys.find(key.key))
    await asyncio.sleep(0)
    first.cancel()

    assert isinstance(await second, Principal)
    assert first.cancelled()


async def test_a_revocation_holds_within_two_seconds(keys: SqlKeys, watch: Watch, engine: Engine) -> None:
    """Revoked by another process: known for at most two seconds more, then unknown for good."""
    key = await made(keys)
    await keys.find(key.key)
    assert await SqlKeys(engine, CLOCK).revoke(MemoryLedger(), key.id)
    watch.seconds += REMEMBER_SECONDS

    assert UnknownKey() == await keys.find(key.key)


async def test_the_memory_is_bounded(keys: SqlKeys) -> None:
    """However many keys there are, the oldest are forgotten."""
    key = await made(keys)
    keys._known = {number.to_bytes(32): (Principal("k", "n", "t", "a"), 0.0) for number in range(MAX_REMEMBERED)}
    await keys.find(key.key)

    assert MAX_REMEMBERED == len(keys._known)


async def test_a_store_that_cannot_be_read_lets_nobody_in(keys: SqlKeys, engine: Engine) -> None:
    """A failure is a fault, never an unknown key and never a pass."""
    key = await made(keys)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE api_keys"))

    with pytest.raises(GatewayFault) as fault:
        await keys.find(key.key)
    assert ErrorCode.INTERNAL_ERROR is fault.value.code


@pytest.mark.parametrize("wrong", ["", "a b", "-a", "a" * 64, "jane@example.org", "ä"])
async def test_names_are_words(keys: SqlKeys, wrong: str) -> None:
    """Name, tenant and app stand in records: nothing but a plain name will do."""
    for field in ("name", "tenant", "app"):
        with pytest.raises(KeyNameError, match=field):
            await keys.create(MemoryLedger(), **{"name": "a", "tenant": "a", "app": "a", field: wrong})
    assert () == await keys.list()


async def test_changes_are_recorded_before_they_are_made(keys: SqlKeys) -> None:
    """`admin` events name the key's id; without a record there is no change."""
    ledger = MemoryLedger()
    key = await keys.create(ledger, name="a", tenant="a", app="a")
    assert await keys.revoke(ledger, key.id)
    events = [each for each in ledger.evidence if isinstance(each, Event)]
    assert [("key_created", key.id), ("key_revoked", key.id)] == [(each.action, each.subject) for each in events]
    assert {EventKind.ADMIN} == {each.kind for each in events}

    ledger.fail()
    with pytest.raises(GatewayFault):
        await keys.create(ledger, name="b", tenant="b", app="b")
    assert ["a"] == [listed.name for listed in await keys.list()]


async def test_a_revocation_that_cannot_be_recorded_is_not_made(keys: SqlKeys) -> None:
    """The key stays valid, and the caller is told."""
    key, ledger = await made(keys), MemoryLedger()
    ledger.fail()
    with pytest.raises(GatewayFault):
        await keys.revoke(ledger, key.id)

    assert isinstance(await keys.find(key.key), Principal)


async def test_only_a_valid_key_is_revoked(keys: SqlKeys) -> None:
    """Unknown, or revoked before: told, and no record written."""
    key, ledger = await made(keys), MemoryLedger()

    assert await keys.revoke(ledger, key.id)
    assert not await keys.revoke(ledger, key.id)
    assert not await keys.revoke(ledger, "unknown")
    assert 1 == len(ledger.records)


async def test_the_first_key_is_made_once(keys: SqlKeys) -> None:
    """Where no key was ever made; a revoked one counts as made."""
    ledger = MemoryLedger()
    first = await keys.ensure_first_key(ledger)
    found = await keys.find(first)
    assert isinstance(found, Principal)

    await keys.revoke(ledger, found.key_id)
    assert "" == await keys.ensure_first_key(ledger)


async def test_a_new_key_is_not_shown_by_accident(keys: SqlKeys) -> None:
    """Its repr holds neither key nor hash."""
    key = await made(keys)

    assert key.key[16:] not in repr(key)
    assert "hash" not in repr(key)
