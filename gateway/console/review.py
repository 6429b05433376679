"""Reviewing decisions: a queue, judgements, four eyes. Each step is a record before it is done."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import of_decision
from gateway.adapters.sql_reviews import MOST_SHOWN
from gateway.console.asked import Answer, Asked, Page, Redirect, Refused
from gateway.console.charts import line
from gateway.console.decision import DECISIONS, NOTHING, rules_by_name, see
from gateway.console.decisions import Row, row_of
from gateway.domain.evidence import ReviewAction, Reviewed, ReviewReason
from gateway.domain.plain import found
from gateway.domain.policy import Bundle
from gateway.domain.reviewing import (
    MOST_WORDS,
    SAMPLE_SIZE,
    VERDICTS,
    Note,
    Precision,
    ReviewItem,
    ReviewState,
    may_sign,
)
from gateway.domain.strict_json import Json, object_at, text_at, words_at

_EXCEPTION_DAYS = 30


async def queue(asked: Asked) -> Answer:
    """What waits, the samples, and how often each recogniser was right."""
    state, sample = asked.query.get("state", ""), asked.query.get("sample", "")
    if state and state not in set(ReviewState):
        raise Refused(400, "There is no such state.")
    items = await asked.parts.reviews.queue(state, int(sample) if sample.isdecimal() else 0)
    rows = await asked.read(lambda audit: _rows(audit, asked, items))
    precision = await asked.parts.reviews.precision()
    return Page("review.html", {
        "title": "Review",
        "rows": rows,
        "states": list(ReviewState),
        "state": state,
        "sample": sample,
        "samples": _samples(await asked.parts.reviews.counts()),
        "size": SAMPLE_SIZE,
        "weekly": asked.parts.settings.console.weekly_sample,
        "full": len(items) == MOST_SHOWN,
        "precision": precision,
        "chart": _chart(precision),
        "names": {each.id: each.name for each in await asked.parts.accounts.list()},
    })  # fmt: skip


async def sign_sample(asked: Asked) -> Answer:
    """Sign off every decision of a sample that somebody else has judged."""
    sample = asked.form.get("sample", "")
    if not sample.isdecimal() or not int(sample):
        raise Refused(400, "Name the sample.")
    for item in await asked.parts.reviews.queue("", int(sample)):
        if not may_sign(item, await asked.parts.reviews.notes(item.decision_id), asked.who):
            await _record(asked, ReviewAction.SIGNED_OFF, item.decision_id)
            await asked.parts.reviews.sign(item.decision_id, asked.who)
    return Redirect(f"/console/review?sample={sample}&state=done")


async def step(asked: Asked) -> Answer:
    """One step of the review of one decision."""
    act = _STEPS.get(asked.path["step"])
    document = await asked.read(lambda audit: _document(audit, asked))
    if act is None:
        raise Refused(404, "There is no such step.")
    return await act(asked, document)


async def _add(asked: Asked, document: Mapping[str, Json]) -> Answer:
    await _record(asked, ReviewAction.QUEUED, text_at(document, "id"))
    await asked.parts.reviews.add([text_at(document, "id")], 0)
    return _back(document)


async def _take(asked: Asked, document: Mapping[str, Json]) -> Answer:
    item = await _open_item(asked, document)
    await _record(asked, ReviewAction.ASSIGNED, item.decision_id)
    await asked.parts.reviews.assign(item.decision_id, asked.who)
    return _back(document)


async def _comment(asked: Asked, document: Mapping[str, Json]) -> Answer:
    item, words = await _open_item(asked, document), _words(asked)
    if not words:
        raise Refused(400, "Write something.")
    await _say(asked, item, ReviewAction.COMMENTED, words=words)
    return _back(document)


async def _judge(asked: Asked, document: Mapping[str, Json]) -> Answer:
    item, entity = await _open_item(asked, document), asked.form.get("entity", "")
    verdict, reason = asked.form.get("verdict", ""), asked.form.get("reason", "")
    if verdict not in set(VERDICTS) or reason not in set(ReviewReason) - {ReviewReason.NONE}:
        raise Refused(400, "Choose a verdict and a reason.")
    if entity and entity not in {text_at(each, "d") for each in found(document)}:
        raise Refused(400, "Nothing of this kind was found in it.")
    await _say(asked, item, ReviewAction(verdict), entity, ReviewReason(reason), _words(asked))
    await asked.parts.reviews.move(item.decision_id, ReviewState.JUDGED)
    return _back(document)


async def _escalate(asked: Asked, document: Mapping[str, Json]) -> Answer:
    item = await _open_item(asked, document)
    await _say(asked, item, ReviewAction.ESCALATED, words=_words(asked))
    await asked.parts.reviews.move(item.decision_id, ReviewState.ESCALATED)
    return _back(document)


async def _sign(asked: Asked, document: Mapping[str, Json]) -> Answer:
    item = await _open_item(asked, document)
    refused = may_sign(item, await asked.parts.reviews.notes(item.decision_id), asked.who)
    if refused:
        raise Refused(409, refused)
    await _record(asked, ReviewAction.SIGNED_OFF, item.decision_id)
    await asked.parts.reviews.sign(item.decision_id, asked.who)
    return _back(document)


async def _request(asked: Asked, document: Mapping[str, Json]) -> Answer:
    """A request for an exception, as the file that the security team would put beside the policies."""
    decision_id, entity = text_at(document, "id"), asked.form.get("entity", "")
    notes = await asked.parts.reviews.notes(decision_id)
    if not any(each.entity == entity and each.verdict == ReviewAction.FALSE_POSITIVE for each in notes if entity):
        raise Refused(409, "Judge this finding a false positive first.")
    _refuse_unwaivable(document, asked.parts.policies.current())
    await _record(asked, ReviewAction.EXCEPTION_REQUESTED, decision_id, entity)
    text = exception_text(document, entity, datetime.fromtimestamp(asked.parts.clock.now() // 1_000_000, UTC))
    return Page("exception.html", {"title": "Request for an exception", "text": text, "decision_id": decision_id})


def _refuse_unwaivable(document: Mapping[str, Json], bundle: Bundle) -> None:
    """Raise `Refused` where no exception could let it leave: somebody would wait for nothing."""
    known = rules_by_name(bundle)
    for name in words_at(object_at(document, "pol"), "rules"):
        if name not in known:
            raise Refused(409, f"The rule {name} is not in force any more: ask for a newer decision.")
        if known[name].non_waivable:
            raise Refused(
                409,
                f"The rule {name} cannot be waived by any exception. Your judgement is recorded; the people who own "
                "the policies can change the rule, or how surely it wants the finding to be one.",
            )


_STEPS: Mapping[str, Callable[[Asked, Mapping[str, Json]], Awaitable[Answer]]] = {
    "add": _add,
    "take": _take,
    "comment": _comment,
    "judge": _judge,
    "escalate": _escalate,
    "sign-off": _sign,
    "exception": _request,
}


def exception_text(document: Mapping[str, Json], entity: str, now: datetime) -> str:
    """The file of an exception for the app of a decision, to be completed by its owner and approved by another one."""
    begins, ends = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (now, now + timedelta(days=_EXCEPTION_DAYS)))
    name = f"false-positive-{text_at(document, 'id')[-8:].lower()}"
    return f"""# {name}.exception.yaml, beside the policies once it is approved. Check it: gateway policy lint
apiVersion: gateway/v1
kind: Exception
metadata:
  name: {name}
  owner: WHO@ANSWERS.FOR.IT
  approver: SOMEBODY@ELSE
  ticket: TICKET-1
  reason: Reviewed as a false positive in decision {text_at(document, "id")}.
scope: {{apps: [{text_at(document, "app")}], tenants: [{text_at(document, "tenant")}]}}
not_before: {begins}
expires: {ends}
max_uses: 100
waives: {{rules: [{", ".join(words_at(object_at(document, "pol"), "rules"))}], entity: {entity}}}
"""


async def _say(
    asked: Asked,
    item: ReviewItem,
    action: ReviewAction,
    entity: str = "",
    reason: ReviewReason = ReviewReason.NONE,
    words: str = "",
) -> None:
    note = Note(
        account=asked.who,
        at=asked.parts.clock.now(),
        entity=entity,
        verdict=action.value if action in VERDICTS else "",
        reason=reason.value,
        words=words,
        salt=secrets.token_bytes(32),
    )
    await _record(asked, action, item.decision_id, entity, reason, note.comment)
    await asked.parts.reviews.say(item.decision_id, note)


async def _record(
    asked: Asked,
    action: ReviewAction,
    decision_id: str,
    entity: str = "",
    reason: ReviewReason = ReviewReason.NONE,
    comment: str = "",
) -> None:
    done = Reviewed(
        at=asked.parts.clock.now(),
        action=action,
        who=asked.who,
        decision_id=decision_id,
        entity=entity,
        reason=reason,
        comment=comment,
    )
    await asked.parts.ledger.append(done)


def _words(asked: Asked) -> str:
    words = asked.form.get("words", "").strip()
    if len(words) > MOST_WORDS:
        raise Refused(400, f"Write at most {MOST_WORDS} characters.")
    return words


async def _open_item(asked: Asked, document: Mapping[str, Json]) -> ReviewItem:
    item = await asked.parts.reviews.item(text_at(document, "id"))
    if item is None:
        raise Refused(409, "Put this decision under review first.")
    if item.state is ReviewState.DONE:
        raise Refused(409, "This review is signed off: it stays as it is.")
    return item


def _document(audit: SqlAudit, asked: Asked) -> Mapping[str, Json]:
    """The record of the decision, which the account may see. Raises `Refused`."""
    records = of_decision(audit.connection, asked.path["id"])
    document = next((each.document for each in records if each.document.get("k") in DECISIONS), None)
    if document is None:
        raise Refused(404, NOTHING)
    see(asked.holder, document)
    return document


def _rows(audit: SqlAudit, asked: Asked, items: list[ReviewItem]) -> list[tuple[ReviewItem, Row]]:
    rows = []
    for item in items:
        records = of_decision(audit.connection, item.decision_id)
        row = next((row_of(each) for each in records if each.document.get("k") in DECISIONS), None)
        if row is not None and asked.holder.sight.covers(row.tenant, row.at):
            rows.append((item, row))
    return rows


def _samples(counts: Mapping[tuple[int, str], int]) -> list[tuple[int, dict[str, int]]]:
    """The samples, the newest first, with how many of each are in each state."""
    weeks = sorted({week for week, _ in counts if week}, reverse=True)[:12]
    return [(week, {state.value: counts.get((week, state.value), 0) for state in ReviewState}) for week in weeks]


def _chart(precision: list[Precision]) -> str:
    months = sorted({each.month for each in precision})
    by_entity: dict[str, dict[str, float]] = {}
    for each in precision:
        by_entity.setdefault(each.entity, {})[each.month] = each.percent
    series = {entity: [found.get(month) for month in months] for entity, found in by_entity.items()}
    return line(months, series) if months else ""


def _back(document: Mapping[str, Json]) -> Redirect:
    return Redirect(f"/console/decisions/{text_at(document, 'id')}#review")
