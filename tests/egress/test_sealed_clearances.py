"""The hard wall: an egress sends what its gateway sealed, once, and nothing else. Real HTTP, and the provider's ear."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gateway.adapters.egress_external import EgressExternal
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.zone import OutsideZone
from gateway.domain.conversation import Operation
from gateway.domain.errors import ErrorCode, GatewayFault, UpstreamError
from gateway.domain.sealed import HEADER, PATH, RefusalReason, Sealed
from gateway.pipeline.ports import Rejected, Streamed, Whole
from gateway.testing.stand_in import CutOff, Gate, Held, StandIn, Status
from tests.adapters.clearing import CANARY, body_of, content_of, read_all
from tests.adapters.egress_house import KEY, EgressHouse, certificate_for, running_egress

SECOND = 1_000_000


@pytest.fixture
def provider() -> Iterator[StandIn]:
    """The provider that only the egress may reach."""
    with StandIn() as running:
        yield running


@pytest.fixture
async def house(provider: StandIn, tmp_path: Path) -> AsyncIterator[EgressHouse]:
    """An egress for one destination."""
    async with running_egress(tmp_path, provider.base_url, max_body_bytes=4096) as running:
        yield running


@pytest.fixture
async def door(house: EgressHouse) -> AsyncIterator[EgressExternal]:
    """The gateway's door to it."""
    link = house.link()
    yield house.external(link)
    await link.aclose()


def statement(house: EgressHouse, body: bytes, **other: object) -> Sealed:
    """What the gateway would say of these bytes now."""
    now = house.clock.now()
    said = Sealed(
        decision_id="01HF0000000000000000000000",
        destination="openai",
        operation=Operation.CHAT,
        digest=hashlib.sha256(body).digest(),
        size=len(body),
        receipt=house.key.token(b'{"id":"01HF0000000000000000000000"}'),
        issued_at=now,
        expires_at=now + 30 * SECOND,
    )
    return replace(said, **other)  # type: ignore[arg-type]


async def post(house: EgressHouse, seal: str, body: bytes) -> httpx.Response:
    """What anyone who can reach the egress can try."""
    async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
        return await client.post(PATH, headers={HEADER: seal}, content=body)


async def test_exactly_the_sealed_bytes_go_out_with_the_key_of_the_egress(
    provider: StandIn, house: EgressHouse, door: EgressExternal
) -> None:
    """The gateway needs no key for that."""
    body = body_of("é", unknown=1)
    answer = await door.complete(house.clearance(body))

    assert isinstance(answer, Whole)
    assert "You said: é" == json.loads(answer.body)["choices"][0]["message"]["content"]
    assert [body] == [seen.body for seen in provider.requests]
    assert f"Bearer {KEY}" == provider.requests[0].header("authorization")
    assert HEADER not in dict(provider.requests[0].headers)
    assert [] == house.refusals


FORGERIES: dict[str, tuple[RefusalReason, Callable[[EgressHouse, bytes], tuple[str, bytes]]]] = {
    "no seal": (RefusalReason.NOT_GENUINE, lambda _, body: ("", body)),
    "a seal of another key": (
        RefusalReason.NOT_GENUINE,
        lambda house, body: (_stranger(house).seal(statement(house, body).encode()), body),
    ),
    "a receipt for a seal": (
        RefusalReason.NOT_GENUINE,
        lambda house, body: (house.key.token(statement(house, body).encode()), body),
    ),
    "a changed seal": (
        RefusalReason.NOT_GENUINE,
        lambda house, body: ("A" + house.key.seal(statement(house, body).encode())[1:], body),
    ),
    "another body of the same length": (
        RefusalReason.ALTERED,
        lambda house, body: (house.key.seal(statement(house, body).encode()), body.replace(b"canary", b"secret")),
    ),
    "a shorter body": (
        RefusalReason.ALTERED,
        lambda house, body: (house.key.seal(statement(house, body).encode()), body[:-1]),
    ),
    "a longer body": (
        RefusalReason.INCOMPLETE,
        lambda house, body: (house.key.seal(statement(house, body).encode()), body + b" "),
    ),
    "another destination": (
        RefusalReason.UNKNOWN_DESTINATION,
        lambda house, body: (house.key.seal(statement(house, body, destination="elsewhere").encode()), body),
    ),
    "an operation that the destination does not serve": (
        RefusalReason.UNKNOWN_DESTINATION,
        lambda house, body: (house.key.seal(statement(house, body, operation=Operation.MESSAGES).encode()), body),
    ),
    "a seal that is over": (
        RefusalReason.EXPIRED,
        lambda house, body: (
            house.key.seal(statement(house, body, expires_at=house.clock.now() - 1).encode()),
            body,
        ),
    ),
    "a seal for next week": (
        RefusalReason.NOT_YET,
        lambda house, body: (
            house.key.seal(statement(house, body, issued_at=house.clock.now() + 60 * SECOND).encode()),
            body,
        ),
    ),
    "a seal for ever": (
        RefusalReason.EXPIRED,
        lambda house, body: (house.key.seal(statement(house, body, expires_at=2**60).encode()), body),
    ),
    "a seal of before the start": (
        RefusalReason.BEFORE_START,
        lambda house, body: (
            house.key.seal(statement(house, body, issued_at=house.clock.now() - 20 * SECOND).encode()),
            body,
        ),
    ),
    "too large": (
        RefusalReason.TOO_LARGE,
        lambda house, _: (house.key.seal(statement(house, b"x" * 5000).encode()), b"x" * 5000),
    ),
    "without a receipt": (
        RefusalReason.NO_RECEIPT,
        lambda house, body: (house.key.seal(statement(house, body, receipt="").encode()), body),
    ),
    "with the receipt of another decision": (
        RefusalReason.NO_RECEIPT,
        lambda house, body: (
            house.key.seal(statement(house, body, receipt=house.key.token(b'{"id":"other"}')).encode()),
            body,
        ),
    ),
}


def _stranger(house: EgressHouse) -> LedgerKey:
    return LedgerKey.load(house.refusals_file.with_name("stranger.key"))


@pytest.mark.parametrize("what", sorted(FORGERIES))
async def test_anything_else_is_refused_with_a_record(provider: StandIn, house: EgressHouse, what: str) -> None:
    """403 with a code, a line in the file, no word of the body in either, and the provider heard nothing."""
    reason, forge = FORGERIES[what]
    seal, body = forge(house, body_of())
    response = await post(house, seal, body)

    assert (403, {"error": {"code": reason.value}}) == (response.status_code, response.json())
    assert [reason.value] == house.refusals
    assert CANARY not in response.text + house.refusals_file.read_text()
    assert [] == provider.requests


async def test_the_record_of_a_refusal_says_what_a_genuine_seal_said_and_nothing_of_any_other(
    house: EgressHouse,
) -> None:
    """Whoever has no key writes nothing of theirs into the file."""
    body = body_of()
    strange = statement(house, body, destination="injected")
    await post(house, house.key.seal(statement(house, body).encode()), body[:-1])
    await post(house, _stranger(house).seal(strange.encode()), body)

    genuine, stranger = house.lines
    assert {"reason": "altered", "decision": "01HF0000000000000000000000", "destination": "openai"} == {
        name: genuine[name] for name in ("reason", "decision", "destination")
    }
    assert ("127.0.0.1", "", "") == (stranger["peer"], stranger["decision"], stranger["destination"])


async def test_a_seal_is_good_once(provider: StandIn, house: EgressHouse) -> None:
    """Also when it comes many times at the same time; and a new seal of the same decision is no new decision."""
    body = body_of()
    seal = house.key.seal(statement(house, body).encode())
    answers = await asyncio.gather(*(post(house, seal, body) for _ in range(8)))
    again = await post(house, house.key.seal(statement(house, body).encode()), body)

    assert [200] + [403] * 7 == sorted(answer.status_code for answer in answers)
    assert 403 == again.status_code
    assert ["replayed"] * 8 == house.refusals
    assert 1 == len(provider.requests)


async def test_a_seal_that_was_used_is_not_good_after_a_restart(
    provider: StandIn, house: EgressHouse, tmp_path: Path
) -> None:
    """The memory is gone, so what was made before is refused; what is made now is sent."""
    body = body_of()
    seal = house.key.seal(statement(house, body).encode())
    assert 200 == (await post(house, seal, body)).status_code
    async with running_egress(tmp_path, provider.base_url) as restarted:
        assert 403 == (await post(restarted, seal, body)).status_code
        link = restarted.link()
        assert isinstance(await restarted.external(link).complete(restarted.clearance()), Whole)
        await link.aclose()

    assert ["before_start"] == house.refusals
    assert 2 == len(provider.requests)


async def test_a_bent_seal_does_not_use_up_the_decision(provider: StandIn, house: EgressHouse) -> None:
    """Who sees a seal pass cannot spoil it with other bytes."""
    body = body_of()
    seal = house.key.seal(statement(house, body).encode())
    assert 403 == (await post(house, seal, body[:-1])).status_code

    assert 200 == (await post(house, seal, body)).status_code
    assert [body] == [seen.body for seen in provider.requests]


async def test_no_other_way_in(provider: StandIn, house: EgressHouse) -> None:
    """Other paths and methods are not there, and nothing is forwarded."""
    seal = house.key.seal(statement(house, body_of()).encode())
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, headers={HEADER: seal}) as client:
        answers = [await client.post("/v1/chat/completions", content=body_of()), await client.get(PATH)]
        tunnel = await client.request("CONNECT", "/", content=b"")

    assert {404, 405} == {answer.status_code for answer in answers}
    assert tunnel.status_code >= 400
    assert [] == provider.requests


async def test_a_stream_passes_as_it_comes(provider: StandIn, house: EgressHouse, door: EgressExternal) -> None:
    """The first event is here while the provider still holds the rest back."""
    gate = Gate()
    provider.script(Held(gate, after_events=2))
    answer = await door.complete(house.clearance(body_of("held back", stream=True)))
    assert isinstance(answer, Streamed)
    first = await anext(answer.events)
    gate.release()
    rest = await read_all(answer.events)

    assert "held back" in content_of([first, *rest])


async def test_a_caller_that_leaves_ends_the_request_at_the_provider(
    provider: StandIn, house: EgressHouse, door: EgressExternal
) -> None:
    """Streamed, and before an answer began."""
    gates = (Gate(), Gate())
    provider.script(Held(gates[0], after_events=1), Held(gates[1]))
    answer = await door.complete(house.clearance(body_of(stream=True)))
    assert isinstance(answer, Streamed)
    await anext(answer.events)
    await answer.events.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(provider.requests[0].gone.wait, 10)

    whole = asyncio.ensure_future(door.complete(house.clearance(body_of())))
    await asyncio.to_thread(provider.wait_for_requests, 2)
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert await asyncio.to_thread(provider.requests[1].gone.wait, 10)
    for gate in gates:
        gate.release()


async def test_the_providers_own_refusal_and_failure_come_through(
    provider: StandIn, house: EgressHouse, door: EgressExternal
) -> None:
    """Status, body and waiting time as without an egress."""
    provider.script(Status(429, code="slow", headers=(("retry-after", "7"),)), CutOff())
    refused = await door.complete(house.clearance())
    with pytest.raises(UpstreamError) as failed:
        await door.complete(house.clearance())

    assert isinstance(refused, Rejected)
    assert (429, 7, "slow") == (refused.status, refused.retry_after, json.loads(refused.body)["error"]["code"])
    assert ErrorCode.UPSTREAM_ERROR is failed.value.code


async def test_a_provider_that_is_too_slow_is_told_as_such(
    provider: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the egress, with its own time, and by the gateway when the egress says nothing."""
    monkeypatch.setattr("gateway.adapters.egress_external._GRACE_S", 0.0)
    async with running_egress(tmp_path, provider.base_url) as house:
        link, gate = house.link(), Gate()
        provider.script(Held(gate))
        with pytest.raises(UpstreamError) as late:
            await house.external(link, timeout_s=0.2).complete(house.clearance())
        gate.release()
        await link.aclose()

    assert ErrorCode.UPSTREAM_TIMEOUT is late.value.code


async def test_an_egress_that_refuses_or_is_not_there_means_that_nothing_was_sent(
    provider: StandIn, house: EgressHouse, door: EgressExternal
) -> None:
    """One error of our own, whatever the reason."""
    unknown = house.external(house.link(), "elsewhere")
    with pytest.raises(GatewayFault) as refused:
        await unknown.complete(house.clearance(destination="elsewhere"))
    house.url = "http://127.0.0.1:9"
    nowhere = house.link()
    with pytest.raises(GatewayFault) as missing:
        await house.external(nowhere).complete(house.clearance())
    health = await nowhere.health()

    assert {ErrorCode.EGRESS_UNAVAILABLE} == {refused.value.code, missing.value.code}
    assert (True, "the egress does not answer: nothing can leave") == (health.ok, health.detail)
    assert [] == provider.requests


async def test_a_connection_that_the_egress_closed_is_opened_again(provider: StandIn, tmp_path: Path) -> None:
    """A restart of the egress between two requests costs none of them."""
    socket = str(tmp_path / "egress.sock")
    async with running_egress(tmp_path, provider.base_url, socket=socket) as house:
        link = house.link()
        door = house.external(link)
        assert isinstance(await door.complete(house.clearance()), Whole)
    async with running_egress(tmp_path, provider.base_url, socket=socket):
        assert isinstance(await door.complete(house.clearance()), Whole)
        await link.aclose()

    assert 2 == len(provider.requests)


async def test_more_than_it_takes_on_is_told_to_come_later(provider: StandIn, tmp_path: Path) -> None:
    """503 with retry-after, before a byte of the body is read."""
    gate = Gate()
    provider.script(Held(gate))
    async with running_egress(tmp_path, provider.base_url, max_in_flight=1) as house:
        link = house.link()
        first = asyncio.ensure_future(house.external(link).complete(house.clearance()))
        await asyncio.to_thread(provider.wait_for_requests, 1)
        second = await post(house, "", b"")
        gate.release()
        await first
        third = await post(house, "", b"")
        await link.aclose()

    assert (503, "1") == (second.status_code, second.headers["retry-after"])
    assert 403 == third.status_code


async def test_health_readiness_and_metrics_are_told(provider: StandIn, house: EgressHouse) -> None:
    """What an operator and a probe need; no key in any of it."""
    await post(house, "", b"")
    async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
        alive, ready, metrics = [await client.get(path) for path in ("/healthz", "/readyz", "/metrics")]

    assert [200, 200, 200] == [alive.status_code, ready.status_code, metrics.status_code]
    assert {"serving", "refusals", "store", "destination:openai"} == set(ready.json()["parts"])
    assert 'gateway_egress_refused_total{reason="not_genuine"} 1.0' in metrics.text
    assert KEY not in alive.text + ready.text + metrics.text
    assert [] == provider.requests


async def test_the_link_may_be_encrypted(provider: StandIn, tmp_path: Path) -> None:
    """With a certificate that the gateway trusts it works; with one that it does not, nothing is handed over."""
    certificate, private = certificate_for(tmp_path)
    async with running_egress(
        tmp_path, provider.base_url, certificate_file=str(certificate), private_key_file=str(private)
    ) as house:
        trusting, wary = house.link(ca_file=str(certificate)), house.link()
        answer = await house.external(trusting).complete(house.clearance())
        with pytest.raises(GatewayFault) as refused:
            await house.external(wary).complete(house.clearance())
        await trusting.aclose()
        await wary.aclose()

    assert isinstance(answer, Whole)
    assert ErrorCode.EGRESS_UNAVAILABLE is refused.value.code
    assert 1 == len(provider.requests)


async def test_an_egress_outside_of_the_network_is_not_spoken_to(house: EgressHouse) -> None:
    """An address beyond is refused at start and at each connection: it would be a way out."""
    outside = house.link(url="http://198.51.100.7:8090")
    with pytest.raises(OutsideZone):
        await outside.start()
    with pytest.raises(GatewayFault) as refused:
        await house.external(outside).complete(house.clearance())
    await outside.aclose()

    assert ErrorCode.EGRESS_UNAVAILABLE is refused.value.code
