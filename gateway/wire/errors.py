"""OpenAI's error body for every way in which a request can end badly."""

from __future__ import annotations

from starlette.responses import Response

from gateway.domain.errors import ErrorCode, GatewayError, PolicyRefusal
from gateway.domain.strict_json import dump_json


def error_body(error: GatewayError) -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`, in constant words."""
    told = error.text
    message = told.message
    if isinstance(error, PolicyRefusal) and error.tell_user:
        message = error.tell_user
    param = error.param or None
    return dump_json({"error": {"message": message, "type": told.type, "param": param, "code": error.code.value}})


def error_status(error: GatewayError) -> int:
    """The HTTP status: the code's own, or the one a policy chose for its refusal."""
    return error.status if isinstance(error, PolicyRefusal) else error.text.status


def error_response(error: GatewayError, headers: dict[str, str]) -> Response:
    """The response for a failure. 503 and 429 always say when to come back."""
    more = dict(headers)
    status = error_status(error)
    if error.retry_after or status in {429, 503}:
        more["retry-after"] = str(error.retry_after or 1)
    if error.code is ErrorCode.POLICY_REFUSED:
        more["x-should-retry"] = "false"
    return Response(error_body(error), status_code=status, media_type="application/json", headers=more)
