"""Evidence that tests record."""

from __future__ import annotations

import dataclasses

from gateway.clock import SystemClock
from gateway.domain.alias import Alias
from gateway.domain.capability import Recourse
from gateway.domain.declaration import Source
from gateway.domain.evidence import Content, Decided, Event, EventKind, Outcome, PolicyEvidence, Result, Route
from gateway.domain.facts import FindingFact
from gateway.domain.finding import JudgedTask, Permille
from gateway.domain.labels import DataClass, Entity, Label

CLOCK = SystemClock()
RECEIVED = b'{"model":"gpt-4o","messages":[{"role":"user","content":"mail jane.roe@example.org"}]}'
SENT = b'{"model":"gpt-4o","messages":[{"role":"user","content":"mail <EMAIL_1>"}],"store":false}'


def finding(
    entity: str = "EMAIL_ADDRESS",
    schema: str = "/messages/0/content",
    *,
    source: Source = Source.USER,
    values: int = 1,
    new: int = 1,
    confidence: int = 980,
) -> FindingFact:
    """One finding of a record."""
    return FindingFact(Entity(entity), schema, source, values, new, Permille(confidence))


def decided(**changes: object) -> Decided:
    """A decision to send, with a fresh id, and with `changes`."""
    plain = Decided(
        decision_id=CLOCK.new_id(),
        at=CLOCK.now(),
        tenant="acme",
        app="claims-bot",
        who="k3y1d0000000",
        operation="chat",
        model="gpt-4o-2024-08-06",
        purpose="claims",
        claimed_label="internal",
        received=Content(RECEIVED),
        leaves=2,
        failed=0,
        opaque=0,
        detector="1.4.0",
        label=Label("confidential"),
        classes=frozenset({DataClass.PII}),
        findings=(finding(),),
        policy=PolicyEvidence(412, "sha256:" + "ab" * 32, "0" * 16, ("mask-contact",), "CONTACT_MASKED", ()),
        route=Route.EXTERNAL_TRANSFORMED,
        destination="openai-eu",
        transforms=(Entity("EMAIL_ADDRESS"),),
        sent=Content(SENT),
        alias=Alias("openai-eu", "local-slm"),
        task=JudgedTask(),
        lacking=(),
        status=0,
        recourse=Recourse.NONE,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def outcome(decision_id: str, **changes: object) -> Outcome:
    """A completed request."""
    plain = Outcome(
        decision_id=decision_id,
        at=CLOCK.now(),
        tenant="acme",
        result=Result.COMPLETED,
        status=200,
        answer_bytes=321,
        restored=1,
        duration=1_234,
        prompt_tokens=20,
        completion_tokens=30,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def activated(subject: str = "sha256:" + "ab" * 32) -> Event:
    """A policy bundle came into force."""
    return Event(kind=EventKind.POLICY, at=CLOCK.now(), action="activated", subject=subject)
