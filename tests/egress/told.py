"""What every answer of the front door must look like, whatever was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from gateway.domain.decision import NOWHERE_INSIDE
from gateway.domain.errors import ERRORS, ErrorCode
from gateway.wire.openapi import document

ADDRESS = re.compile(r"(/([a-z_]{1,40}|[0-9]{1,6}|\*)#?)*|x-gateway-(label|purpose)|\?")
PROVIDERS = re.compile("Missing required parameter: '[a-z]+'.")
"""What the provider says of an empty prompt, which is told as it is."""
REASONS = {NOWHERE_INSIDE} | {told.message for told in ERRORS.values()}
DOCUMENT: Any = document()
VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator(DOCUMENT["components"]["schemas"][name])
    for name in ("OpenAiError", "AnthropicError")
}


def end_of(key: str, status: int, headers: Mapping[str, str | list[str]], body: bytes) -> str:
    """How an answer ended: `200`, or its code. Fails where that is not as the document says."""
    named = {name.lower(): value for name, value in headers.items()}
    one = {name: value[0] if isinstance(value, list) else value for name, value in named.items()}
    assert re.fullmatch(r"req_[0-9a-f]{24}", one["x-request-id"])
    if status == 200:
        assert_answered(one["content-type"], body)
        return "200"
    assert one["content-type"] == "application/json"
    return assert_refused(key, status, json.loads(body))


def assert_answered(content_type: str, body: bytes) -> None:
    """An object, or a stream that ends whole: neither holds an error."""
    if content_type.startswith("text/event-stream"):
        lines = body.decode().splitlines()
        events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
        assert events
    else:
        assert content_type == "application/json"
        events = [json.loads(body)]
    for event in events:
        assert not event.get("error")
        assert event.get("type") != "error"


def assert_refused(key: str, status: int, told: dict[str, Any]) -> str:
    """A refusal in the voice of the endpoint and in constant words, and the caller's fault or the policy's."""
    component = "AnthropicError" if key == "POST /v1/messages" else "OpenAiError"
    VALIDATORS[component].validate(told)
    error = told["error"]
    if PROVIDERS.fullmatch(error["message"]):
        return str(error["code"])
    code = ErrorCode(error["code"])
    assert status == ERRORS[code].status
    assert status < 500, code
    assert status != 429
    assert error["message"] in REASONS
    assert ADDRESS.fullmatch(error.get("param") or "") or code is ErrorCode.UNSUPPORTED_BY_PROVIDER
    return str(code)
