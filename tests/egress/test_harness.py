"""The search for what left can find what left: a control for every test that says it found nothing."""

from __future__ import annotations

import json

import pytest

from gateway.testing.stand_in import StandIn
from tests.egress.harness import client_for, holds, left, writings

VALUES = ("dana.whitfield@example.com", "536-22-8145", "4111 1111 1111 1111")


@pytest.mark.parametrize("value", VALUES)
def test_every_writing_of_a_value_is_found(value: str) -> None:
    """Clear, escaped, re-spaced, base64, hex, URL, gzip, UTF-16."""
    found = [form for form in writings(value) if len(form) >= 6]

    assert len(found) >= 10
    assert all(holds(b"before" + form + b"after", value) for form in found)


@pytest.mark.parametrize("value", VALUES)
def test_a_leak_is_seen(value: str) -> None:
    """Sent to the provider without a gateway between, the value is found in what the provider got."""
    with StandIn() as provider:
        client = client_for(provider.base_url, "x")
        client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": f"about {value}"}])
        client.close()

    assert holds(left(provider), value)


def test_what_is_not_there_is_not_found() -> None:
    """And nothing else is mistaken for it."""
    data = json.dumps({"messages": [{"content": "mail [EMAIL_ADDRESS_IXNSUFFYRW] about 5362"}]}).encode()

    assert not [value for value in VALUES if holds(data, value)]
