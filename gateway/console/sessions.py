"""Sessions: signed, short-lived cookies that scripts cannot read. The server keeps nothing but the account's epoch.

A visitor who has not signed in has a session too, of no account: its token keeps others from posting the forms that are
for everyone.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from gateway.domain.accounts import Account

COOKIE = "gateway_console"
LONGEST_S = 12 * 3600
"""A session ends then, however busy it is."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in since when (seconds), under which epoch of the account; an empty id for a visitor. `token` goes
    into every form. `state` is what signing in elsewhere has to bring back."""

    account_id: str
    epoch: int
    began: int
    token: str = field(repr=False)
    state: str = field(default="", repr=False)

    def vouches(self, token: str) -> bool:
        """Whether a form is one of this session."""
        return hmac.compare_digest(self.token.encode(), token.encode(errors="replace"))


class Sessions:
    """Reads and writes them."""

    def __init__(self, secret: bytes, idle_s: int) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt="gateway console session")
        self._idle_s = idle_s

    def read(self, cookie: str, now_s: int) -> Session:
        """The session of a cookie; a new visitor's for one that is forged, too old, or none."""
        try:
            said = self._serializer.loads(cookie, max_age=self._idle_s)
        except BadSignature:
            return visitor(now_s)
        session = Session(*said)
        return session if now_s - session.began < LONGEST_S else visitor(now_s)

    def write(self, session: Session, response: Response) -> None:
        """Let the browser keep it. Browsers take a secure cookie over HTTPS, and from this very machine."""
        said = [session.account_id, session.epoch, session.began, session.token, session.state]
        response.set_cookie(
            COOKIE,
            str(self._serializer.dumps(said)),
            max_age=self._idle_s,
            path="/console",
            secure=True,
            httponly=True,
            samesite="lax",
        )


def visitor(now_s: int, state: str = "") -> Session:
    """A new session of nobody."""
    return Session("", 0, now_s, secrets.token_urlsafe(24), state)


def signed_in(account: Account, now_s: int) -> Session:
    """A new session of an account."""
    return Session(account.id, account.epoch, now_s, secrets.token_urlsafe(24))
