"""GET /v1/gateway/openapi.json: what this gateway serves, as an OpenAPI 3.1 document made from the declarations."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from gateway import __version__
from gateway.domain.conversation import Operation
from gateway.domain.errors import ERRORS, ErrorCode
from gateway.domain.strict_json import Json, dump_json
from gateway.wire.coverage import coverage
from gateway.wire.endpoint import CLAIM
from gateway.wire.openapi_schema import Schema, schema_of
from gateway.wire.schema import OPERATIONS
from gateway.wire.voice import Voice, voice_of

_JSON = "application/json"
_ABOUT = (
    "An OpenAI-compatible gateway that lets nothing leave the network without a recorded policy decision. A request "
    "that fits its schema can be read; what becomes of it is decided by the policy. `GET /v1/gateway/coverage` says of "
    "every field whether it is inspected. Integers are written without a fraction: 1, not 1.0."
)
_KEYED: Json = [{"bearer": []}, {"x-api-key": []}]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the document says of an operation that takes a body. `streamed`: it answers in events when asked to."""

    operation: Operation
    id: str
    summary: str
    streamed: bool = False


_TOLD: Mapping[str, _Told] = {
    "POST /v1/chat/completions": _Told(Operation.CHAT, "createChatCompletion", "Chat completions", streamed=True),
    "POST /v1/responses": _Told(Operation.RESPONSES, "createResponse", "Responses", streamed=True),
    "POST /v1/responses/input_tokens": _Told(Operation.INPUT_TOKENS, "countInputTokens", "Tokens of an input"),
    "POST /v1/completions": _Told(Operation.COMPLETIONS, "createCompletion", "Completions of a prompt", streamed=True),
    "POST /v1/embeddings": _Told(Operation.EMBEDDINGS, "createEmbedding", "Embeddings"),
    "POST /v1/moderations": _Told(Operation.MODERATIONS, "createModeration", "Moderations"),
    "POST /v1/messages": _Told(Operation.MESSAGES, "createMessage", "Messages in Anthropic's dialect", streamed=True),
}
_DECIDED = {
    "x-gateway-decision-id": "The recorded decision.",
    "x-gateway-route": "Where the request went: external, local or refused.",
    "x-gateway-destination": "The destination that answered.",
    "x-gateway-label": "The label of the conversation.",
    "x-gateway-classes": "The classes that were found, with commas between them.",
    "x-gateway-reason": "The reason that the deciding rule gives.",
    "x-gateway-policy": "The revision of the policy.",
    "x-gateway-receipt": "The receipt of the record.",
    "x-gateway-lacking": "What the model inside cannot do of what was asked: tools, vision, json_schema, context.",
    "x-gateway-recourse": "What was done about that: refused, degraded (answered without), sent (with stand-ins).",
}
_CLAIMS = {
    "x-gateway-label": "A label that the caller claims. A claim raises the label of a conversation, never lowers it.",
    "x-gateway-purpose": "What the answer is for. A policy rule may speak of it.",
}
_ELSEWHERE = "A refusal by the provider, told as it was, or one by the policy with a status of the policy's own."
_TEXT: Schema = {"type": "string"}


def document() -> Schema:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Privacy gateway", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": {**{key.partition(" ")[2]: {"post": _post(key)} for key in OPERATIONS}, **_own_paths()},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A gateway key."},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key."},
            },
            "parameters": _claims(),
            "headers": _headers(),
            "schemas": _schemas(),
            "responses": _failures(),
        },
    }


@functools.cache
def _written() -> bytes:
    return dump_json(document())


def openapi_response() -> Response:
    """GET /v1/gateway/openapi.json."""
    return Response(_written(), media_type=_JSON)


def _post(key: str) -> Schema:
    told = _TOLD[key]
    voice, counted = voice_of(told.operation), len(coverage()[key])
    content: Schema = {_JSON: {"schema": _ref("schemas", "Answer")}}
    if told.streamed:
        content["text/event-stream"] = {"schema": _TEXT}
    return {
        "operationId": told.id,
        "summary": told.summary,
        "description": f"{counted} declared fields. A query string and any other field are refused.",
        "security": _KEYED,
        "parameters": [_ref("parameters", name) for name in _CLAIMS],
        "requestBody": {"required": True, "content": {_JSON: {"schema": _ref("schemas", _body_name(told))}}},
        "responses": {
            "200": {"description": "The answer, restored.", "headers": _headers_of(*_DECIDED), "content": content},
            **{str(status): _ref("responses", _failure(voice, status)) for status in _statuses()},
            "default": _ref("responses", _failure(voice, 0)),
        },
    }


def _own_paths() -> Schema:
    name: Json = {
        "name": "model",
        "in": "path",
        "required": True,
        "description": "A name with slashes in it is written as it is.",
        "schema": {"type": "string", "minLength": 1},
    }
    coverage_told, document_told = "What becomes of every field", "This document"
    return {
        "/v1/models": {"get": _get("listModels", "The names that callers may use", "Models")},
        "/v1/models/{model}": {"get": {**_get("getModel", "One model", "Model", 404), "parameters": [name]}},
        "/v1/gateway/coverage": {"get": _get("getCoverage", coverage_told, "Coverage")},
        "/v1/gateway/openapi.json": {"get": _get("getDocument", document_told, "Answer")},
        "/healthz": {"get": _open("getHealth", "Whether the process runs", _json("Health"))},
        "/readyz": {"get": _open("getReadiness", "Whether it could serve a request now", _json("Readiness"), "503")},
        "/metrics": {"get": _open("getMetrics", "Metrics for Prometheus", {"text/plain": {"schema": _TEXT}})},
    }


def _get(operation_id: str, summary: str, schema: str, *more: int) -> Schema:
    """An endpoint that asks for the key and tells JSON."""
    answered: Schema = {"description": f"{summary}.", "headers": _headers_of(), "content": _json(schema)}
    failures = {str(status): _ref("responses", _failure(Voice.OPENAI, status)) for status in sorted({401, 500, *more})}
    return {
        "operationId": operation_id,
        "summary": summary,
        "security": _KEYED,
        "responses": {"200": answered, **failures},
    }


def _open(operation_id: str, summary: str, content: Schema, *more: str) -> Schema:
    """An endpoint for the platform, without a key. `more` statuses tell the same content."""
    answered: Schema = {"description": f"{summary}.", "headers": _headers_of(), "content": content}
    failed = {"500": _ref("responses", _failure(Voice.OPENAI, 500))}
    responses: Schema = {**dict.fromkeys(("200", *more), answered), **failed}
    return {"operationId": operation_id, "summary": summary, "security": list[Json](), "responses": responses}


def _claims() -> Schema:
    schema: Json = {"type": "string", "pattern": f"^(?:{CLAIM.pattern})$"}
    return {
        name: {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, text in _CLAIMS.items()
    }


def _headers() -> Schema:
    described = {
        "x-request-id": "Of this request alone.",
        "retry-after": "Seconds after which it is worth another try.",
        **_DECIDED,
    }
    return {name: {"description": text, "schema": _TEXT} for name, text in described.items()}


def _failures() -> Schema:
    """Each status in each voice, with the codes that it may have, and whatever has another status."""
    told: Schema = {}
    for voice in Voice:
        for status in _statuses():
            codes = ", ".join(f"`{code.value}`" for code in _codes(status))
            told[_failure(voice, status)] = _failed(voice, codes, *(("retry-after",) if status in {429, 503} else ()))
        told[_failure(voice, 0)] = _failed(voice, _ELSEWHERE)
    return told


def _failed(voice: Voice, description: str, *headers: str) -> Schema:
    schema = {Voice.OPENAI: "OpenAiError", Voice.ANTHROPIC: "AnthropicError"}[voice]
    return {"description": description, "headers": _headers_of(*headers), "content": _json(schema)}


def _schemas() -> Schema:
    model = _closed(id=_TEXT, object={"const": "model"}, created={"type": "integer"}, owned_by=_TEXT)
    part = _closed(ok={"type": "boolean"}, detail=_TEXT)
    treatment: Schema = {"enum": ["control", "text", "opaque", "refused"]}
    return {
        **{_body_name(told): schema_of(OPERATIONS[key]) for key, told in _TOLD.items()},
        "Answer": {"type": "object"},
        "Model": model,
        "Models": _closed(object={"const": "list"}, data={"type": "array", "items": _ref("schemas", "Model")}),
        "Coverage": _closed(operations=_map_of(_map_of(treatment)), unknown_fields={"const": "refused"}),
        "Health": _closed(status={"const": "ok"}),
        "Readiness": _closed(
            ready={"type": "boolean"},
            parts=_map_of(part),
            policy=_closed(revision={"type": "integer"}, digest=_TEXT),
        ),
        "OpenAiError": _error(required=("message", "type", "param", "code"), null=True),
        "AnthropicError": {
            **_error(required=("message", "type"), null=False),
            "required": ["error", "type"],
        },
    }


def _error(*, required: tuple[str, ...], null: bool) -> Schema:
    """The codes are the gateway's; a provider's refusal has codes of its own."""
    kind: Json = ["string", "null"] if null else "string"
    known: Json = [code.value for code in ErrorCode]
    error: Schema = {
        "type": "object",
        "properties": {
            "message": _TEXT,
            "type": _TEXT,
            "param": {"type": kind, "description": "The address of the field."},
            "code": {"type": kind, "examples": known},
        },
        "required": list[Json](required),
    }
    properties: Schema = {"error": error} if null else {"error": error, "type": {"const": "error"}}
    return {"type": "object", "properties": properties, "required": ["error"]}


def _closed(**properties: Json) -> Schema:
    required = list[Json](properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _json(schema: str) -> Schema:
    return {_JSON: {"schema": _ref("schemas", schema)}}


def _headers_of(*names: str) -> Schema:
    return {name: _ref("headers", name) for name in ("x-request-id", *names)}


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _body_name(told: _Told) -> str:
    return f"{told.id[0].upper()}{told.id[1:]}Request"


def _failure(voice: Voice, status: int) -> str:
    return f"{voice.value}-{status or 'other'}"


def _statuses() -> list[int]:
    """Of every failure of an operation. A wrong method belongs to none."""
    return sorted({told.status for code, told in ERRORS.items() if code is not ErrorCode.METHOD_NOT_ALLOWED})


def _codes(status: int) -> Iterable[ErrorCode]:
    return (code for code, told in ERRORS.items() if told.status == status and code is not ErrorCode.UNKNOWN_ENDPOINT)
