"""The two sides are what they are said to be: one is the provider, the other has a gateway in front of it."""

from __future__ import annotations

import openai

from tests.conformance.calling import EMAIL, TEXT
from tests.conformance.house import PROVIDER_KEY, Side


def test_what_reaches_the_provider(side: Side) -> None:
    """Directly the user's own words; through the gateway no address, and the operator's key instead of the caller's."""
    with openai.OpenAI(base_url=side.base_url, api_key=side.key, max_retries=0) as sdk:
        sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": TEXT}])
    seen = side.provider.requests[-1]

    assert (side.name == "direct") == (EMAIL.encode() in seen.body)
    assert f"Bearer {PROVIDER_KEY}" == seen.header("authorization")
    assert (side.name == "direct") == (side.key == PROVIDER_KEY)
