"""GET /v1/models: the names that callers may use."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.domain.strict_json import Json, dump_json


def models_response(names: Sequence[str]) -> Response:
    """OpenAI's list of models. `created` is 0: an alias has no birthday."""
    data: list[Json] = [{"id": name, "object": "model", "created": 0, "owned_by": "gateway"} for name in sorted(names)]
    return Response(dump_json({"object": "list", "data": data}), media_type="application/json")
