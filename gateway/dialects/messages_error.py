"""Errors as Anthropic's dialect tells them: `{"type": "error", "error": {"type", "message"}}`.

The members `code` and `param` of OpenAI's dialect are kept beside them, so that the reason is not lost.
"""

from __future__ import annotations

from gateway.dialects.answers import answer_object
from gateway.domain.errors import UpstreamError
from gateway.domain.strict_json import Json, dump_json

_KINDS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_UNREADABLE = "The model provider failed to answer."


def error_kind(status: int) -> str:
    """The error type that belongs to an HTTP status."""
    return _KINDS.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error")


def error_body(kind: str, message: str, *, code: str = "", param: str = "") -> bytes:
    """The body of an error, or the data of an `error` event. An empty `code` or `param` is left out."""
    more: dict[str, Json] = {"code": code, "param": param}
    error: dict[str, Json] = {"type": kind, "message": message}
    return dump_json({"type": "error", "error": error | {name: value for name, value in more.items() if value}})


def error_from_openai(body: bytes, status: int) -> bytes:
    """An error body of OpenAI's dialect, told. What is already told so stays; what is no error body gets constant
    words."""
    try:
        whole = answer_object(body)
    except UpstreamError:
        whole = {}
    error = whole.get("error")
    if not isinstance(error, dict):
        return error_body(error_kind(status), error if isinstance(error, str) else _UNREADABLE)
    if whole.get("type") == "error":
        return body
    message, code, param = (_string(error.get(name)) for name in ("message", "code", "param"))
    return error_body(error_kind(status), message or _UNREADABLE, code=code, param=param)


def _string(value: Json) -> str:
    """A text, or a number as text: some servers say the HTTP status as `code`."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
