"""The overview tells whether the ledger is what was signed, and nobody has to run a command for it."""

from __future__ import annotations

import json

import pytest

from gateway.domain.accounts import Role
from tests.adapters.test_ledger_verification import DAY_S, Later
from tests.console.site import ON_BOTH_DATABASES, Site
from tests.evidence import activated, decided, outcome

pytestmark = [pytest.mark.asyncio(loop_scope="module"), ON_BOTH_DATABASES]

GREEN, AMBER, RED = (f'class="light {each}"' for each in ("green", "amber", "red"))


async def test_the_overview_turns_red_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From not verified yet over sound to altered, by nothing but the time that goes by."""
    clock, one = Later(), decided()
    clock.ahead = -DAY_S - 1
    monkeypatch.setattr(site.host.verification, "_clock", clock)
    site.add(activated(), one, outcome(one.decision_id))
    await site.settle()
    vera = await site.person("vera", Role.VIEWER)
    assert AMBER in await vera.page("/console/")

    await site.host.verification.look()
    await site.settle()
    assert GREEN in await vera.page("/console/")
    site.house.alter(one.decision_id, "claims-bot", "claims-bat")
    clock.ahead = 0
    await site.host.verification.look()
    await site.settle()
    page = await vera.page("/console/")

    assert RED in page
    assert "the ledger is not what was signed" in page
    assert "Verify now" not in page


async def test_an_auditor_has_it_verified_at_once(site: Site) -> None:
    """Who wants it is recorded; it is done once, and the page says that it is on its way until then."""
    ada = await site.person("ada", Role.AUDITOR)
    await ada.page("/console/")
    assert (await ada.submit("/console/verify")).status_code == 303
    await site.settle()
    assert "A new verification was asked for" in await ada.page("/console/")
    account = next(each.id for each in await site.accounts.list() if each.name == "ada")
    wish = json.loads(site.records("admin")[-1])
    assert ("verification_asked", account) == (wish["action"], wish["who"])

    before = len(site.records("admin"))
    for _ in range(2):
        await site.host.verification.look()
        await site.settle()

    assert before + 1 == len(site.records("admin"))
    assert "A new verification was asked for" not in await ada.page("/console/")


async def test_a_verdict_that_somebody_rewrote_is_red(site: Site) -> None:
    """Whoever can write into the database cannot make the light green."""
    vera = await site.person("vera", Role.VIEWER)
    forged = b'"action":"verified_sound"'
    writer, sequence, body = site.house.rows(
        "SELECT writer, sequence, body FROM records WHERE kind = 'admin' ORDER BY at"
    )[-1]
    assert b"verified_altered" in bytes(body)  # type: ignore[call-overload]
    rewritten = bytes(body).replace(b'"action":"verified_altered"', forged)  # type: ignore[call-overload]
    where = "WHERE writer = :writer AND sequence = :sequence"
    site.house.change(f"UPDATE records SET body = :body {where}", body=rewritten, writer=writer, sequence=sequence)

    page = await vera.page("/console/")
    assert RED in page
    assert "the record of the last verification is not what was signed" in page
