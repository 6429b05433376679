"""GET /v1/models: the names that callers may use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.responses import Response

from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json

ModelNames = Callable[[], Awaitable[Sequence[str]]]
"""The names that callers may use now."""


def models_response(names: Sequence[str]) -> Response:
    """OpenAI's list of models."""
    data: list[Json] = [_model(name) for name in sorted(names)]
    return Response(dump_json({"object": "list", "data": data}), media_type="application/json")


def model_response(names: Sequence[str], name: str) -> Response:
    """One model. A name that matches a configured pattern is one that callers may use."""
    matching = any(name == known or (known.endswith("*") and name.startswith(known[:-1])) for known in names)
    if not matching or not name:
        refuse(ErrorCode.MODEL_NOT_FOUND, "/model")
    return Response(dump_json(_model(name)), media_type="application/json")


def _model(name: str) -> dict[str, Json]:
    """`created` is 0: an alias has no birthday."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "gateway"}
