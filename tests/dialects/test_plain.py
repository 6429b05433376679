"""Answers that repeat nothing of the request pass as they are."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.answers import Restoring
from gateway.dialects.plain import PlainAnswer
from gateway.domain.errors import UpstreamError
from tests.dialects.placeholders import NO_VAULT, PLACEHOLDER, VALUE, VAULT


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (b'{ "data": [{"embedding": [0.1, 1e-7]}], "usage": {"prompt_tokens": 8, "total_tokens": 8} }', 8),
        (b'{"object":"response.input_tokens","input_tokens":11}', 11),
        (b'{"id":"modr-1","results":[{"flagged":false}]}', 0),
    ],
)
def test_the_exact_bytes_pass_and_the_tokens_are_noted(body: bytes, tokens: int) -> None:
    """With a vault too: there is nothing to turn back."""
    answer: Restoring = PlainAnswer(VAULT)

    assert body == answer.whole(body)
    assert (tokens, 0, 0) == (answer.usage.prompt, answer.usage.completion, answer.restored)


def test_an_error_body_is_restored() -> None:
    """It may quote the request."""
    answer = PlainAnswer(VAULT)

    assert {"error": VALUE} == json.loads(answer.error(json.dumps({"error": PLACEHOLDER}).encode()))
    assert 1 == answer.restored
    assert b"<x>" == PlainAnswer(NO_VAULT).error(b"<x>")


def test_they_are_never_streamed() -> None:
    """A stream where none can be is the provider's fault, and so is what is no object."""
    answer = PlainAnswer(VAULT)

    assert [] == list(answer.finish())
    with pytest.raises(UpstreamError):
        answer.event(b"{}")
    with pytest.raises(UpstreamError):
        answer.whole(b"[]")
