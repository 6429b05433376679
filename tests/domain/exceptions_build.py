"""Exceptions for tests."""

from __future__ import annotations

from gateway.domain.exceptions import DAY, Callers, EntityCounts, PolicyException, Waives, WholeRule
from gateway.domain.labels import Classification, DataClass, Entity, Label

NOW = 1_795_465_723_123_456
"""The moment of `build.context`."""


def callers(*, apps: str = "app", tenants: str = "", keys: str = "") -> Callers:
    """Names, each list split at spaces."""
    return Callers(frozenset(apps.split()), frozenset(tenants.split()), frozenset(keys.split()))


def exception(
    name: str = "pilot", *, rules: str = "ssn-inside", waives: Waives | None = None, **more: object
) -> PolicyException:
    """An exception for the app `app`, of a month around `NOW`, for ten uses."""
    values: dict[str, object] = {
        "owner": "ann@acme.example",
        "approver": "ben@acme.example",
        "ticket": "SEC-1",
        "reason": "A pilot.",
        "callers": callers(),
        "not_before": NOW - DAY,
        "expires": NOW + 29 * DAY,
        "max_uses": 10,
    }
    chosen = WholeRule() if waives is None else waives
    return PolicyException(id=name, rules=frozenset(rules.split()), waives=chosen, **{**values, **more})  # type: ignore[arg-type]


def counts(entity: str = "US_SSN", label: str = "internal", *classes: DataClass) -> EntityCounts:
    """An entity, and what it counts as."""
    return EntityCounts(Entity(entity), Classification(Label(label), frozenset(classes)))
