"""Reviews: judged by one, signed off by another, every step a record; precision; a request for an exception."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.adapters.file_policies import FilePolicies
from gateway.console.sampling import WeeklySample, week_of
from gateway.domain.accounts import Role, Sight
from gateway.domain.evidence import Decided, PolicyEvidence, Route
from tests.console.site import ON_BOTH_DATABASES, Form, Site
from tests.console.test_decisions import HOSTILE
from tests.evidence import CLOCK, activated, decided, finding

pytestmark = [pytest.mark.asyncio(loop_scope="module"), ON_BOTH_DATABASES]

EXTERNAL = [decided() for _ in range(4)]
INSIDE = decided(
    route=Route.LOCAL,
    transforms=(),
    findings=(finding("US_SSN"),),
    policy=PolicyEvidence(1, "sha256:" + "cd" * 32, "0" * 16, ("government-id-stays-inside",), "GOVERNMENT_ID", ()),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _filled(site: Site) -> None:
    """Four decisions that left, one that stayed."""
    site.add(activated(), *EXTERNAL, INSIDE)
    await site.settle()


async def reviewers(site: Site) -> tuple[Form, Form]:
    """Two people."""
    return await site.person("rosa", Role.REVIEWER), await site.person("rene", Role.REVIEWER)


async def step(client: Form, decision: Decided, act: str, **fields: str) -> int:
    """One step, from the decision's page. The status."""
    await client.page(f"/console/decisions/{decision.decision_id}")
    return (await client.submit(f"/console/review/{decision.decision_id}/{act}", **fields)).status_code


def actions(site: Site, decision: Decided) -> list[str]:
    """What the ledger says was done with a decision's review."""
    found = [json.loads(body) for body in site.records("review")]
    return [each["action"] for each in found if each["id"] == decision.decision_id]


async def test_a_finding_is_judged_by_one_and_signed_off_by_another(site: Site) -> None:
    """Four eyes; each step is in the ledger; what is signed off stays as it is."""
    rosa, rene = await reviewers(site)
    judged = {"entity": "US_SSN", "verdict": "false_positive", "reason": "test_data", "words": HOSTILE}
    assert await step(rosa, INSIDE, "take") == 409
    assert await step(rosa, INSIDE, "add") == 303
    assert await step(rosa, INSIDE, "take") == 303
    assert await step(rosa, INSIDE, "sign-off") == 409
    assert await step(rosa, INSIDE, "judge", **judged) == 303
    assert await step(rosa, INSIDE, "sign-off") == 409
    assert await step(rene, INSIDE, "comment", words="Agreed.") == 303
    assert await step(rene, INSIDE, "escalate") == 303
    assert await step(rene, INSIDE, "sign-off") == 303
    assert await step(rosa, INSIDE, "judge", **judged) == 409

    done = ["queued", "assigned", "false_positive", "commented", "escalated", "signed_off"]
    assert done == actions(site, INSIDE)
    page = await rosa.get(f"/console/decisions/{INSIDE.decision_id}")
    assert "signed off by rene" in page.text
    assert "<script" not in page.text
    assert HOSTILE not in "".join(site.records("review"))


async def test_a_review_that_was_altered_in_the_database_is_shown_red(site: Site) -> None:
    """Another comment, another verdict, one that is gone, a signature that nobody gave; and green again when undone."""
    rosa, _ = await reviewers(site)
    said = "WHERE decision_id = :id"
    alterations = {
        f"UPDATE review_notes SET words = 'all well' {said} AND words <> ''": "Not what was recorded:",
        f"UPDATE review_notes SET verdict = 'false_positive' {said} AND verdict <> ''": "1 of its comments or verdicts",
        f"DELETE FROM review_notes {said} AND words <> ''": "1 is missing or altered",
        f"UPDATE review_items SET state = 'done', signer = 'somebody' {said}": "Nobody of that name signed it off",
    }
    for sql, told in alterations.items():
        one = decided()
        site.add(one)
        await step(rosa, one, "add")
        await step(rosa, one, "judge", verdict="true_positive", reason="other")
        await step(rosa, one, "comment", words="Looks like a real address.")
        path = f"/console/decisions/{one.decision_id}"
        assert "Red: altered" not in await rosa.page(path)
        assert site.house.change(sql, id=one.decision_id) == 1
        page = await rosa.page(path)
        assert "Red: altered.</strong> The review" in page
        assert told in page
    assert "real address" not in "".join(site.records("review"))


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "perhaps", "reason": "other"},
        {"verdict": "true_positive", "reason": ""},
        {"verdict": "true_positive", "reason": "because"},
        {"entity": "IBAN_CODE", "verdict": "true_positive", "reason": "other"},
        {"verdict": "true_positive", "reason": "other", "words": "x" * 2001},
    ],
)
async def test_a_judgement_of_another_form_is_refused_and_not_recorded(site: Site, fields: dict[str, str]) -> None:
    """Only what the form offers."""
    rosa, _ = await reviewers(site)
    await step(rosa, EXTERNAL[0], "add")
    before = actions(site, EXTERNAL[0])

    assert await step(rosa, EXTERNAL[0], "judge", **fields) == 400
    assert before == actions(site, EXTERNAL[0])


async def test_a_sample_is_drawn_judged_and_signed_off(site: Site) -> None:
    """Decisions that left, each once; nobody signs off what they judged."""
    rosa, rene = await reviewers(site)
    await rosa.page("/console/review")
    drawn = await rosa.submit("/console/review/sample")
    sample = drawn.headers["location"].rpartition("=")[2]
    waiting = await rosa.page(drawn.headers["location"])
    ids = set(re.findall(r"/console/decisions/(\w{26})", waiting))
    assert ids <= {each.decision_id for each in EXTERNAL}
    assert len(ids) >= 3
    for each in EXTERNAL:
        await step(rosa, each, "judge", verdict="true_positive", reason="as_found")
    await rosa.submit("/console/review/sign-off", sample=sample)
    assert all("signed_off" not in actions(site, each) for each in EXTERNAL)
    await rene.page("/console/review")
    await rene.submit("/console/review/sign-off", sample=sample)

    assert all("signed_off" in actions(site, each) for each in EXTERNAL if each.decision_id in ids)
    assert "Nothing waits here" in await rene.page(f"/console/review?sample={sample}")


async def test_the_sample_of_a_week_is_drawn_once_by_itself(site: Site) -> None:
    """By the process that leads, of what left in the week before, and of nothing else."""
    monday = week_of(CLOCK.now())
    before = [decided(at=monday - hours * 3_600_000_000) for hours in (1, 24, 7 * 24 - 1)]
    site.add(*before, decided(at=monday - 8 * 24 * 3_600_000_000), decided(at=monday - 1, route=Route.LOCAL))
    await site.settle()
    await WeeklySample(site.host.parts, lambda: False).look()
    assert actions(site, before[0]) == []
    for _ in range(2):  # a process that starts anew knows that it was drawn
        drawing = WeeklySample(site.host.parts, lambda: True)
        await drawing.look()
        await drawing.look()

    assert [["sampled"]] * 3 == [actions(site, each) for each in before]
    assert '"who":"gateway"' in site.records("review")[-1]
    rosa, _ = await reviewers(site)
    page = await rosa.page(f"/console/review?sample={monday}")
    assert {each.decision_id for each in before} == set(re.findall(r"/console/decisions/(\w{26})", page))


@pytest.mark.parametrize(
    ("moment", "monday"),
    [("2026-11-30T00:00", "2026-11-30"), ("2026-12-06T23:59", "2026-11-30"), ("2027-01-01T12:00", "2026-12-28")],
)
async def test_a_week_begins_on_monday(moment: str, monday: str) -> None:
    """Also over the turn of a year."""
    at, began = (int(datetime.fromisoformat(f"{each}+00:00").timestamp()) for each in (moment, f"{monday}T00:00"))

    assert week_of(at * 1_000_000 + 999_999) == began * 1_000_000


async def test_precision_is_told_by_kind_and_month(site: Site) -> None:
    """One wrong of one."""
    rosa, _ = await reviewers(site)
    page = await rosa.page("/console/review")

    assert "US_SSN" in page
    assert "0.0 %" in page


async def test_a_false_positive_becomes_a_request_that_lint_accepts(
    site: Site, tmp_path: Path, repository: Path
) -> None:
    """A file for the security team; nothing is asked for a finding that nobody judged wrong."""
    rosa, _ = await reviewers(site)
    assert await step(rosa, EXTERNAL[0], "exception", entity="EMAIL_ADDRESS") == 409
    await rosa.page(f"/console/decisions/{INSIDE.decision_id}")
    answer = await rosa.submit(f"/console/review/{INSIDE.decision_id}/exception", entity="US_SSN")
    text = re.search(r"<pre>(.*?)</pre>", answer.text, re.DOTALL)
    assert text is not None
    (tmp_path / "default.policy.yaml").write_bytes((repository / "policies" / "default.policy.yaml").read_bytes())
    (tmp_path / "asked.exception.yaml").write_text(text[1])
    [exception] = FilePolicies(tmp_path).current().exceptions

    assert exception.rules == {"government-id-stays-inside"}
    assert exception.callers.apps == {"claims-bot"}
    assert "exception_requested" in actions(site, INSIDE)


@pytest.mark.parametrize(
    ("rule", "told"), [("phi-stays-inside", "cannot be waived"), ("rule-of-old", "is not in force any more")]
)
async def test_nobody_asks_for_an_exception_that_could_not_be(site: Site, rule: str, told: str) -> None:
    """The console says so at once, and nothing is recorded as asked."""
    rosa, _ = await reviewers(site)
    policy = PolicyEvidence(1, "sha256:" + "cd" * 32, "0" * 16, ("mask-contact", rule), "PHI", ())
    kept = decided(route=Route.LOCAL, transforms=(), policy=policy)
    site.add(kept)
    await step(rosa, kept, "add")
    await step(rosa, kept, "judge", entity="EMAIL_ADDRESS", verdict="false_positive", reason="test_data")
    await rosa.page(f"/console/decisions/{kept.decision_id}")
    answer = await rosa.submit(f"/console/review/{kept.decision_id}/exception", entity="EMAIL_ADDRESS")

    assert answer.status_code == 409
    assert told in answer.text
    assert "exception_requested" not in actions(site, kept)


async def test_a_reviewer_of_one_tenant_reviews_nothing_of_another(site: Site) -> None:
    """Not in the queue, and by no step."""
    limited = await site.person("rita", Role.REVIEWER, Sight("clinic"))

    assert "Nothing waits here" in await limited.page("/console/review")
    answer = await limited.submit(f"/console/review/{INSIDE.decision_id}/comment", words="x")
    assert answer.status_code == 404
