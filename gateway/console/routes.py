"""All pages and acts of the console, and which roles may ask for each. The tests read the same table."""

from __future__ import annotations

from gateway.console import signing_in
from gateway.console.gate import Route
from gateway.console.overview import overview
from gateway.domain.accounts import Role
from gateway.domain.evidence import ViewAction

EVERYONE: frozenset[Role] = frozenset()
SIGNED_IN = frozenset(Role)

ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/sign-in", roles=EVERYONE, page=signing_in.sign_in_page),
    Route(method="POST", path="/sign-in", roles=EVERYONE, page=signing_in.sign_in),
    Route(method="POST", path="/sign-out", roles=EVERYONE, page=signing_in.sign_out),
    Route(method="GET", path="/invitation/{secret}", roles=EVERYONE, page=signing_in.invitation_page),
    Route(method="POST", path="/invitation/{secret}", roles=EVERYONE, page=signing_in.accept_invitation),
    Route(method="GET", path="/", roles=SIGNED_IN, page=overview, seen=ViewAction.OVERVIEW),
)
