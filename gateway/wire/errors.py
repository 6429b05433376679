"""The response for every way in which a request can end badly."""

from __future__ import annotations

from starlette.responses import Response

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.wire.voice import Voice

_FINAL = {ErrorCode.POLICY_REFUSED, ErrorCode.ANSWER_WITHHELD, ErrorCode.INSUFFICIENT_QUOTA}


def error_response(error: GatewayError, headers: dict[str, str], voice: Voice = Voice.OPENAI) -> Response:
    """The response for a failure. 503 and 429 always say when to come back."""
    more = dict(headers)
    status = error.status
    if error.retry_after or status in {429, 503}:
        more["retry-after"] = str(error.retry_after or 1)
    if error.code in _FINAL:
        more["x-should-retry"] = "false"
    return Response(voice.error(error), status_code=status, media_type="application/json", headers=more)
