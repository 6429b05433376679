"""Finding a decision, reading why it fell, seeing its proof, and handing it over."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import of_decision
from gateway.adapters.tables import checkpoints
from gateway.console.decisions import ON_A_PAGE, WORDS
from gateway.console.proof import Light, proof_of
from gateway.domain.accounts import Role, Sight
from gateway.domain.costs import Cost, OtherWay
from gateway.domain.evidence import PolicyEvidence, Route
from gateway.domain.labels import DataClass, Label
from gateway.verifier.checks import Verification
from gateway.verifier.export import ExportSource
from gateway.verifier.findings import Verdict
from tests.console.browsing import HEALTH
from tests.console.site import ON_BOTH_DATABASES, Site
from tests.evidence import CLOCK, activated, decided, finding, outcome

pytestmark = [pytest.mark.asyncio(loop_scope="module"), ON_BOTH_DATABASES]

HOSTILE = "<script>alert(1)</script>'\"&{{7*7}}"
KEPT = decided(
    tenant="clinic",
    app="triage",
    label=Label("restricted"),
    classes=frozenset({DataClass.PHI}),
    findings=(finding("MEDICAL_RECORD_NUMBER", "/messages/2/content", confidence=960), finding(confidence=700)),
    policy=PolicyEvidence(412, "sha256:" + "cd" * 32, "0" * 16, ("phi-stays-inside",), "PHI_INSIDE", ("stricter",)),
    route=Route.LOCAL,
    destination="local-slm",
    transforms=(),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _filled(site: Site) -> None:
    """Many decisions of one app, and one of another."""
    many = [decided(at=CLOCK.now() - number * 1000) for number in range(2 * ON_A_PAGE + 5)]
    ended = [outcome(each.decision_id) for each in many[1:]]
    outside = OtherWay("openai", Cost(250_000_000, known=True), 900_000, 7)
    ended.append(outcome(KEPT.decision_id, cost=Cost(50_000_000, known=True), other=outside))
    site.add(activated(), KEPT, *many, *ended)
    await site.settle()


async def test_a_decision_is_told_in_one_sentence_with_all_that_is_recorded(site: Site) -> None:
    """Why, what was found and where, rules, outcome; and the proof is green."""
    client = await site.person("vera", Role.VIEWER)
    page = await client.page(f"/console/decisions/{KEPT.decision_id}")

    assert (
        "Kept inside because one high-confidence MEDICAL_RECORD_NUMBER in message 3 and one medium-confidence "
        "EMAIL_ADDRESS in message 1 were found; rule phi-stays-inside (PHI_INSIDE), policy revision 412."
    ) in page
    assert "Green: proven" in page
    assert "stricter" in page
    assert "answered, status 200" in page
    assert json.loads(site.records("view")[-1])["subject"] == KEPT.decision_id


async def test_every_filter_narrows_and_its_link_shows_the_same_again(site: Site) -> None:
    """Counts before rows; a filter that finds nothing says so."""
    client = await site.person("vera", Role.VIEWER)
    fitting = {
        "tenant": "clinic", "app": "triage", "label": "restricted", "entity": "MEDICAL_RECORD_NUMBER",
        "rule": "phi-stays-inside", "reason": "PHI_INSIDE", "destination": "local-slm", "kind": "local",
        "data_class": "phi", "route": "local", "outcome": "completed",
    }  # fmt: skip
    assert set(fitting) == set(WORDS)
    for name, value in fitting.items():
        link = f"/console/decisions?{name}={value}&rule=phi-stays-inside"
        page = await client.page(link)
        assert "1 decision<" in page, name
        assert KEPT.decision_id in page
        assert re.search(rf'href="/console/decisions\?[^"]*{name}={value}', page)
        assert "0 decisions" in await client.page(f"/console/decisions?{name}=nothing")
    day = "2001-01-01"
    assert "0 decisions" in await client.page(f"/console/decisions?until={day}")
    assert (await client.get("/console/decisions?since=yesterday")).status_code == 400


async def test_pages_go_on_where_the_one_before_ended(site: Site) -> None:
    """Every decision once, the newest first."""
    client = await site.person("vera", Role.VIEWER)
    path, seen = "/console/decisions?app=claims-bot", []
    for _ in range(3):
        page = await client.page(path)
        seen += [part[:26] for part in page.split('class="id" href="/console/decisions/')[1:]]
        path = page.split('" rel="next"')[0].rsplit('href="', 1)[-1]
    assert len(seen) == len(set(seen)) == 2 * ON_A_PAGE + 5
    assert "105 decisions" in page


async def test_an_id_leads_straight_to_its_decision(site: Site) -> None:
    """From a complaint: one field, one page."""
    client = await site.person("vera", Role.VIEWER)
    answer = await client.get(f"/console/decisions?id={KEPT.decision_id}")

    assert answer.headers["location"] == f"/console/decisions/{KEPT.decision_id}"
    assert (await client.get("/console/decisions/01JDXXXXXXXXXXXXXXXXXXXXXX")).status_code == 404


async def test_an_auditor_sees_one_tenant_and_one_period_alone(site: Site) -> None:
    """Whatever is asked for, and however directly."""
    limited = await site.person("audit-acme", Role.AUDITOR, Sight("acme"))
    past = await site.person("audit-past", Role.AUDITOR, Sight("", 0, KEPT.at - 10**12))
    assert "0 decisions" in await limited.page("/console/decisions?tenant=clinic")
    assert "105 decisions" in await limited.page("/console/decisions")
    assert "triage" not in await limited.page("/console/")
    assert "0 decisions" in await past.page("/console/decisions?since=2000-01-01")
    for client in (limited, past):
        assert (await client.get(f"/console/decisions/{KEPT.decision_id}")).status_code == 404


async def test_a_word_that_no_record_holds_is_not_written_down(site: Site) -> None:
    """It could be anything: what is recorded of a search are words of records."""
    client = await site.person("vera", Role.VIEWER)
    await client.page("/console/decisions?app=078-05-1120&tenant=clinic")

    said = json.loads(site.records("view")[-1])
    assert said["action"] == "searched"
    assert sorted(said["asked"]) == ["app:?", "kind:decision", "tenant:clinic"]


@pytest.mark.parametrize("name", [*WORDS, "since", "until", "id", "after", "days", "next"])
async def test_hostile_values_stay_text(site: Site, name: str) -> None:
    """In every field of a link."""
    client = await site.person("vera", Role.VIEWER)
    for path in ("/console/decisions", "/console/", "/console/sign-in"):
        answer = await client.get(path, params={name: HOSTILE})
        assert "<script" not in answer.text
        assert "&amp;49" not in answer.text  # what a template would make of it
        assert answer.status_code in {200, 303, 400, 404}


async def test_a_search_is_saved_of_its_owner_alone(site: Site) -> None:
    """A hostile name stays text; forgetting takes it away."""
    vera, other = await site.person("vera", Role.VIEWER), await site.person("otto", Role.VIEWER)
    await vera.page("/console/decisions?app=triage")
    kept = await vera.submit("/console/views", name=HOSTILE, app="triage")

    assert kept.headers["location"] == "/console/decisions?app=triage"
    assert HOSTILE in await vera.page("/console/decisions")
    assert "<script" not in (await vera.get("/console/decisions")).text
    assert HOSTILE not in await other.page("/console/decisions")
    await vera.submit("/console/views", name=HOSTILE, forget="yes")
    assert HOSTILE not in await vera.page("/console/decisions")


async def test_what_a_search_finds_is_exported_with_proofs(site: Site, tmp_path: Path) -> None:
    """The verifier finds it sound with the public key alone, and altered after one letter."""
    client = await site.person("audit", Role.AUDITOR)
    answer = await client.get("/console/export?app=triage")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    archive.extractall(tmp_path)

    assert json.loads(site.records("view")[-1])["action"] == "exported"
    assert {"README.txt", "ledger.pub", "checkpoint", "manifest.json", "records.csv"} <= set(archive.namelist())
    sound = Verification(ExportSource(tmp_path), site.house.public).run()
    assert (sound.verdict, sound.records) == (Verdict.SOUND, 2)
    lines = next((tmp_path / "records").iterdir())
    lines.write_text(lines.read_text().replace("triage", "trixge", 1))
    assert Verification(ExportSource(tmp_path), site.house.public).run().verdict is Verdict.ALTERED


async def test_the_proof_turns_red_when_a_row_is_altered(site: Site) -> None:
    """What a database administrator could do is seen on the page."""
    client = await site.person("vera", Role.VIEWER)
    fresh = decided()
    site.add(fresh, writer="gw-0000bbbb")
    path = f"/console/decisions/{fresh.decision_id}"
    await site.settle()
    assert "Green: proven" in await client.page(path)
    site.house.alter(fresh.decision_id, "claims-bot", "claims-bat")
    assert "Red: altered" in await client.page(path)


async def test_the_proof_is_amber_before_it_is_signed(site: Site) -> None:
    """Without a checkpoint nothing is proven, and nothing altered. Nobody signs one within this transaction."""
    with site.house.engine.connect() as connection:
        [record, *_] = of_decision(connection, KEPT.decision_id)
        connection.execute(delete(checkpoints))
        light = proof_of(SqlAudit(connection), record, site.host.parts.public_key).light
        connection.rollback()

    assert light is Light.AMBER


async def test_a_developer_learns_why_with_the_apps_own_key_only(site: Site) -> None:
    """Another app's key, no key and an unknown id are told alike; each question is recorded."""
    keys = site.host.parts.keys
    own = await keys.create(site.host.ledger, name="triage", tenant="clinic", app="triage")
    foreign = await keys.create(site.host.ledger, name="other", tenant="clinic", app="other")
    async with site.visitor() as client:
        await client.page("/console/why")
        right = await client.submit("/console/why", id=KEPT.decision_id, key=own.key)
        wrong = [
            await client.submit("/console/why", id=KEPT.decision_id, key=foreign.key),
            await client.submit("/console/why", id=KEPT.decision_id, key="gw_x"),
            await client.submit("/console/why", id="01JDXXXXXXXXXXXXXXXXXXXXXX", key=own.key),
            await client.submit("/console/why", id=HOSTILE, key=HOSTILE),
        ]

    assert "Kept inside because one high-confidence MEDICAL_RECORD_NUMBER" in right.text
    assert [404] * 4 == [each.status_code for each in wrong]
    assert len({each.text for each in wrong}) == 1
    told = [json.loads(body) for body in site.records("view")[-5:]]
    assert ["asked_why"] * 5 == [each["action"] for each in told]
    assert [own.id, foreign.id, "", own.id, ""] == [each["who"] for each in told]


async def test_the_overview_counts_what_left_and_what_stayed(site: Site) -> None:
    """By route, app and class, with the proof's state."""
    client = await site.person("vera", Role.VIEWER)
    page = await client.page("/console/")

    assert "<strong>1</strong>" in page
    assert "data:image/svg+xml" in page
    assert "triage" in page
    assert "phi" in page
    assert "Last signed checkpoint" in page
    assert "saved about $0.20 at list prices, as 1 of them say" in page


async def test_a_decision_that_does_not_follow_from_its_policy_is_red(site: Site) -> None:
    """Health data that the record says left, under a policy that keeps it inside; one that stayed is green alone."""
    right = HEALTH.decided()
    wrong = replace(right, decision_id=CLOCK.new_id(), route=Route.EXTERNAL, destination="openai")
    site.add(right, wrong)
    await site.settle()
    client = await site.person("vera", Role.VIEWER)

    assert "Green: proven" in await client.page(f"/console/decisions/{wrong.decision_id}")
    assert "Red: not what its policy decides" in await client.page(f"/console/decisions/{wrong.decision_id}")
    assert "Red" not in await client.page(f"/console/decisions/{right.decision_id}")
