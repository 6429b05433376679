"""Errors of OpenAI's dialect told in Anthropic's, with the reason kept."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest
from anthropic.types.shared import ErrorResponse

from gateway.dialects.messages_error import error_body, error_from_openai, error_kind
from gateway.domain.errors import ERRORS, ErrorCode


def told(code: ErrorCode, param: str | None) -> dict[str, object]:
    """The inner object of one of the gateway's own errors."""
    own = ERRORS[code]
    body = {"error": {"message": own.message, "type": own.type, "param": param, "code": code.value}}
    whole = json.loads(error_from_openai(json.dumps(body).encode(), own.status))
    assert "error" == whole["type"]
    inner: dict[str, object] = whole["error"]
    return inner


@pytest.mark.parametrize("code", list(ErrorCode))
def test_each_of_our_errors_keeps_its_words_and_its_code(code: ErrorCode) -> None:
    """Only the type has another name."""
    error = told(code, "/messages/0")

    assert (ERRORS[code].message, code.value, "/messages/0") == (error["message"], error["code"], error["param"])
    assert error_kind(ERRORS[code].status) == error["type"]


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (404, "not_found_error", anthropic.NotFoundError),
        (415, "invalid_request_error", anthropic.APIStatusError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (502, "api_error", anthropic.InternalServerError),
        (503, "overloaded_error", anthropic.InternalServerError),
        (504, "timeout_error", anthropic.InternalServerError),
    ],
)
def test_the_official_client_knows_the_error(status: int, kind: str, raised: type[anthropic.APIStatusError]) -> None:
    """By status and by type."""
    body = error_body(kind, "words", code="c")
    reply = httpx2.Response(status, content=body, headers={"content-type": "application/json"})
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: reply)) as http:
        client = anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1:1", http_client=http, max_retries=0)
        with pytest.raises(raised) as caught:
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])

    assert status == caught.value.status_code
    assert kind == error_kind(status) == ErrorResponse.model_validate_json(body, strict=True).error.type
    assert {"type": kind, "message": "words", "code": "c"} == caught.value.body["error"]  # type: ignore[index]


def test_a_body_that_is_too_large_has_its_own_type() -> None:
    """The package has no class for it."""
    assert "request_too_large" == told(ErrorCode.BODY_TOO_LARGE, None)["type"]


def test_what_is_already_told_stays() -> None:
    """A provider of this dialect is not told twice."""
    body = b'{ "type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"} }'

    assert body == error_from_openai(body, 529)


@pytest.mark.parametrize("body", [b"", b"<html>secret</html>", b"[]", b'{"detail":"secret"}', b'{"error":[]}'])
def test_what_is_no_error_body_gets_constant_words(body: bytes) -> None:
    """Nothing of it is repeated."""
    error = json.loads(error_from_openai(body, 502))["error"]

    assert {"type": "api_error", "message": "The model provider failed to answer."} == error


def test_odd_members_do_not_break_it() -> None:
    """A numeric code is kept as text, nulls are left out."""
    body = b'{"error":{"message":null,"type":null,"param":null,"code":400}}'

    assert {
        "type": "invalid_request_error",
        "message": "The model provider failed to answer.",
        "code": "400",
    } == json.loads(error_from_openai(body, 400))["error"]
    assert "words" == json.loads(error_from_openai(b'{"error":"words"}', 400))["error"]["message"]
