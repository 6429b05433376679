"""Signing in with an identity provider; a claim says which role somebody has here."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from gateway.adapters.sql_accounts import AccountError
from gateway.console.asked import Answer, Asked, IdentityProvider, Redirect, Refused
from gateway.console.sessions import visitor
from gateway.console.signing_in import let_in
from gateway.domain.accounts import NotVouched, Role, is_account_name
from gateway.domain.evidence import ViewAction
from gateway.domain.strict_json import Json

_NO_ROLE = "The identity provider knows you, and none of what it says of you gives you a role here."
_NOT_BEGUN = "This way back does not belong to a sign-in that you began here. Begin again."
_NAMES = ("preferred_username", "email")


async def begin(asked: Asked) -> Answer:
    """Send the browser to the provider."""
    try:
        begun = await _provider(asked).begin()
    except NotVouched as error:
        raise Refused(502, str(error)) from None
    kept = f"{begun.state} {begun.nonce} {begun.verifier}"
    return Redirect(begun.url, visitor(asked.parts.clock.now() // 1_000_000, kept))


async def come_back(asked: Asked) -> Answer:
    """Let in whom the provider vouches for, with the role that its claim gives."""
    state, _, rest = asked.session.state.partition(" ")
    if not state or not hmac.compare_digest(state.encode(), asked.query.get("state", "").encode(errors="replace")):
        raise Refused(400, _NOT_BEGUN)
    nonce, _, verifier = rest.partition(" ")
    try:
        claims = await _provider(asked).finish(asked.query.get("code", ""), nonce, verifier)
        role = role_of(claims, asked.parts.settings.console.oidc.role_claim, asked.parts.settings.console.oidc.roles)
        subject = f"{asked.parts.settings.console.oidc.issuer} {claims['sub']}"
        account = await asked.parts.accounts.known_elsewhere(asked.parts.ledger, subject, _name(claims), role)
    except (NotVouched, AccountError) as error:
        await asked.record(ViewAction.SIGN_IN_FAILED)
        raise Refused(403, str(error)) from None
    return await let_in(asked, account, "/console/")


def role_of(claims: Mapping[str, Json], claim: str, roles: Mapping[str, Role]) -> Role:
    """The first of the configured roles that the claim names. Raises `NotVouched` where it names none."""
    said = claims.get(claim)
    named = {each for each in (said if isinstance(said, list) else [said]) if isinstance(each, str)}
    for value, role in roles.items():
        if value in named:
            return role
    raise NotVouched(_NO_ROLE)


def _name(claims: Mapping[str, Json]) -> str:
    """What to call somebody: by a name that the provider gives, where it can be one."""
    given = (str(claims.get(name, "")) for name in _NAMES)
    return next((name for name in given if is_account_name(name)), "")


def _provider(asked: Asked) -> IdentityProvider:
    if asked.parts.oidc is None:
        raise Refused(404, "There is no single sign-on here.")
    return asked.parts.oidc
