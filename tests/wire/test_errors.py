"""OpenAI's error bodies: complete for every code, in constant words, with the headers that SDKs act on."""

from __future__ import annotations

import json

import pytest

from gateway.domain.errors import (
    ERRORS,
    CallerError,
    ErrorCode,
    GatewayError,
    GatewayFault,
    PolicyRefusal,
    UpstreamError,
)
from gateway.wire.errors import error_response
from gateway.wire.voice import Voice


def of(error: GatewayError) -> dict[str, object]:
    """The `error` object of a failure's body."""
    told = json.loads(Voice.OPENAI.error(error))
    assert ["error"] == list(told)
    inner = told["error"]
    assert isinstance(inner, dict)
    return inner


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_is_told(code: ErrorCode) -> None:
    """Status, type, message and code, each from the table."""
    error = CallerError(code)
    text = ERRORS[code]

    assert {"message": text.message, "type": text.type, "param": None, "code": code.value} == of(error)
    assert text.status == error.status
    assert 400 <= text.status <= 599


@pytest.mark.parametrize("code", list(ErrorCode))
def test_who_may_come_back_is_told_when(code: ErrorCode) -> None:
    """429 and 503 always, others never of their own accord."""
    response = error_response(GatewayFault(code), {})

    assert (ERRORS[code].status in {429, 503}) == ("retry-after" in response.headers)


def test_a_known_pause_is_told() -> None:
    """What the provider or the queue said, in whole seconds."""
    assert "17" == error_response(GatewayFault(ErrorCode.LEDGER_UNAVAILABLE, retry_after=17), {}).headers["retry-after"]
    assert "3" == error_response(UpstreamError(ErrorCode.UPSTREAM_ERROR, retry_after=3), {}).headers["retry-after"]


def test_the_address_of_a_field_is_told() -> None:
    """An address of the schema."""
    assert "/messages/0/content" == of(CallerError(ErrorCode.INVALID_FIELD, param="/messages/0/content"))["param"]


def test_a_refusal_speaks_in_the_words_of_its_rule() -> None:
    """With the policy's status; without words of its own, in the constant ones."""
    refusal = PolicyRefusal(status=451, tell_user="An SSN was found: \u201cask privacy@\u201d.")

    assert "An SSN was found: \u201cask privacy@\u201d." == of(refusal)["message"]
    assert ("policy_error", "policy_refused") == (of(refusal)["type"], of(refusal)["code"])
    assert 451 == refusal.status
    assert ERRORS[ErrorCode.POLICY_REFUSED].message == of(PolicyRefusal(status=403, tell_user=""))["message"]


@pytest.mark.parametrize(("status", "pause"), [(403, None), (429, "1"), (503, "1")])
def test_a_refusal_is_not_to_be_tried_again(status: int, pause: str | None) -> None:
    """Whatever status a policy chooses: the SDKs' own header says no."""
    response = error_response(PolicyRefusal(status=status, tell_user=""), {})

    assert "false" == response.headers["x-should-retry"]
    assert pause == response.headers.get("retry-after")


def test_only_a_refusal_forbids_another_try() -> None:
    """A broken part may be well again."""
    assert "x-should-retry" not in error_response(GatewayFault(ErrorCode.LEDGER_UNAVAILABLE), {}).headers


def test_the_decision_stays_in_the_headers() -> None:
    """Given headers are kept, and the given mapping is not changed."""
    given = {"x-gateway-decision-id": "01JD"}
    response = error_response(GatewayFault(ErrorCode.LOCAL_MODEL_UNAVAILABLE), given)

    assert "01JD" == response.headers["x-gateway-decision-id"]
    assert "application/json" == response.headers["content-type"]
    assert {"x-gateway-decision-id": "01JD"} == given
