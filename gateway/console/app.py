"""The console as an application, to be mounted at /console."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.console.asked import Asked, ConsoleParts, Page, Refused
from gateway.console.gate import Gate, Route
from gateway.console.rendering import STYLE
from gateway.console.routes import ROUTES

PATH = "/console"
"""Where the console is mounted. Its pages link to each other by whole paths."""
_DAY_S = 86_400


def create_console(parts: ConsoleParts) -> ASGIApp:
    """The application. Paths are those of `ROUTES`, below /console."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    gate = Gate(parts)
    for route in ROUTES:
        app.add_route(route.path, gate.handler(route), methods=[route.method])
    app.add_route("/static/console.css", _style, methods=["GET"])
    broken = gate.handler(Route(method="GET", path="", roles=frozenset(), page=_broken))
    nothing = gate.handler(Route(method="GET", path="", roles=frozenset(), page=_nothing))

    async def on_nothing(request: Request, _: Exception) -> Response:
        return await nothing(request)

    async def on_fault(request: Request, _: Exception) -> Response:
        return await broken(request)  # the outermost layer logs where it was

    app.add_exception_handler(Exception, on_fault)
    for status in (404, 405):
        app.add_exception_handler(status, on_nothing)
    return app


async def _nothing(_: Asked) -> Page:
    raise Refused(404, "There is no such page.")


async def _broken(_: Asked) -> Page:
    raise Refused(500, "Something went wrong here, so nothing is shown. The log says where.")


async def _style(_: Request) -> Response:
    headers = {"cache-control": f"max-age={_DAY_S}", "x-content-type-options": "nosniff"}
    return Response(STYLE, media_type="text/css", headers=headers)
