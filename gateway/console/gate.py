"""What every request to the console passes, in this order:

1. Session: whose is it? 2. Role: may they ask for this? 3. Forgery: does the form come from a page of this session?
4. Record: that it is looked at is durable. 5. Page. 6. Headers: nothing is loaded from elsewhere, nothing is kept.

Whatever cannot be read or recorded refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import parse_qsl, quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from gateway.adapters.database import DatabaseUnfit
from gateway.console.asked import Answer, Asked, ConsoleParts, Download, Page, Redirect, Refused
from gateway.console.rendering import render
from gateway.console.sessions import COOKIE, Session, Sessions, visitor
from gateway.domain.accounts import FAR, Account, Role
from gateway.domain.errors import GatewayError
from gateway.domain.evidence import ViewAction, Viewed

MOST_FORM_BYTES = 64 * 1024
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_NOT_RECORDED = "The ledger cannot be read or written just now, so nothing is shown. Try again in a moment."
_FORGED = (
    "This form is not of your session: it is too old, or came from elsewhere. Go back, load the page again, and "
    "see that you reach the console by HTTPS or on this very machine: browsers keep its cookie nowhere else."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a page is recorded as: see `Viewed`."""

    subject: str = ""
    asked: tuple[str, ...] = ()
    since: int = 0
    until: int = FAR


async def of_path(asked: Asked) -> Seen:
    """The page of one thing: its id, where it can be one."""
    subject = asked.path.get("id", "")
    return Seen(subject if subject.isascii() and subject.isalnum() and len(subject) <= 63 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A page or an act. Without `roles` it is for everyone. `seen` is recorded before the page is made; a route without
    it shows nothing, or records what it does itself."""

    method: str
    path: str
    roles: frozenset[Role]
    page: Callable[[Asked], Awaitable[Answer]]
    seen: ViewAction | None = None
    what: Callable[[Asked], Awaitable[Seen]] = of_path


class Gate:
    """Serves the routes."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._sessions = Sessions(parts.secret, parts.settings.console.session_minutes * 60)

    def handler(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        """What serves one route."""

        async def handle(request: Request) -> Response:
            session, account = visitor(self._now_s()), None
            try:
                session, account = await self._who(request)
                return await self._serve(route, request, session, account)
            except Refused as refused:
                return self._told(_refusal(request, refused.status, refused.told), session, account)
            except (GatewayError, DatabaseUnfit):
                return self._told(_refusal(request, 503, _NOT_RECORDED), session, account)

        return handle

    async def _serve(self, route: Route, request: Request, session: Session, account: Account | None) -> Response:
        if route.roles and account is None:
            return self._to_sign_in(request, session)
        form = await _form(request, session) if route.method == "POST" else {}
        asked = Asked(
            parts=self._parts,
            session=session,
            account=account,
            path={name: str(value) for name, value in request.path_params.items()},
            query=dict(request.query_params),
            form=form,
            link=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        )
        if route.roles and asked.holder.role not in route.roles:
            await asked.record(ViewAction.REFUSED)
            raise Refused(403, "Your role does not allow this.")
        if route.seen is not None:
            await self._record(route.seen, asked, await route.what(asked))
        return self._told(await route.page(asked), session, account)

    async def _who(self, request: Request) -> tuple[Session, Account | None]:
        session = self._sessions.read(request.cookies.get(COOKIE, ""), self._now_s())
        if not session.account_id:
            return session, None
        account = await self._parts.accounts.find(session.account_id)
        if account is None or account.epoch != session.epoch:
            return visitor(self._now_s()), None
        return session, account

    async def _record(self, action: ViewAction, asked: Asked, seen: Seen) -> None:
        until = 0 if seen.until >= FAR else max(0, seen.until)
        viewed = Viewed(
            at=self._parts.clock.now(),
            action=action,
            who=asked.who,
            subject=seen.subject,
            asked=seen.asked,
            since=max(0, seen.since),
            until=until,
        )
        await self._parts.ledger.append(viewed)

    def _to_sign_in(self, request: Request, session: Session) -> Response:
        if request.method == "POST":
            raise Refused(403, "You are not signed in any more. Sign in, and do it again.")
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return self._told(Redirect(f"/console/sign-in?next={quote(asked)}"), session, None)

    def _told(self, answer: Answer, session: Session, account: Account | None) -> Response:
        match answer:
            case Page(template=template, told=told, status=status):
                kept = answer.session or session
                response = Response(render(template, told, account, kept), status, media_type="text/html")
                self._sessions.write(kept, response)
            case Redirect(to=to):
                response = RedirectResponse(to, 303)
                self._sessions.write(answer.session or session, response)
            case Download(file=file, name=name, media_type=media_type):
                gone = BackgroundTask(asyncio.to_thread, file.unlink, missing_ok=True)
                response = FileResponse(file, filename=name, media_type=media_type, background=gone)
            case _:
                assert_never(answer)
        response.headers.update(_HEADERS)
        return response

    def _now_s(self) -> int:
        return self._parts.clock.now() // 1_000_000


async def _form(request: Request, session: Session) -> Mapping[str, str]:
    """The fields of a form of this session. Raises `Refused` for one that comes from elsewhere."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refused(403, _FORGED)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            raise Refused(413, "This form is too long.")
    try:
        form = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=100, errors="strict"))
    except ValueError:
        raise Refused(400, "This form cannot be read.") from None
    if not session.vouches(form.get("token", "")):
        raise Refused(403, _FORGED)
    return form


def _refusal(request: Request, status: int, told: str) -> Page:
    title = "Not done" if request.method == "POST" else "Not shown"
    return Page("refused.html", {"title": title, "told": told, "status": status}, status)
