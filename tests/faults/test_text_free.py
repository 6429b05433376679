"""No text of a caller is anywhere that the ledger writes or tells, and nobody can guess it from a dump."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import itertools
import json
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.adapters.prometheus_metrics import PrometheusMetrics
from gateway.domain.commitment import commitment
from gateway.domain.evidence import Content
from gateway.testing.stand_in import StandIn, Status
from tests.adapters.ledger_house import House
from tests.cli.test_ledger import ALL, exported, house, run
from tests.egress.harness import stored
from tests.evidence import decided
from tests.faults.door import door, ledger_on
from tests.faults.shim import FULL
from tests.test_logs import written

__all__ = ["house", "written"]

CANARIES = 10_000 if FULL else 400
GUESSED = 1000
STEM = "QzCanary"
"""Stands in every value, so that one search finds any of them. What stands after it tells which one it is."""

MOODS = ("nothing else", "a@b.example", "ssn 078-05-1120", "sk-canary")
"""What makes a request leave, leave masked, stay inside, or be refused."""


def asked(numbers: Iterator[int], mood: str) -> dict[str, object]:
    """A request with a value of its own in each place that takes a text."""

    def value() -> str:
        return f"{STEM} {next(numbers):05} lives here"

    def name() -> str:
        return f"{STEM}_{next(numbers):05}"

    tool = name()
    call = {"id": name(), "type": "function", "function": {"name": tool, "arguments": json.dumps({name(): value()})}}
    schema = {"type": "object", "description": value(), "properties": {name(): {"type": "string", "enum": [value()]}}}
    return {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": value(), "name": name()},
            {"role": "user", "content": [{"type": "text", "text": value()}, {"type": "text", "text": mood}]},
            {"role": "assistant", "content": value(), "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": value()},
            {"role": "user", "content": f"{value()} and {value()}"},
        ],
        "tools": [{"type": "function", "function": {"name": tool, "description": value(), "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": name(), "schema": schema}},
        "metadata": {name(): value()},
        "stop": [value()],
        "user": value(),
    }


def broken(numbers: Iterator[int]) -> Iterator[tuple[str, bytes]]:
    """Paths and bodies that are refused before anything is decided."""
    told = f'"{STEM} {next(numbers):05} lives here"'
    yield "/v1/chat/completions", f'{{"model": {told}, "messages": [{{"role": "user", "content": {told}'.encode()
    yield "/v1/chat/completions", f'{{"model": {told}, "messages": [], {told}: {told}}}'.encode()
    yield "/v1/chat/completions", json.dumps({"model": told, "messages": [{"role": "user", "content": told}]}).encode()
    yield f"/v1/{urllib.parse.quote(told)}?q={urllib.parse.quote(told)}", told.encode()


async def every_canary(client: httpx.AsyncClient, provider: StandIn) -> Counter[int]:
    """Send them all, in bodies, headers, paths and credentials. How often which status came back."""
    numbers = itertools.count()
    statuses: Counter[int] = Counter()
    for round_, number in enumerate(itertools.takewhile(lambda each: each < CANARIES, numbers)):
        text = f"{STEM} {number:05} lives here"
        headers = {"content-type": "application/json", "user-agent": text}
        headers |= (
            {"x-gateway-purpose": text} if round_ % 5 == 1 else {"x-gateway-label": text} if round_ % 5 == 2 else {}
        )
        headers |= {"authorization": f"Bearer {text}"} if round_ % 10 == 3 else {}
        if round_ % 7 == 3:
            provider.script(Status(400, "bad", echo=True))
        requests = [("/v1/chat/completions", json.dumps(asked(numbers, MOODS[round_ % 4])).encode())]
        for path, body in (*requests, *(broken(numbers) if round_ % 5 == 0 else ())):
            statuses[(await client.post(path, content=body, headers=headers)).status_code] += 1
    return statuses


def told_by(house: House) -> bytes:
    """All that the commands tell of it."""
    period = ("--since", "2001-01-01", "--until", "2100-01-01")
    folder = exported(house, *ALL)
    export = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    pages = [
        *(run(house, "report", *period, "--format", form).output for form in ("text", "json", "html")),
        *(run(house, "search", "--limit", "1000", *form).output for form in ((), ("--json",))),
        run(house, "verify", "--json").output,
        *(run(house, "show", str(i)).output for (i,) in house.rows("SELECT decision_id FROM records LIMIT 20")),
    ]
    return export + "".join(pages).encode()


def found(data: bytes) -> list[bytes]:
    """The forms of a value that stand in `data`."""
    plain = STEM.encode()
    forms = [
        *(
            plain,
            plain.lower(),
            plain.upper(),
            plain.hex().encode(),
            STEM.encode("utf-16-le"),
            STEM.encode("utf-16-be"),
        ),
        *(base64.b64encode(b"x" * cut + plain)[4 if cut else 0 : -4] for cut in range(3)),
        *(base64.b64encode(b"x" * cut + STEM.encode("utf-16-le"))[4 if cut else 0 : -4] for cut in range(3)),
        "".join(f"%{byte:02X}" for byte in plain).encode(),
        "".join(f"\\u{ord(letter):04x}" for letter in STEM).encode(),
    ]
    return [form for form in forms if form in data]


async def test_no_canary_is_anywhere(house: House, written: io.StringIO) -> None:
    """In every input place, under every decision; then database, its log, dump, logs, metrics, exports and pages."""
    metrics = PrometheusMetrics()
    ledger = ledger_on(house.engine, house.folder)
    await ledger.start()
    with StandIn() as provider:
        async with door(ledger, provider, metrics) as client:
            statuses = await every_canary(client, provider)
        left = b"".join(request.body for request in provider.requests)
    while_it_serves = stored(house.folder)
    await ledger.close()
    house.integrate()
    data = while_it_serves + stored(house.folder) + told_by(house) + written.getvalue().encode() + metrics.render()

    assert {200, 400, 403, 404} <= set(statuses), statuses
    assert STEM.encode() in left, "they did arrive where nothing was found in them"
    assert b"gateway_decisions_total{" in data, "and something was written of them"
    assert [] == found(data)


@pytest.mark.parametrize("hidden", [STEM, base64.b64encode(f"ab {STEM} x".encode()).decode(), STEM.encode().hex()])
def test_the_search_finds_what_is_there(house: House, hidden: str) -> None:
    """The control: one value in one column, in clear or encoded."""
    house.change("UPDATE records SET reason = :hidden WHERE sequence = 7", hidden=hidden)

    assert found(stored(house.folder))
    assert found(exported(house, *ALL).joinpath("manifest.json").read_bytes() + hidden.encode())


def numbers_of(count: int) -> list[bytes]:
    """Bodies that hold nothing but a social security number, as many as there are to be guessed."""
    return [f"{100 + n % 600:03}-{1 + n % 98:02}-{1000 + n * 7 % 9000:04}".encode() for n in range(count)]


def reversed_by(claims: set[str], guesses: list[bytes], known: list[bytes]) -> int:
    """How many of the guesses somebody with a dump finds: each guess hashed plainly, and keyed or salted with whatever
    else the dump holds."""
    seen = 0
    for guess in guesses:
        tries = {f"h1:{hashlib.sha256(guess).hexdigest()}", commitment(b"", b"", guess)}
        for each in known:
            tries.add(f"h1:{hashlib.sha256(each + guess).hexdigest()}")
            tries.add(f"h1:{hmac.new(each, guess, hashlib.sha256).hexdigest()}")
            tries.add(commitment(b"", each, guess))
        seen += bool(tries & claims)
    return seen


def test_nobody_guesses_from_a_dump(house: House, tmp_path: Path) -> None:
    """A thousand numbers out of a space that a laptop goes through; the dump has records and tree, no keys and salts.
    With the keys, as control, every one is found; and so it is where a plain digest stands."""
    bodies = numbers_of(GUESSED)
    house.write("gw-0000000a", *(decided(received=Content(body), sent=Content(b"")) for body in bodies))
    rows = house.rows("SELECT body FROM records WHERE writer = 'gw-0000000a' ORDER BY sequence")
    records = [json.loads(bytes(body)) for (body,) in rows]  # type: ignore[call-overload]
    claims = {each["body"]["c"] for each in records}
    known = [bytes.fromhex(records[0][field]) for field in ("n", "p")] + [records[0]["id"].encode(), b"acme"]
    [(key,)] = house.rows("SELECT key FROM commitment_keys WHERE day <> ''")
    salts = house.rows("SELECT salt FROM record_salts WHERE writer = 'gw-0000000a' ORDER BY sequence")
    opened = [commitment(bytes(key), bytes(salt), body) for (salt,), body in zip(salts, bodies, strict=True)]  # type: ignore[call-overload]

    assert 0 == reversed_by(claims, bodies, known)
    assert GUESSED == len(claims) == len(set(opened) & claims)
    assert GUESSED == reversed_by({f"h1:{hashlib.sha256(body).hexdigest()}" for body in bodies}, bodies, known)
