"""/healthz says that the process runs; /readyz says, part by part, whether it could serve a request now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from gateway.domain.strict_json import Json, dump_json
from gateway.pipeline.ports import Health

HealthCheck = Callable[[], Awaitable[Health]]


def alive() -> Response:
    """The process answers."""
    return Response(b'{"status":"ok"}', media_type="application/json")


async def readiness(parts: Mapping[str, HealthCheck], more: Mapping[str, Json]) -> Response:
    """200 when every part is well, else 503, with `more` beside it. Details are constant texts."""
    told: dict[str, Json] = {}
    ready = True
    for name, check in parts.items():
        health = await check()
        ready = ready and health.ok
        told[name] = {"ok": health.ok, "detail": health.detail}
    body = dump_json({"ready": ready, "parts": told, **more})
    return Response(body, status_code=200 if ready else 503, media_type="application/json")
