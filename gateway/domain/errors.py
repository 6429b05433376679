"""What can go wrong, split by whose fault it is.

    GatewayError              (abstract: never raised itself)
    ├── CallerError           the request cannot be served as it is (4xx)
    ├── PolicyRefusal         the request was understood and may not be served (403 and alike)
    ├── UpstreamError         a provider failed or broke its protocol (502, 504)
    └── GatewayFault          a part of this gateway is broken, full or slow (5xx)

Every message is constant text of the table below: an error never repeats a word of a request. `param` is an
address in the wire schema in which caller-chosen keys are replaced by `*`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn


class ErrorCode(StrEnum):
    """The `code` of an error body. Names are part of the public contract."""

    INVALID_JSON = "invalid_json"
    INVALID_ENCODING = "invalid_encoding"
    DUPLICATE_KEY = "duplicate_key"
    NESTING_TOO_DEEP = "nesting_too_deep"
    TOO_MANY_VALUES = "too_many_values"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_CONTENT_ENCODING = "unsupported_content_encoding"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_FIELD = "unsupported_field"
    INVALID_FIELD = "invalid_field"
    MISSING_FIELD = "missing_field"
    REQUEST_TIMEOUT = "request_timeout"
    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    UNSUPPORTED_BY_LOCAL_MODEL = "unsupported_by_local_model"
    UNSUPPORTED_BY_DESTINATION = "unsupported_by_destination"
    UNSUPPORTED_BY_PROVIDER = "unsupported_by_provider"
    AMBIGUOUS_EMBEDDINGS = "ambiguous_embeddings"
    TOKEN_IDS_UNREADABLE = "token_ids_unreadable"  # noqa: S105 - a code, no secret
    INVALID_API_KEY = "invalid_api_key"
    MODEL_NOT_FOUND = "model_not_found"
    UNKNOWN_ENDPOINT = "unknown_endpoint"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    INSUFFICIENT_QUOTA = "insufficient_quota"
    POLICY_REFUSED = "policy_refused"
    ANSWER_WITHHELD = "answer_withheld"
    ANSWER_UNINSPECTED = "answer_uninspected"
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    LOCAL_MODEL_UNAVAILABLE = "local_model_unavailable"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    DETECTOR_UNAVAILABLE = "detector_unavailable"
    LIMITS_UNAVAILABLE = "limits_unavailable"
    EGRESS_UNAVAILABLE = "egress_unavailable"
    OVERLOADED = "overloaded"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class ErrorText:
    """How one code is told: HTTP status hint, OpenAI's error `type`, constant message."""

    status: int
    type: str
    message: str


_INVALID = "invalid_request_error"
_SERVER = "server_error"

ERRORS: dict[ErrorCode, ErrorText] = {
    ErrorCode.INVALID_JSON: ErrorText(400, _INVALID, "The request body is not valid JSON."),
    ErrorCode.INVALID_ENCODING: ErrorText(400, _INVALID, "The request body is not valid Unicode text in UTF-8."),
    ErrorCode.DUPLICATE_KEY: ErrorText(400, _INVALID, "An object in the request names the same key twice."),
    ErrorCode.NESTING_TOO_DEEP: ErrorText(400, _INVALID, "The request body is nested too deeply."),
    ErrorCode.TOO_MANY_VALUES: ErrorText(400, _INVALID, "The request body holds too many values."),
    ErrorCode.BODY_TOO_LARGE: ErrorText(413, _INVALID, "The request body is larger than this gateway accepts."),
    ErrorCode.UNSUPPORTED_CONTENT_ENCODING: ErrorText(
        415, _INVALID, "Compressed request bodies are not accepted. Send the body without a content-encoding."
    ),
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: ErrorText(415, _INVALID, "Send the request as application/json in UTF-8."),
    ErrorCode.UNSUPPORTED_FIELD: ErrorText(
        400, _INVALID, "This field is not served by the gateway. GET /v1/gateway/coverage lists the fields that are."
    ),
    ErrorCode.INVALID_FIELD: ErrorText(400, _INVALID, "This field does not have an accepted type or value."),
    ErrorCode.MISSING_FIELD: ErrorText(400, _INVALID, "A required field is missing."),
    ErrorCode.REQUEST_TIMEOUT: ErrorText(408, _INVALID, "The request body did not arrive in time."),
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: ErrorText(
        400, _INVALID, "The conversation is longer than the context of the in-network model that has to answer it."
    ),
    ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL: ErrorText(
        400, _INVALID, "The in-network model that has to answer this request does not support this field."
    ),
    ErrorCode.UNSUPPORTED_BY_DESTINATION: ErrorText(
        400, _INVALID, "No destination that is configured for this model serves this endpoint."
    ),
    ErrorCode.UNSUPPORTED_BY_PROVIDER: ErrorText(
        400, _INVALID, "The provider that has to answer this request does not support this field."
    ),
    ErrorCode.AMBIGUOUS_EMBEDDINGS: ErrorText(
        400,
        _INVALID,
        "This model name leads to two destinations, and their vectors cannot be compared. Ask for embeddings by a name "
        "that leads to one.",
    ),
    ErrorCode.TOKEN_IDS_UNREADABLE: ErrorText(
        400,
        _INVALID,
        "Token ids of this model cannot be read here, so they cannot be inspected. Send text; with langchain-openai "
        "set check_embedding_ctx_length=False.",
    ),
    ErrorCode.INVALID_API_KEY: ErrorText(401, _INVALID, "The API key is missing, unknown or revoked."),
    ErrorCode.MODEL_NOT_FOUND: ErrorText(
        404, _INVALID, "No model of this name is configured. GET /v1/models lists them."
    ),
    ErrorCode.UNKNOWN_ENDPOINT: ErrorText(404, _INVALID, "This gateway does not serve this endpoint."),
    ErrorCode.METHOD_NOT_ALLOWED: ErrorText(405, _INVALID, "This endpoint does not accept this method."),
    ErrorCode.RATE_LIMIT_EXCEEDED: ErrorText(429, "rate_limit_error", "Too many requests. Retry later."),
    ErrorCode.INSUFFICIENT_QUOTA: ErrorText(
        429,
        "insufficient_quota",
        "The token budget is spent. Requests that stay inside the network are still answered.",
    ),
    ErrorCode.POLICY_REFUSED: ErrorText(403, "policy_error", "The privacy policy refuses this request."),
    ErrorCode.ANSWER_WITHHELD: ErrorText(
        403, "policy_error", "The privacy policy does not let the model's answer be shown."
    ),
    ErrorCode.ANSWER_UNINSPECTED: ErrorText(
        503, _SERVER, "The model's answer could not be examined in time, so it is not shown."
    ),
    ErrorCode.UPSTREAM_ERROR: ErrorText(502, _SERVER, "The model provider failed to answer."),
    ErrorCode.UPSTREAM_TIMEOUT: ErrorText(504, _SERVER, "The model provider did not answer in time."),
    ErrorCode.LOCAL_MODEL_UNAVAILABLE: ErrorText(
        503, _SERVER, "The in-network model that has to answer this request is not available. Nothing was sent outside."
    ),
    ErrorCode.LEDGER_UNAVAILABLE: ErrorText(
        503, _SERVER, "The decision could not be recorded in time, so nothing was sent."
    ),
    ErrorCode.DETECTOR_UNAVAILABLE: ErrorText(
        503, _SERVER, "The request could not be examined in time, so nothing was sent."
    ),
    ErrorCode.LIMITS_UNAVAILABLE: ErrorText(
        503, _SERVER, "The request could not be counted against its limits, so nothing was sent."
    ),
    ErrorCode.EGRESS_UNAVAILABLE: ErrorText(
        503, _SERVER, "The part of the gateway that sends is not available, so nothing was sent."
    ),
    ErrorCode.OVERLOADED: ErrorText(503, _SERVER, "The gateway has as many open requests as it takes. Retry later."),
    ErrorCode.INTERNAL_ERROR: ErrorText(500, _SERVER, "The gateway failed. Nothing of the request was logged."),
}


class GatewayError(Exception):
    """Base of all expected failures; abstract.

    `code` names the failure, `param` (may be empty) is a schema address without caller-chosen keys, `retry_after`
    is in whole seconds, 0 for "do not say". `status` is the code's own unless a policy chose another.
    """

    def __init__(self, code: ErrorCode, *, param: str = "", retry_after: int = 0, status: int = 0) -> None:
        if type(self) is GatewayError:
            raise TypeError("GatewayError is abstract: raise the child that names whose fault it is")
        super().__init__(code.value)
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.status = status or self.text.status

    @property
    def text(self) -> ErrorText:
        """Status, type and constant message of this code."""
        return ERRORS[self.code]


class CallerError(GatewayError):
    """The request cannot be served as it is; the caller can mend it."""


class PolicyRefusal(GatewayError):
    """The policy refuses the request. `status` is the policy's own, `tell_user` the rule's own text."""

    def __init__(self, *, status: int, tell_user: str) -> None:
        super().__init__(ErrorCode.POLICY_REFUSED, status=status)
        self.tell_user = tell_user


class UpstreamError(GatewayError):
    """A provider failed, was cut off, timed out, or broke its protocol."""


class GatewayFault(GatewayError):
    """A part of this gateway is broken, full or slow. Nothing was sent because of it."""


def refuse(code: ErrorCode, param: str = "") -> NoReturn:
    """Raise a `CallerError` of `code` at the schema address `param`."""
    raise CallerError(code, param=param)
