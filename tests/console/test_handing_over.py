"""Proving a period, the policies and what would change, the access log, administration."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.console.policies import IN_FORCE
from gateway.domain.accounts import Role, Sight
from gateway.domain.evidence import Route
from gateway.domain.labels import DataClass
from gateway.settings import Console
from gateway.verifier.checks import Verification
from gateway.verifier.export import ExportSource
from gateway.verifier.findings import Verdict
from tests.console.site import ON_BOTH_DATABASES, PASSWORD, Site
from tests.console.test_decisions import HOSTILE
from tests.evidence import activated, decided, outcome

pytestmark = [pytest.mark.asyncio(loop_scope="module"), ON_BOTH_DATABASES]

SENT = decided()
LEAKED = decided(tenant="clinic", classes=frozenset({DataClass.PHI}), transforms=(), route=Route.EXTERNAL)
TODAY = datetime.now(UTC).date()
QUARTER = f"since={TODAY - timedelta(days=89)}&until={TODAY}"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _filled(site: Site) -> None:
    """One decision as it should be, and one that sent health data outside as it was."""
    in_force = site.host.parts.policies.current().digest
    site.add(activated(), activated(in_force), SENT, LEAKED, outcome(SENT.decision_id))
    await site.settle()


async def test_a_quarter_is_proven_from_its_records(site: Site) -> None:
    """Counts, what was sent that should not have been, and a verification, which is recorded."""
    client = await site.person("ada", Role.AUDITOR)
    page = await client.page(f"/console/reports?{QUARTER}")

    assert "SOUND." in page
    assert "2 decisions were recorded" in page
    assert "Sent outside with phi, financial, secret: 1" in page
    assert LEAKED.decision_id in page
    assert "as it was" in page
    seen = [json.loads(body) for body in site.records("view")]
    assert [each["action"] for each in seen][-1] == "report"
    assert seen[-1]["since"] > 0
    assert json.loads(site.records("admin")[-1])["action"] == "verified_sound"


async def test_the_evidence_bundle_is_checked_without_the_console(site: Site, tmp_path: Path, repository: Path) -> None:
    """Records with proofs, checkpoints, policies, report and instructions."""
    client = await site.person("ada", Role.AUDITOR)
    answer = await client.get(f"/console/reports/bundle?{QUARTER}")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    archive.extractall(tmp_path)

    assert Verification(ExportSource(tmp_path / "ledger"), site.house.public).run().verdict is Verdict.SOUND
    assert {"report.html", "README.txt", "ledger.pub", "ledger/README.txt"} <= set(archive.namelist())
    shipped = site.host.parts.policies.current().digest.replace(":", "-")
    text = (repository / "policies" / "default.policy.yaml").read_text()
    assert text == (tmp_path / "policies" / shipped / "default.policy.yaml").read_text()
    assert activated().subject in (tmp_path / "policies" / "README.txt").read_text()
    report = (tmp_path / "report.html").read_text()
    assert "Sent outside with phi, financial, secret: 1" in report
    assert "What answers from inside would have cost outside" in report
    assert "What was sent outside cost $" in report
    assert client.token not in report


async def test_an_auditor_of_one_tenant_gets_that_tenant_alone(site: Site, tmp_path: Path) -> None:
    """In the report and in its bundle; and not the access log, which speaks of all."""
    client = await site.person("ada-acme", Role.AUDITOR, Sight("acme"))
    page = await client.page(f"/console/reports?{QUARTER}")
    answer = await client.get(f"/console/reports/bundle?{QUARTER}")
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    bodies = next((tmp_path / "ledger" / "records").iterdir()).read_text()

    assert "1 decisions were recorded" in page
    assert LEAKED.decision_id not in page + bodies
    assert SENT.decision_id in bodies
    assert Verification(ExportSource(tmp_path / "ledger"), site.house.public).run().verdict is Verdict.SOUND
    assert (await client.get("/console/access")).status_code == 403


@pytest.mark.parametrize("period", ["since=2026-02-01&until=2026-01-01", "since=soon", f"since={'9' * 30}"])
async def test_a_period_that_is_none_is_refused(site: Site, period: str) -> None:
    """With a message."""
    client = await site.person("ada", Role.AUDITOR)

    assert (await client.get(f"/console/reports?{period}")).status_code == 400


async def test_the_policies_are_told_in_words_with_their_tests_and_history(site: Site) -> None:
    """Every rule of the shipped policy, and what came into force when."""
    client = await site.person("vic", Role.VIEWER)
    page = await client.page("/console/policies")

    for policy in site.host.parts.policies.current().policies:
        for rule in policy.rules:
            assert f'id="rule-{rule.id}"' in page
    assert "the request is answered inside" in page
    assert "activated" in page
    assert "Compare" not in page


async def test_what_another_version_would_change_comes_as_a_matrix(
    site: Site, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would leave that stays inside stands first; a version that does not load is told with its problems."""
    text = (repository / "policies" / "default.policy.yaml").read_text()
    for name, body in (("next", text), ("broken", text.replace("kind: Policy", "kind: Policies"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "default.policy.yaml").write_text(body)
    proposed = Console(proposals={name: str(tmp_path / name) for name in ("next", "broken")})
    settings = site.host.parts.settings.model_copy(update={"console": proposed})
    monkeypatch.setattr(type(site.host.parts), "settings", settings)
    client = await site.person("pia", Role.POLICY_EDITOR)
    page = await client.page(f"/console/policies/compare?old={IN_FORCE}&new=next&days=7")
    broken = await client.get("/console/policies/compare?old=next&new=broken&days=7")
    kept = await client.page("/console/policies/compare?old=revision+1&new=next&days=7")
    unknown = await client.get("/console/policies/compare?old=next&new=elsewhere&days=7")

    assert "0</strong> that were kept inside or refused would leave" in page
    assert "unchanged" in page
    assert "0</strong> that were kept inside or refused would leave" in kept
    assert broken.status_code == 409
    assert "cannot be loaded" in broken.text
    assert unknown.status_code == 400


async def test_the_access_log_tells_who_looked_at_what(site: Site) -> None:
    """By name, from the ledger."""
    await (await site.person("vic", Role.VIEWER)).page(f"/console/decisions/{SENT.decision_id}")
    await site.settle()
    client = await site.person("ada", Role.AUDITOR)
    page = await client.page("/console/access")

    assert re.search(rf"<td>vic</td><td>decision</td><td><a [^>]*>{SENT.decision_id}", page)
    assert "verified sound" in await client.page("/console/access?kind=admin")
    vic = next(each.id for each in await site.accounts.list() if each.name == "vic")
    rows = re.findall(r"<td>([^<]*)</td><td>(?:decision|overview|signed in|report)</td>", page)
    his = re.findall(r"<td>([^<]*)</td><td>[a-z ]+</td>", await client.page(f"/console/access?who={vic}"))
    assert {"vic", "ada"} <= set(rows)
    assert {"vic"} == set(his)
    assert "Nothing was found" in await client.page("/console/access?who=nobody")
    assert (await client.get("/console/access?kind=intent")).status_code == 400


async def test_accounts_are_invited_changed_and_disabled_by_somebody_else(site: Site) -> None:
    """One-time links are shown once; nobody changes their own account; a disabled one is out at once."""
    admin = await site.person("alf", Role.ADMINISTRATOR)
    page = await admin.page("/console/administration")
    me = next(each for each in await site.accounts.list() if each.name == "alf")
    invited = await admin.submit("/console/administration/accounts", name="new@acme.example", role="viewer")
    link = re.search(r"/console/invitation/[\w-]+", invited.text)
    assert link is not None
    async with site.visitor() as client:
        await client.page(link[0])
        assert (await client.submit(link[0], password=PASSWORD, again=PASSWORD)).status_code == 303
        new = next(each for each in await site.accounts.list() if each.name == "new@acme.example")
        raised = await admin.submit(f"/console/administration/accounts/{new.id}/role", role="reviewer")
        assert raised.status_code == 303
        assert (await client.get("/console/")).status_code == 303
        assert (await admin.submit(f"/console/administration/accounts/{new.id}/disable")).status_code == 303
        await client.page("/console/sign-in")
        refused = await client.submit("/console/sign-in", name="new@acme.example", password=PASSWORD)
    own = [f"/console/administration/accounts/{me.id}/{act}" for act in ("role", "disable")]

    assert "not known here" in page
    assert refused.status_code == 401
    assert [403, 403] == [(await admin.submit(path, role="viewer")).status_code for path in own]
    assert (await admin.submit("/console/administration/accounts", name="alf", role="viewer")).status_code == 403
    assert (await admin.submit("/console/administration/accounts", name=HOSTILE, role="viewer")).status_code == 400
    done = [json.loads(body) for body in site.records("admin")]
    by_whom = {each["action"]: each["who"] for each in done if each["subject"] == new.id}
    assert by_whom == {
        "account_invited_as_viewer": me.id,
        "account_accepted": new.id,
        "account_became_reviewer": me.id,
        "account_disabled": me.id,
    }
    await site.settle()
    log = await admin.page("/console/access?kind=admin")
    assert "<td>alf</td><td>account disabled</td><td>new@acme.example</td>" in re.sub(r">\s+<", "><", log)


async def test_keys_are_made_and_revoked(site: Site) -> None:
    """Shown once, recorded first; a hostile name is refused with a message."""
    admin = await site.person("alf", Role.ADMINISTRATOR)
    await admin.page("/console/administration")
    made = await admin.submit("/console/administration/keys", name="bot", tenant="acme", app="bot")
    key_id = re.search(r"gw_([a-z0-9]{12})_", made.text)
    assert key_id is not None
    assert (await admin.submit(f"/console/administration/keys/{key_id[1]}/revoke")).status_code == 303
    assert (await admin.submit(f"/console/administration/keys/{key_id[1]}/revoke")).status_code == 404
    assert (await admin.submit("/console/administration/keys", name=HOSTILE, tenant="a", app="b")).status_code == 400
    assert "gw_" not in await admin.page("/console/administration")
    me = next(each.id for each in await site.accounts.list() if each.name == "alf")
    done = [json.loads(body) for body in site.records("admin")]
    assert [("key_created", me), ("key_revoked", me)] == [
        (each["action"], each["who"]) for each in done if each["subject"] == key_id[1]
    ]


async def test_an_outcome_after_the_period_counts_as_known(site: Site) -> None:
    """A request that was still under way when the period ended is no open question of that period."""
    begun = datetime.now(UTC) - timedelta(days=2)
    late = decided(at=int(begun.timestamp() * 1e6))
    site.add(late, outcome(late.decision_id))
    await site.settle()
    client = await site.person("cleo", Role.AUDITOR)

    page = await client.page(f"/console/reports?since={begun.date()}&until={begun.date()}")

    assert "1 decisions were recorded" in page
    assert "not known what became of it: 0" in page
